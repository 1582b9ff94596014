// ECDSA P-256 through WebCrypto, with the imported keys kept: importing costs a fifth of a verification.

/** How many imported keys an isolate keeps; each is a few hundred bytes. */
const MAX_KEYS = 2000;

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256" };
const SIGNATURE = { name: "ECDSA", hash: "SHA-256" };

/**
 * Imported keys, the least recently used first. Only finished imports are kept: a promise would belong to the request
 * that began it.
 * @type {Map<string, CryptoKey>}
 */
const keys = new Map();

/**
 * Whether `signature` (the 64 bytes r and s) over `message` was made with the key. A key off the curve and a signature
 * of another length verify nothing.
 * @param {string} publicKey x and y as 128 hexadecimal digits
 * @param {Uint8Array} message
 * @param {Uint8Array} signature
 * @returns {Promise<boolean>}
 */
export function verify(publicKey, message, signature) {
  const key = keys.get(publicKey);
  if (key === undefined) return verifyAnew(publicKey, message, signature);
  keys.delete(publicKey);
  keys.set(publicKey, key);
  return crypto.subtle.verify(SIGNATURE, key, signature, message);
}

/**
 * The same with a key that is not kept yet.
 * @param {string} publicKey
 * @param {Uint8Array} message
 * @param {Uint8Array} signature
 */
async function verifyAnew(publicKey, message, signature) {
  /** @type {CryptoKey} */
  let key;
  try {
    key = await crypto.subtle.importKey("raw", point(publicKey), ALGORITHM, false, ["verify"]);
  } catch {
    return false;
  }
  if (keys.size >= MAX_KEYS) keys.delete(/** @type {string} */ (keys.keys().next().value));
  keys.set(publicKey, key);
  return crypto.subtle.verify(SIGNATURE, key, signature, message);
}

/**
 * Whether `signature` over `message` is RSASSA-PKCS1-v1_5 with SHA-256 of this key, which is imported anew: few sign in.
 * A key that is none verifies nothing.
 * @param {string} modulus base64url
 * @param {string} exponent base64url
 * @param {Uint8Array} message
 * @param {Uint8Array} signature
 * @returns {Promise<boolean>}
 */
export async function verifyRs256(modulus, exponent, message, signature) {
  const algorithm = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
  let key;
  try {
    key = await crypto.subtle.importKey("jwk", { kty: "RSA", n: modulus, e: exponent }, algorithm, false, ["verify"]);
  } catch {
    return false;
  }
  return crypto.subtle.verify(algorithm, key, signature, message);
}

/**
 * The uncompressed point (SEC 1, section 2.3.3).
 * @param {string} publicKey
 */
function point(publicKey) {
  const bytes = new Uint8Array(65);
  bytes[0] = 4;
  bytes.set(fromHex(publicKey), 1);
  return bytes;
}

/**
 * @param {string} text hexadecimal digits, an even number of them
 * @returns {Uint8Array}
 */
export function fromHex(text) {
  const bytes = new Uint8Array(text.length / 2);
  for (let index = 0; index < bytes.length; index += 1) {
    bytes[index] = (digit(text.charCodeAt(index * 2)) << 4) | digit(text.charCodeAt(index * 2 + 1));
  }
  return bytes;
}

/** @param {number} code of `0` to `9` or `a` to `f`, of which the letters' last four bits begin at 1 */
function digit(code) {
  return code > 0x40 ? (code & 15) + 9 : code & 15;
}

/**
 * @param {ArrayBuffer | Uint8Array} bytes
 * @returns {string}
 */
export function toBase64(bytes) {
  let text = "";
  for (const byte of new Uint8Array(bytes)) text += String.fromCharCode(byte);
  return btoa(text);
}

/**
 * @param {string} text base64 with padding
 * @returns {Uint8Array}
 */
export function fromBase64(text) {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
