// ECDSA P-256 keys through WebCrypto: made, named, written down and used in the browser. The one module that knows how;
// private halves leave it only as what the person asked to keep.

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256" } as const;
const SIGNATURE = { name: "ECDSA", hash: "SHA-256" } as const;

export type Bytes = Uint8Array<ArrayBuffer>;

/** A private key as a person can keep it. */
export interface WrittenKey {
  readonly pem: string;
  readonly jwk: string;
  readonly hex: string;
}

export function base64(bytes: ArrayBuffer | Bytes): string {
  let text = "";
  for (const byte of new Uint8Array(bytes)) text += String.fromCharCode(byte);
  return btoa(text);
}

export function base64url(bytes: ArrayBuffer | Bytes): string {
  return base64(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

export function fromBase64(text: string): Bytes {
  const standard = text.replaceAll("-", "+").replaceAll("_", "/").replace(/\s+/g, "");
  return Uint8Array.from(atob(standard), (character) => character.charCodeAt(0));
}

export function hex(bytes: ArrayBuffer | Bytes): string {
  return [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

export async function generate(extractable: boolean): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(ALGORITHM, extractable, ["sign", "verify"]);
}

/** x and y as 128 hexadecimal digits, the form in which public keys are registered. */
export async function publicHex(key: CryptoKey): Promise<string> {
  const point = new Uint8Array(await crypto.subtle.exportKey("raw", key));
  return hex(point.slice(1));
}

/** RFC 7638, section 3, in base64url. */
export async function thumbprint(key: CryptoKey): Promise<string> {
  const { crv, kty, x, y } = await crypto.subtle.exportKey("jwk", key);
  const text = JSON.stringify({ crv, kty, x, y });
  return base64url(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}

/** Writes an extractable private key in the forms that the command line and other tools read. */
export async function write(key: CryptoKey): Promise<WrittenKey> {
  const { crv, kty, x, y, d } = await crypto.subtle.exportKey("jwk", key);
  const pkcs8 = base64(await crypto.subtle.exportKey("pkcs8", key)).replace(/.{64}(?=.)/g, "$&\n");
  return {
    pem: `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----\n`,
    jwk: `${JSON.stringify({ kty, crv, x, y, d }, null, 2)}\n`,
    hex: hex(fromBase64(d ?? "")),
  };
}

/** r and s, 64 bytes. */
export async function sign(key: CryptoKey, message: string | Bytes): Promise<Bytes> {
  const bytes = typeof message === "string" ? new TextEncoder().encode(message) : message;
  return new Uint8Array(await crypto.subtle.sign(SIGNATURE, key, bytes));
}

/**
 * The 64 bytes r and s of a signature that a tool wrote in base64, as they are or in DER (SEC 1, appendix C.5), as
 * OpenSSL does; undefined where it is neither.
 */
export function readSignature(text: string): Bytes | undefined {
  let bytes: Bytes;
  try {
    bytes = fromBase64(text);
  } catch {
    return undefined;
  }
  if (bytes.length === 64) return bytes;
  if (bytes[0] !== 0x30 || bytes[1] !== bytes.length - 2) return undefined;
  const out = new Uint8Array(64);
  let offset = 2;
  for (const end of [32, 64]) {
    const length = bytes[offset + 1];
    if (bytes[offset] !== 0x02 || length === undefined || offset + 2 + length > bytes.length) return undefined;
    let number = bytes.slice(offset + 2, offset + 2 + length);
    while (number.length > 32 && number[0] === 0) number = number.slice(1);
    if (number.length > 32) return undefined;
    out.set(number, end - number.length);
    offset += 2 + length;
  }
  return offset === bytes.length ? out : undefined;
}
