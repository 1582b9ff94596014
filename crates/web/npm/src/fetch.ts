import { boundedText } from "./answer.js";
import { RedirectError, SignatureError } from "./errors.js";
import type { SigningKey } from "./keys.js";
import { type Prepare, bare, bodyOf, contentDigest, digestField, partsOf, settings } from "./message.js";
import { type SignOptions, addSignature } from "./sign.js";

/** How many redirects are followed; half of what browsers follow. */
const MAX_REDIRECTS = 10;
const MAX_BODY = 64 * 1024 * 1024;
/** By how much a server's clock may differ, in seconds: an hour is more than clocks that nobody sets drift in years. */
const MAX_SKEW_SECONDS = 3600;
/** How long a problem document may be, in bytes: far more than any. */
const MAX_PROBLEM = 64 * 1024;

/** Options of {@link SignedFetch}; those of signing apply to every request. */
export interface SignedFetchOptions extends Omit<SignOptions, "nonce" | "contentDigest"> {
  /** What sends. Default: the host's `fetch`. */
  readonly fetch?: (request: Request) => Promise<Response>;
  /**
   * By how much a server's clock may differ from this one for its time to be signed with, in seconds; 0: never. A server
   * that could name any time would be given signatures that are good in a far future. Default: 3600.
   */
  readonly maxClockSkewSeconds?: number;
}

/** What a single call may say besides what `fetch` takes. */
export interface SignedRequestInit extends RequestInit {
  /** The value of `Content-Digest`, where it is known: a stream is then sent as it comes, and never held in memory. */
  readonly contentDigest?: string;
}

/** A `fetch` that signs. */
export type SignedFetch = (input: Request | URL | string, init?: SignedRequestInit) => Promise<Response>;

/** The digest of a Blob, piece by piece where the core is at hand; else of no more than `limit` bytes. */
export type DigestBlob = (blob: Blob, limit: number) => Promise<Uint8Array>;

interface Body {
  /** What is sent, as often as it takes; undefined: the request's own stream, which can be sent once. */
  readonly again: BodyInit | null | undefined;
  readonly digest: string | undefined;
}

/** Makes an entry's `signedFetch`, by what prepares signatures there and hashes a Blob. */
export const makeSignedFetch =
  (prepare: Prepare, digestBlob: DigestBlob) =>
  (key: SigningKey, options: SignedFetchOptions = {}): SignedFetch => {
    const send = options.fetch ?? ((request: Request) => globalThis.fetch(request));
    const now = options.now ?? Date.now;
    const maxSkew = (options.maxClockSkewSeconds ?? MAX_SKEW_SECONDS) * 1000;
    if (!(maxSkew >= 0)) throw new SignatureError("invalid_request", "maxClockSkewSeconds is no number");
    /** By how much an origin's clock is ahead of ours, in milliseconds, once it has told and been believed. */
    const ahead = new Map<string, number>();

    const attempt = async (request: Request, body: Body): Promise<Response> => {
      const headers = new Headers(request.headers);
      if (body.digest === undefined) headers.delete("content-digest");
      else headers.set("content-digest", body.digest);
      const { origin } = new URL(request.url);
      const clock = (): number => now() + (ahead.get(origin) ?? 0);
      await addSignature(prepare, partsOf(request, headers), body.digest !== undefined, key, { ...options, now: clock });
      // No host may follow a redirect by itself: what it sends on would carry a signature of another target.
      const init: RequestInit = { headers, redirect: "manual" };
      return await send(body.again === undefined ? new Request(request, init) : new Request(bare(request), { ...init, body: body.again }));
    };

    return async (input, init = {}) => {
      const { contentDigest: known, ...plain } = init;
      let request = new Request(input, streaming(plain));
      let body = await readyBody(request, plain.body, known, options.maxBodyBytes ?? MAX_BODY, digestBlob);
      let retried = false;
      for (let redirects = 0; ; ) {
        const response = await attempt(request, body);
        if (await isStale(response)) {
          const { origin } = new URL(request.url);
          const skew = Date.parse(response.headers.get("date") ?? "") - now();
          if (!retried && Math.abs(skew) <= maxSkew) ahead.set(origin, skew);
          // Its time was of no use: it is not kept.
          else ahead.delete(origin);
          if (!retried && ahead.has(origin) && body.again !== undefined) {
            retried = true;
            await response.body?.cancel();
            continue;
          }
        }
        if (request.redirect === "manual" || !isRedirect(response)) return response;
        if (request.redirect === "error") throw new RedirectError("the request was redirected");
        if (redirects >= MAX_REDIRECTS) throw new RedirectError(`more than ${MAX_REDIRECTS} redirects`);
        redirects += 1;
        const next = follow(request, response, body);
        await response.body?.cancel();
        request = next.request;
        body = next.body;
      }
    };
  };

