// Bodies: read once, bounded, and kept for whoever needs them again.

import { toBase64 } from "./keys.js";

/**
 * Reads a body to its end, or stops once it is longer than `limit` bytes.
 * @param {Request | Response} request
 * @param {number} limit
 * @returns {Promise<Uint8Array | null>} null: it is longer
 */
export async function readBody(request, limit) {
  if (request.body === null) return new Uint8Array(0);
  // A length that is declared too large is believed; one that is declared small is not.
  if (Number(request.headers.get("content-length") ?? 0) > limit) {
    await request.body.cancel();
    return null;
  }
  const reader = request.body.getReader();
  /** @type {Uint8Array[]} */
  const chunks = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.byteLength;
    if (length > limit) {
      await reader.cancel();
      return null;
    }
    chunks.push(value);
  }
  if (chunks.length === 1) return chunks[0];
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return whole;
}

/**
 * @param {Uint8Array} bytes
 * @returns {string | undefined} undefined: they are not UTF-8
 */
export function toText(bytes) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/**
 * A digest in base64.
 * @param {"SHA-256" | "SHA-512"} algorithm
 * @param {Uint8Array} body
 */
export async function digest(algorithm, body) {
  return toBase64(await crypto.subtle.digest(algorithm, body));
}
