// Keys as the console's forms want them. Making, naming and writing them is the npm package's own work, as in any other
// page; what is here is reading what other tools sign.

import { exportKey } from "symbolon/webcrypto";

type Bytes = Uint8Array<ArrayBuffer>;

/** A private key as a person can keep it. */
export interface WrittenKey {
  readonly pem: string;
  readonly jwk: string;
  readonly hex: string;
}

/** Writes an extractable pair in the forms that the command line and other tools read. */
export async function write(pair: CryptoKeyPair): Promise<WrittenKey> {
  const [pem, jwk, hex] = await Promise.all([exportKey(pair, "pem"), exportKey(pair, "jwk"), exportKey(pair, "hex")]);
  return { pem, jwk: `${JSON.stringify(jwk, null, 2)}\n`, hex };
}

/**
 * The 64 bytes r and s, in base64url, of a signature that a tool wrote in base64, as they are or in DER (SEC 1, appendix
 * C.5), as OpenSSL does; undefined where it is neither.
 */
export function readSignature(text: string): string | undefined {
  const raw = plain(text);
  if (raw === undefined) return undefined;
  return btoa(String.fromCharCode(...raw)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function plain(text: string): Bytes | undefined {
  let bytes: Bytes;
  try {
    const standard = text.replaceAll("-", "+").replaceAll("_", "/").replace(/\s+/g, "");
    bytes = Uint8Array.from(atob(standard), (character) => character.charCodeAt(0));
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
