// Bytes as text, and back.

/** Bytes in memory that is not shared, as WebCrypto takes them. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** Whether it is a Uint8Array, of whichever realm. WebAssembly would take whatever else has a length for as many zeros. */
export const isBytes = (value: unknown): value is Uint8Array =>
  ArrayBuffer.isView(value) && (value as Uint8Array)[Symbol.toStringTag] === "Uint8Array";

/** UTF-8. */
export const utf8 = (text: string): Bytes => new TextEncoder().encode(text);

/** In small letters. */
export const toHex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** Undefined where the text is no even number of hexadecimal digits. */
export function fromHex(text: string): Bytes | undefined {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(text)) return undefined;
  const bytes = new Uint8Array(text.length / 2);
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = Number.parseInt(text.slice(at * 2, at * 2 + 2), 16);
  return bytes;
}

/** With padding. */
export function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

/** Without padding. */
export const toBase64Url = (bytes: Uint8Array): string =>
  toBase64(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

/** Undefined where the text is not base64 in its one canonical spelling, with padding and no white space. */
export function fromBase64(text: string): Bytes | undefined {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined;
  try {
    const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    return toBase64(bytes) === text ? bytes : undefined;
  } catch {
    return undefined;
  }
}

/** Undefined where the text is not base64url in its one canonical spelling, without padding. */
export function fromBase64Url(text: string): Bytes | undefined {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) return undefined;
  const bytes = fromBase64(text.replaceAll("-", "+").replaceAll("_", "/") + "=".repeat((4 - (text.length % 4)) % 4));
  return bytes !== undefined && toBase64Url(bytes) === text ? bytes : undefined;
}

/** Pieces as one; `length` is theirs together. */
export function joined(chunks: readonly Uint8Array[], length: number): Bytes {
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return whole;
}

/** WebCrypto's SHA-2. */
export const digest = async (algorithm: "SHA-256" | "SHA-512", bytes: Bytes): Promise<Bytes> =>
  new Uint8Array(await subtle().digest(algorithm, bytes));

import { SymbolonError } from "./errors.js";

/** WebCrypto, which browsers give to secure contexts alone. */
export function subtle(): typeof crypto.subtle {
  const found: typeof crypto.subtle | undefined = globalThis.crypto?.subtle;
  if (found === undefined) {
    throw new SymbolonError("unsupported", "this host has no WebCrypto (pages need https or localhost): use symbolon/software");
  }
  return found;
}
