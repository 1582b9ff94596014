import { type Bytes, digest, toBase64 } from "./bytes.js";
import { SignatureError } from "./errors.js";

/** What of a request can be signed. */
export interface Parts {
  readonly method: string;
  /** Absolute, without a fragment. */
  readonly url: string;
  readonly headers: Headers;
}

/** A request as the pieces of this package see it; a fragment is never sent. */
export const partsOf = (request: Request, headers: Headers = request.headers): Parts => ({
  method: request.method,
  url: request.url.replace(/#.*$/s, ""),
  headers,
});

/** Fields as lines `name:value`, for the core. */
export const fieldLines = (headers: Iterable<readonly [string, string]>): string =>
  Array.from(headers, ([name, value]) => `${name}:${value.replaceAll("\n", " ")}`).join("\n");

/** The value of a `Content-Digest` with this SHA-256. */
export const digestField = (sha256: Uint8Array): string => `sha-256=:${toBase64(sha256)}:`;

/** The value of a `Content-Digest` of this body. */
export const contentDigest = async (body: Bytes): Promise<string> => digestField(await digest("SHA-256", body));

/** What is signed, between the two steps of signing. */
export interface Prepared {
  /** The signature base: the bytes to sign. */
  readonly base: Bytes;
  /** The value of `Signature-Input`. */
  readonly signatureInput: string;
  /** The label, which `Signature` repeats. */
  readonly label: string;
}

/** What a signature is to cover and say. */
export interface Spec {
  readonly label: string;
  readonly components: readonly string[];
  /** In the order in which they are written. */
  readonly parameters: readonly (readonly [name: ParameterName, value: string | number])[];
}

export type ParameterName = "created" | "expires" | "nonce" | "alg" | "keyid" | "tag";

/** The first step of signing: in TypeScript, or in the core. */
export type Prepare = (parts: Parts, spec: Spec) => Prepared | Promise<Prepared>;

/** Reads a body to its end. */
export async function readBody(request: Request, limit: number): Promise<Bytes> {
  const stream = request.body;
  if (stream === null) return new Uint8Array(await request.arrayBuffer());
  const reader = stream.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.byteLength;
    if (length > limit) {
      await reader.cancel();
      throw new SignatureError("too_large", `the body is longer than ${limit} bytes`);
    }
    chunks.push(value);
  }
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return whole;
}

/**
 * The same request without its body, so that another one can be given. Handing over the request itself would use its
 * body up in Chromium.
 */
export function bare(request: Request): Request {
  if (request.body === null) return request;
  const { method, headers, mode, credentials, cache, redirect, referrer, referrerPolicy, integrity, keepalive, signal } = request;
  const init: RequestInit = { method, headers, credentials, cache, redirect, referrer, referrerPolicy, integrity, keepalive, signal };
  // Not every host has every one of these; "navigate" cannot be set.
  const usable = Object.fromEntries(Object.entries(init).filter(([, value]) => value !== undefined && value !== "about:client"));
  return new Request(request.url, mode === undefined || mode === "navigate" ? usable : { ...usable, mode });
}
