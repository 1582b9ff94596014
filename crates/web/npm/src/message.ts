import { type Bytes, digest, isBytes, joined, toBase64 } from "./bytes.js";
import { SignatureError, SymbolonError } from "./errors.js";

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

/** The parameters of a signature (RFC 9421, section 2.3). */
export type ParameterName = "created" | "expires" | "nonce" | "alg" | "keyid" | "tag";

/** The first step of signing: in TypeScript, or in the core. */
export type Prepare = (parts: Parts, spec: Spec) => Prepared | Promise<Prepared>;

/**
 * The body of a request, which can still be read afterwards; null where there is none.
 * @throws {SymbolonError} `invalid_request` where it was read before, and `too_large`.
 */
export async function bodyOf(request: Request, limit: number): Promise<Bytes | null> {
  if (request.body === null) return null;
  if (request.bodyUsed || request.body?.locked === true) {
    throw new SymbolonError("invalid_request", "the body was read before: hand over a clone, made earlier");
  }
  const bytes = await readBody(request.clone(), limit);
  return bytes.length === 0 ? null : bytes;
}

/** Reads a body to its end. */
async function readBody(request: Request, limit: number): Promise<Bytes> {
  // Firefox has no `body` on requests: there the bytes tell.
  const stream: ReadableStream<Uint8Array> | null | undefined = request.body;
  if (stream === null || stream === undefined) {
    const bytes = new Uint8Array(await request.arrayBuffer());
    if (bytes.length > limit) throw tooLong(limit);
    return bytes;
  }
  const reader = stream.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    if (!isBytes(value)) throw new SymbolonError("invalid_request", "a stream as a body has chunks of Uint8Array");
    length += value.byteLength;
    if (length > limit) {
      // Not awaited: of a body in two branches, one ends only with the other.
      void reader.cancel().catch(() => {});
      throw tooLong(limit);
    }
    chunks.push(value);
  }
  return joined(chunks, length);
}

const tooLong = (limit: number): SignatureError => new SignatureError("too_large", `the body is longer than ${limit} bytes`);

/**
 * The same request without its body, so that another one can be given. Handing over the request itself would use its
 * body up in Chromium.
 */
export function bare(request: Request): Request {
  if (request.body === null) return request;
  return new Request(request.url, { method: request.method, headers: request.headers, ...settings(request) });
}

/** How a request is to be sent, whatever it says and wherever it goes. */
export function settings(request: Request): RequestInit {
  const { mode, credentials, cache, redirect, referrer, referrerPolicy, integrity, keepalive, signal } = request;
  const init: RequestInit = { credentials, cache, redirect, referrer, referrerPolicy, integrity, keepalive, signal };
  // Not every host has every one of these; "navigate" cannot be set.
  const usable = Object.fromEntries(Object.entries(init).filter(([, value]) => value !== undefined && value !== "about:client"));
  return mode === undefined || mode === "navigate" ? usable : { ...usable, mode };
}
