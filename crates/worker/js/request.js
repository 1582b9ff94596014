// What the gate is told of a request.

/**
 * Whether a request has a body. A length of 0 is none: clients send it with a POST that has none.
 * @param {Request} request
 */
export function hasBody({ body, headers }) {
  return body !== null && headers.get("content-length") !== "0";
}

/** What can be an address: IPv4 or IPv6, without a port. */
const ADDRESS = /^[\d.]{7,15}$|^[\da-f:.]{2,45}$/iu;

/**
 * Where a request comes from. A header says so only where the configuration names the one that the host in front sets
 * anew on every request, as Cloudflare does with CF-Connecting-IP: any other host would let its clients write it. Without
 * one, it is the connection's other end, as far as workerd tells it; empty where nobody knows.
 * @param {Request} request
 * @param {Env} env
 */
function clientAddress({ headers, cf }, { CLIENT_ADDRESS_HEADER: header = "" }) {
  if (header !== "") {
    const told = headers.get(header) ?? "";
    return ADDRESS.test(told) ? told : "";
  }
  const peer = /** @type {{ clientIp?: unknown } | undefined} */ (cf)?.clientIp;
  if (typeof peer !== "string") return "";
  const [, address] = /^\[?(.+?)\]?(?::\d+)?$/u.exec(peer) ?? [];
  return address !== undefined && ADDRESS.test(address) ? address : "";
}

/**
 * A request as the gate reads it (crates/worker/src/flat.rs): with these fields, or with all of them, since a signature
 * may cover any, and which of them may be passed on is the gate's to say.
 * @param {Request} request
 * @param {Env} env
 * @param {string[] | undefined} names
 */
export function flat(request, env, names) {
  const { headers } = request;
  let fields = "";
  let count = 0;
  if (names === undefined) {
    for (const [name, value] of headers) {
      fields += `\n${name}\n${value}`;
      count += 1;
    }
  } else {
    for (const name of names) {
      const value = headers.get(name);
      if (value !== null) {
        fields += `\n${name}\n${value}`;
        count += 1;
      }
    }
  }
  const address = clientAddress(request, env);
  return `${request.method}\n${request.url}\n${hasBody(request) ? "1" : ""}\n${address}\n${count}${fields}`;
}

/** Where proxies ask: so often that it is worth while to ask the gate which fields it wants. */
const ASKED_BY_PROXIES = "/v1/forward-auth/";
/** For how many URLs its answer is kept. */
const MAX_URLS = 64;

/**
 * The fields that the gate wants of a request to this URL; undefined: all of them.
 * @param {import("./instance.js").Running} instance
 * @param {string} url
 * @returns {string[] | undefined}
 */
export function wanted({ gate, fields }, url) {
  const known = fields.get(url);
  if (known !== undefined) return known.length === 0 ? undefined : known;
  const path = url.indexOf("/", url.indexOf("://") + 3);
  if (!url.startsWith(ASKED_BY_PROXIES, path)) return undefined;
  // What follows the proxy's name is its client's, and makes no difference.
  const end = url.slice(path + ASKED_BY_PROXIES.length).search(/[/?]/u);
  const asked = end < 0 ? url : url.slice(0, path + ASKED_BY_PROXIES.length + end);
  let names = fields.get(asked);
  if (names === undefined) {
    /** @type {string} */
    const told = gate.fields(asked);
    names = told === "" ? [] : told.split("\n");
    if (fields.size >= MAX_URLS) fields.clear();
    fields.set(asked, names);
  }
  return names.length === 0 ? undefined : names;
}