/** A body that is a stream must be declared as one. */
const streaming = (init: RequestInit): RequestInit =>
  init.body instanceof ReadableStream ? ({ duplex: "half", ...init } as RequestInit) : init;

async function readyBody(
  request: Request,
  given: BodyInit | null | undefined,
  known: string | undefined,
  limit: number,
  digestBlob: DigestBlob,
): Promise<Body> {
  if (known !== undefined) {
    // A form is written with another boundary each time, and a stream can be read once.
    const once = given === undefined || given === null || given instanceof ReadableStream || given instanceof FormData;
    const again = once ? undefined : given;
    return { again, digest: known };
  }
  if (given instanceof Blob) {
    // Never in memory as a whole: hashed as it streams, then sent by the host.
    return { again: given, digest: given.size === 0 ? undefined : digestField(await digestBlob(given, limit)) };
  }
  const bytes = await bodyOf(request, limit);
  return { again: bytes, digest: bytes === null ? undefined : await contentDigest(bytes) };
}

/** A host that hides where a redirect leads answers with an opaque one. */
const isRedirect = (response: Response): boolean =>
  response.type === "opaqueredirect" || [301, 302, 303, 307, 308].includes(response.status);

/** Whether the server found the signature outside its window, by its own clock. */
async function isStale(response: Response): Promise<boolean> {
  if (response.status !== 401 || !response.headers.get("content-type")?.startsWith("application/problem+json")) return false;
  try {
    const problem: unknown = JSON.parse(await boundedText(response.clone(), MAX_PROBLEM));
    return typeof problem === "object" && problem !== null && "code" in problem && problem.code === "signature_stale";
  } catch {
    return false;
  }
}

function follow(request: Request, response: Response, body: Body): { readonly request: Request; readonly body: Body } {
  if (response.type === "opaqueredirect") {
    throw new RedirectError("the request was redirected, and this host does not say where to: call the final URL");
  }
  const location = response.headers.get("location");
  if (location === null || !URL.canParse(location, request.url)) throw new RedirectError("a redirect without a location");
  const target = new URL(location, request.url);
  if (target.origin !== new URL(request.url).origin) {
    throw new RedirectError("a signed request is not sent on to another origin", target.href);
  }
  if (target.username !== "" || target.password !== "") throw new RedirectError("a redirect that names a user", target.href);
  const { status } = response;
  const toGet = (status === 303 && request.method !== "HEAD") || ((status === 301 || status === 302) && request.method === "POST");
  if (!toGet && body.again === undefined) throw new SignatureError("unsupported", "a stream cannot be sent again after a redirect");
  const headers = new Headers(request.headers);
  if (toGet) for (const name of ["content-type", "content-encoding", "content-language", "content-location", "content-digest"]) headers.delete(name);
  // All else stays as it was asked for: what the answer must hash to, too.
  const init: RequestInit = { ...settings(request), method: toGet ? "GET" : request.method, headers };
  return { request: new Request(target, init), body: toGet ? { again: null, digest: undefined } : body };
}
