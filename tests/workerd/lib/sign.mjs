// Signing requests after RFC 9421 with WebCrypto, written from the standard and from nothing of ours.
import { createHash, createPrivateKey, createPublicKey, randomUUID, webcrypto } from "node:crypto";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256" };

/** A new key pair: `{privateKey, publicKeyHex, thumbprint, pem}`. */
export async function newKey() {
  return keyOf(await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]));
}

/** The key pair of a private scalar in hexadecimal. */
export async function keyFromHex(d) {
  // SEC 1 `ECPrivateKey` without a public key: node derives it.
  const der = Buffer.concat([
    Buffer.from("30310201010420", "hex"),
    Buffer.from(d.padStart(64, "0"), "hex"),
    Buffer.from("a00a06082a8648ce3d030107", "hex"),
  ]);
  const jwk = createPrivateKey({ key: der, format: "der", type: "sec1" }).export({ format: "jwk" });
  const privateKey = await webcrypto.subtle.importKey("jwk", jwk, ALGORITHM, true, ["sign"]);
  const { d: _, ...point } = jwk;
  const publicKey = await webcrypto.subtle.importKey("jwk", point, ALGORITHM, true, ["verify"]);
  return keyOf({ privateKey, publicKey });
}

async function keyOf({ privateKey, publicKey }) {
  const { x, y } = await webcrypto.subtle.exportKey("jwk", publicKey);
  const raw = Buffer.from(await webcrypto.subtle.exportKey("raw", publicKey));
  // RFC 7638, section 3.2.
  const thumbprint = createHash("sha256").update(`{"crv":"P-256","kty":"EC","x":"${x}","y":"${y}"}`).digest("base64url");
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", privateKey));
  const pem = createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" }).export({ format: "pem", type: "pkcs8" });
  return { privateKey, publicKeyHex: raw.subarray(1).toString("hex"), thumbprint, pem };
}

/** The signature over a text: r and s. */
export async function signText(key, text) {
  return Buffer.from(await webcrypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, key.privateKey, Buffer.from(text)));
}

/** `Content-Digest` of a body. */
export function contentDigest(body) {
  return `sha-256=:${createHash("sha256").update(body).digest("base64")}:`;
}

/** The components that a native signer covers. */
export function nativeComponents(body) {
  const components = ["@method", "@authority", "@path", "@query"];
  return body === undefined ? components : [...components, "content-digest", "content-type"];
}

/**
 * A request `{method, path, host, headers, body}` with `Signature-Input` and `Signature`.
 * - `parameters`: what follows the components, in this order; `created`, `expires`, `nonce`, `tag` and `keyid` as usual
 *   unless it says otherwise; one that is undefined is left out.
 */
export async function signed(key, { method = "GET", path, host, headers = {}, body }, { label = "sig1", components, now, keyid, parameters = {} }) {
  const all = { ...headers };
  if (body !== undefined) {
    all["content-type"] ??= "application/json";
    all["content-digest"] ??= contentDigest(body);
  }
  const covered = components ?? nativeComponents(body);
  const given = { created: now, expires: now + 60, nonce: randomUUID(), keyid: keyid ?? key.thumbprint, tag: "symbolon", ...parameters };
  const written = Object.entries(given)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `;${name}=${typeof value === "number" ? value : JSON.stringify(value)}`)
    .join("");
  const input = `(${covered.map((name) => JSON.stringify(name)).join(" ")})${written}`;
  const lines = covered.map((name) => `"${name}": ${component(name, { method, path, host, headers: all })}`);
  const base = [...lines, `"@signature-params": ${input}`].join("\n");
  const signature = await signText(key, base);
  all["signature-input"] = `${label}=${input}`;
  all.signature = `${label}=:${signature.toString("base64")}:`;
  return { method, path, host, headers: all, body };
}

function component(name, { method, path, host, headers }) {
  const [before, query] = path.split("?", 2);
  switch (name) {
    case "@method":
      return method;
    case "@authority":
      return host.toLowerCase();
    case "@path":
      return before;
    case "@query":
      return `?${query ?? ""}`;
    case "@target-uri":
      return `http://${host}${path}`;
    case "@scheme":
      return "http";
    case "@request-target":
      return path;
    default:
      return headers[name];
  }
}

/** DER and PEM of a public key, for libraries that want them. */
export function publicPem(key) {
  return createPublicKey(key.pem).export({ format: "pem", type: "spki" });
}
