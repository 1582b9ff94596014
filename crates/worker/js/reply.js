// Answers of our own: their security headers (but for a yes to a proxy), and the problems that the host itself finds.

/** On every answer of our own that anybody may come to see. */
const ALWAYS = {
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
  "strict-transport-security": "max-age=63072000; includeSubDomains",
};

/** Data is never a page. */
const DATA_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Pages come from here alone, run no inline script, and make no text into script. */
const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; " +
  "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; " +
  "require-trusted-types-for 'script'; trusted-types 'none'";

/**
 * Swagger UI makes HTML out of Markdown, which trusted types would not let it, and shows pictures that are written out;
 * otherwise as every page.
 */
const DOCS_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/**
 * @typedef {{ status: number, headers?: [string, string][], body?: string }} Told an `HttpResponse` of the protocol
 */

/**
 * The answer that the gate decided on.
 * @param {Told} told
 * @param {string} method HEAD has no body
 */
export function respond({ status, headers = [], body = "" }, method) {
  return answer(status, section(headers), body, method);
}

/**
 * The same, told in plain lines (crates/worker/src/flat.rs).
 * @param {string} told
 * @param {string} method
 */
export function respondFlat(told, method) {
  const { status, fields, body } = lines(told);
  return answer(status, section(fields), body, method);
}

/**
 * That a proxy may let a request pass: no page and no data, never shown to a browser, and so often sent that headers
 * which no proxy reads would cost as much as the verification.
 * @param {string} told as `respondFlat` takes it
 */
export function respondToProxy(told) {
  const { status, fields } = lines(told);
  return new Response(null, { status, headers: new Headers(fields) });
}

/** @param {string} told */
function lines(told) {
  const first = told.indexOf("\n");
  const second = told.indexOf("\n", first + 1);
  const start = second + 1;
  const end = start + Number(told.slice(first + 1, second));
  return { status: Number(told.slice(0, first)), fields: pairs(told.slice(start, end).split("\n")), body: told.slice(end) };
}

/**
 * @param {string[]} lines names and values in turn, and perhaps an empty line at the end
 * @returns {[string, string][]}
 */
export function pairs(lines) {
  /** @type {[string, string][]} */
  const found = [];
  for (let index = 0; index + 1 < lines.length; index += 2) found.push([lines[index], lines[index + 1]]);
  return found;
}

/** @param {[string, string][]} fields */
function section(fields) {
  const all = new Headers(ALWAYS);
  all.set("content-security-policy", DATA_POLICY);
  // It may hold a secret that is shown once, and it is always about one credential.
  all.set("cache-control", "no-store");
  const seen = new Set();
  for (const [name, value] of fields) {
    // A name that comes twice is a field with two lines; what comes first replaces our own.
    if (seen.has(name)) all.append(name, value);
    else all.set(name, value);
    seen.add(name);
  }
  return all;
}

/**
 * @param {number} status
 * @param {Headers} headers
 * @param {string} body
 * @param {string} method
 */
function answer(status, headers, body, method) {
  const none = method === "HEAD" || status === 204 || status === 304;
  return new Response(none || body === "" ? null : body, { status, headers });
}

/** How long a browser keeps a file whose name holds its hash: a year, and never asks again. */
const FOREVER = "public, max-age=31536000, immutable";

/**
 * A static asset with the headers of a page.
 * @param {Response} asset
 * @param {string} path where it was asked for; the build puts files with their hash in their name under `/assets/`
 */
export function page(asset, path) {
  const response = new Response(asset.body, asset);
  if (asset.ok && path.startsWith("/assets/")) response.headers.set("cache-control", FOREVER);
  for (const [name, value] of Object.entries(ALWAYS)) response.headers.set(name, value);
  response.headers.set("content-security-policy", path === "/docs" ? DOCS_POLICY : PAGE_POLICY);
  return response;
}

const PROBLEMS = /** @type {const} */ ({
  internal: [500, "Something went wrong on our side."],
  authority_unavailable: [503, "The authority cannot be reached."],
  not_found: [404, "Not found."],
});

/**
 * A problem (RFC 9457) that the host finds by itself, in the words of `symbolon::problem`.
 * @param {keyof typeof PROBLEMS} code
 * @param {string} method
 */
export function problem(code, method) {
  const [status, title] = PROBLEMS[code];
  const document = { type: `/problems/${code}`, title, status, code, ...(status === 503 && { retry_after: 1 }) };
  /** @type {[string, string][]} */
  const headers = [["content-type", "application/problem+json"]];
  if (status === 503) headers.push(["retry-after", "1"]);
  return respond({ status, headers, body: JSON.stringify(document) }, method);
}
