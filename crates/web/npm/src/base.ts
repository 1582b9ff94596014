// The signature base of RFC 9421, section 2.5, in TypeScript: for hosts that forbid WebAssembly and for bundles that
// should be small. It knows every derived component of requests, and whole fields. The parameters `sf`, `bs`, `key` and
// `req`, which need structured fields to be read, are the core's alone. What it writes is, byte for byte, what the core
// writes: the tests hold the two together on every vector.
//
// Writing needs no library for structured fields: keys here are constants, and of values there are non-negative integers
// and strings (RFC 9651, sections 4.1.4 and 4.1.6).

import { utf8 } from "./bytes.js";
import { SignatureError } from "./errors.js";
import type { ParameterName, Parts, Prepared, Spec } from "./message.js";

/** As in the core: components of one signature, bytes of a text parameter, of the target and of the base. */
const MAX = { components: 64, parameter: 256, target: 16 * 1024, field: 16 * 1024, base: 64 * 1024 } as const;

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

const bad = (why: string): SignatureError => new SignatureError("malformed_credential", why);

/** A string of a structured field. */
function sfString(text: string): string {
  if (!/^[\x20-\x7e]*$/.test(text)) throw bad("a text that is not printable ASCII");
  return `"${text.replace(/[\\"]/g, "\\$&")}"`;
}

interface Target {
  readonly scheme: string;
  readonly authority: string;
  readonly path: string;
  readonly query: string | undefined;
}

/** Takes a target apart, only in its canonical form: the one that no URL parser changes. */
export function parseTarget(url: string): Target {
  const whole = /^(https?):\/\/([^/?#]*)([^?#]*)(?:\?([^#]*))?$/i.exec(url);
  if (whole === null || url.length > MAX.target) throw bad("the target is not an absolute http or https URL");
  const [, rawScheme = "", rawAuthority = "", rawPath = "", query] = whole;
  const scheme = rawScheme.toLowerCase();
  const host = /^(\[[0-9a-f:.]+\]|[0-9a-z\-._~]+)(?::(0|[1-9][0-9]{0,4}))?$/.exec(rawAuthority.toLowerCase());
  if (host === null || Number(host[2] ?? 0) > 65_535) throw bad("the authority of the target is not canonical");
  const path = rawPath === "" ? "/" : rawPath;
  const escapes = /%(?![0-9a-f]{2})/i;
  const plain = /^[!$-;=?-[\]_a-z|~]*$/i.test(path) && /^[!$-&(-;=?-[\]-~]*$/.test(query ?? "");
  if (!plain || escapes.test(path) || escapes.test(query ?? "")) {
    throw bad("the target has a character that is not written as it is");
  }
  if (path.split("/").some((segment) => /^(\.|%2e){1,2}$/i.test(segment))) throw bad("the path has a dot segment");
  const own = host[2] === (scheme === "https" ? "443" : "80");
  const port = host[2] === undefined || own ? "" : `:${host[2]}`;
  return { scheme, authority: `${host[1] ?? ""}${port}`, path, query };
}

/** A name or value of a query, decoded as a form and encoded again (RFC 9421, section 2.2.8). */
function encodeAgain(text: string): string | undefined {
  try {
    const decoded = decodeURIComponent(text.replaceAll("+", " "));
    const escaped = (character: string): string => `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
    return encodeURIComponent(decoded).replace(/[!'()*~]/g, escaped);
  } catch {
    return undefined;
  }
}

function queryParameter(query: string | undefined, wanted: string): string | undefined {
  const found = (query ?? "")
    .split("&")
    .filter((pair) => pair !== "")
    .map((pair) => [pair.split("=", 1)[0] ?? "", pair.includes("=") ? pair.slice(pair.indexOf("=") + 1) : ""] as const)
    .filter(([name]) => encodeAgain(name) === wanted);
  const [first] = found;
  return first !== undefined && found.length === 1 ? encodeAgain(first[1]) : undefined;
}

/** The canonical identifier and the value of one component. */
function component(parts: Parts, target: Target, written: string): readonly [identifier: string, value: string] {
  const read = /^(?:"([^"\\;]+)"|([^"\\;]+))(?:;name="([^"\\]*)")?$/.exec(written);
  const name = read?.[1] ?? read?.[2];
  const parameter = read?.[3];
  if (name === undefined) {
    throw new SignatureError("unsupported", `${written} needs the core: sign with the package's main entry`);
  }
  const unknown = bad(`${written} cannot be signed here`);
  if ((parameter !== undefined) !== (name === "@query-param")) throw unknown;
  const { scheme, authority, path, query } = target;
  const requestTarget = query === undefined ? path : `${path}?${query}`;
  let value: string | undefined;
  switch (name) {
    case "@method":
      value = TOKEN.test(parts.method) ? parts.method : undefined;
      break;
    case "@target-uri":
      value = `${scheme}://${authority}${requestTarget}`;
      break;
    case "@authority":
      value = authority;
      break;
    case "@scheme":
      value = scheme;
      break;
    case "@request-target":
      value = parts.method === "CONNECT" ? undefined : requestTarget;
      break;
    case "@path":
      value = path;
      break;
    case "@query":
      value = `?${query ?? ""}`;
      break;
    case "@query-param":
      value = queryParameter(query, parameter ?? "");
      break;
    default:
      if (!TOKEN.test(name) || /[A-Z]/.test(name)) throw unknown;
      value = field(parts.headers, name);
  }
  if (value === undefined) throw new SignatureError("signature_invalid", `the message has no single ${written}`);
  return [sfString(name) + (parameter === undefined ? "" : `;name=${sfString(parameter)}`), value];
}

function field(headers: Headers, name: string): string | undefined {
  const value = headers.get(name)?.replace(/^[ \t]+|[ \t]+$/g, "");
  if (value === undefined) return undefined;
  if (value.length > MAX.field) throw bad(`${name}: too large or too many`);
  if (!/^[\x20-\x7e\t]*$/.test(value)) throw bad(`the field ${name} has characters that cannot be signed`);
  return value;
}

function parameterValue(name: ParameterName, value: string | number): string {
  if (typeof value === "string" && value.length <= MAX.parameter && name !== "created" && name !== "expires") return sfString(value);
  if (Number.isSafeInteger(value) && Number(value) >= 0 && Number(value) < 1e15) return String(value);
  throw bad(`the signature parameter ${name} is malformed`);
}

/** The first step of signing. */
export function prepare(parts: Parts, { label, components, parameters }: Spec): Prepared {
  if (!/^[a-z*][a-z0-9_\-.*]*$/.test(label) || label.length > MAX.parameter) throw bad("the signature parameter label is malformed");
  if (components.length > MAX.components) throw bad("covered components: too large or too many");
  const target = parseTarget(parts.url);
  const covered = components.map((written) => component(parts, target, written));
  const identifiers = covered.map(([identifier]) => identifier);
  const twice = identifiers.find((identifier, at) => identifiers.indexOf(identifier) !== at);
  if (twice !== undefined) throw bad(`the component ${twice} is covered twice`);
  const said = parameters.map(([name, value]) => `;${name}=${parameterValue(name, value)}`);
  const input = `(${identifiers.join(" ")})${said.join("")}`;
  const lines = covered.map(([identifier, value]) => `${identifier}: ${value}\n`);
  const base = utf8(`${lines.join("")}"@signature-params": ${input}`);
  if (base.length > MAX.base) throw bad("signature base: too large or too many");
  return { base, signatureInput: `${label}=${input}`, label };
}
