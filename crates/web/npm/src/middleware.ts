/**
 * Verifying requests in a resource server, whatever its framework: by asking Symbolon, or offline against public keys.
 * @module
 */

import { type Bytes, subtle } from "./bytes.js";
import { type Code, SymbolonError } from "./errors.js";
import type { SignedFetch } from "./fetch.js";
import { contentDigest, readBody } from "./message.js";
import { type KeyResolver, type ReceivedRequest, type VerificationPolicy, type VerifiedRequest, verifyRequest } from "./verify.js";

const MAX_BODY = 64 * 1024 * 1024;
/** How long an answer about a token may be, in characters: far more than any. */
const MAX_ANSWER = 1024 * 1024;

/** Who a verified request comes from, as Symbolon says. */
export interface Identity {
  readonly token: { readonly id: string; readonly kind: string; readonly name: string; readonly prefix: string };
  readonly principal: { readonly type: "organization" } | { readonly type: "member"; readonly id: string; readonly name: string; readonly email: string };
  readonly organization: { readonly id: string; readonly short_id: string };
  /** What it may do, at this moment. */
  readonly permissions: unknown;
}

/** A request that may pass. */
export type Accepted =
  | { readonly accepted: true; readonly via: "symbolon"; readonly identity: Identity }
  | { readonly accepted: true; readonly via: "signature"; readonly signature: VerifiedRequest };

/** A request that may not, with what to answer. */
export interface Refused {
  readonly accepted: false;
  readonly status: number;
  readonly code: Code;
  /** For people; holds no secret. */
  readonly reason: string;
  /** The value of `Accept-Signature`, where a signature would help. */
  readonly acceptSignature?: string;
}

export type Decision = Accepted | Refused;

/** Decides about a request that was received whole. */
export type Verifier = (request: ReceivedRequest) => Promise<Decision>;

/** Options of {@link askSymbolon}. */
export interface AskOptions {
  /** Where Symbolon is: `https://tokens.example.com`. */
  readonly url: string | URL;
  /** What may call `POST /v1/verify` (permission `credentials:verify`): a bearer token, or a `signedFetch`. */
  readonly credential: string | SignedFetch;
  /** The permissions that every request needs. */
  readonly require?: readonly string[];
  /** The resource that they are needed for, if it is limited to some. */
  readonly resource?: (request: ReceivedRequest) => string | undefined;
  /** A stricter freshness than the token's kind has. */
  readonly freshness?: "immediate" | "strict";
  /** What sends. Default: the host's `fetch`. */
  readonly fetch?: typeof fetch;
}

/**
 * Asks Symbolon about each request: bearer tokens and signatures alike, with what the token may do at that moment. The
 * body itself is not sent, only its digest.
 */
export function askSymbolon({ url, credential, require = [], resource, freshness, fetch = globalThis.fetch }: AskOptions): Verifier {
  const endpoint = new URL("/v1/verify", url).href;
  return async (request) => {
    const headers: Record<string, string[]> = {};
    for (const [name, value] of request.headers) (headers[name.toLowerCase()] ??= []).push(value);
    const { body } = request;
    const of = resource?.(request);
    const question = {
      request: {
        method: request.method,
        url: request.url.replace(/#.*$/s, ""),
        headers,
        ...(body !== null && body.length > 0 && { content_digest: await digests(body) }),
      },
      require,
      ...(of !== undefined && { resource: of }),
      ...(freshness !== undefined && { freshness }),
    };
    const init = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(question) };
    let answer: unknown;
    try {
      const response =
        typeof credential === "string"
          ? await fetch(endpoint, { ...init, headers: { ...init.headers, authorization: `Bearer ${credential}` } })
          : await credential(endpoint, init);
      const text = await response.text();
      answer = response.status === 200 && text.length <= MAX_ANSWER ? JSON.parse(text) : undefined;
    } catch {
      answer = undefined;
    }
    // Whatever is not an answer is no yes.
    if (!isVerdict(answer)) return { accepted: false, status: 503, code: "authority_unavailable", reason: "the credential could not be verified now" };
    if (answer.valid) return { accepted: true, via: "symbolon", identity: answer };
    return refused(answer.code, "the credential was refused");
  };
}

/** Both digests that a signature may cover. */
async function digests(body: Bytes): Promise<string> {
  const sha512 = new Uint8Array(await subtle().digest("SHA-512", body));
  return `${await contentDigest(body)}, sha-512=:${btoa(String.fromCharCode(...sha512))}:`;
}

type Verdict = ({ readonly valid: true } & Identity) | { readonly valid: false; readonly code: Code };

function isVerdict(answer: unknown): answer is Verdict {
  if (typeof answer !== "object" || answer === null || !("valid" in answer) || !("code" in answer)) return false;
  if (answer.valid === false) return typeof answer.code === "string";
  return answer.valid === true && answer.code === "ok" && "token" in answer && typeof answer.token === "object" && answer.token !== null;
}

/** A memory of used signatures. */
export interface ReplayMemory {
  /** Remembers this name until that time (milliseconds since 1970); false where it was there already. */
  use(name: string, until: number): boolean | Promise<boolean>;
}

/** Options of {@link againstKeys}. */
export interface KeysOptions {
  /** Public keys by `keyid`, or what finds them. */
  readonly keys: Readonly<Record<string, CryptoKey>> | KeyResolver;
  /** What is demanded of a signature. */
  readonly policy: VerificationPolicy;
  /** The memory that refuses a signature that was used; undefined: replays inside the window are accepted. */
  readonly replays: ReplayMemory | undefined;
  /** The clock: milliseconds since 1970. Default: `Date.now`. */
  readonly now?: () => number;
}

/** Verifies signatures offline, against public keys that are known here. It knows nothing of tokens and revocations. */
export function againstKeys({ keys, policy, replays, now = Date.now }: KeysOptions): Verifier {
  const find: KeyResolver =
    typeof keys === "function" ? keys : (keyId) => (keyId !== undefined && Object.hasOwn(keys, keyId) ? keys[keyId] : undefined);
  return async (request) => {
    const found = await verifyRequest(request, find, { policy, now });
    if (!found.valid) return { ...refused(found.code, found.reason), acceptSignature: acceptSignature(policy, request) };
    if (replays !== undefined && !(await replays.use(`${found.keyId ?? ""} ${found.replayKey}`, found.replayableUntil))) {
      return refused("replayed", "the signed request was used before");
    }
    return { accepted: true, via: "signature", signature: found };
  };
}

/** Remembers used signatures in the memory of this process, and no longer than they could be used again. */
export function memoryOfReplays(now: () => number = Date.now, limit = 100_000): ReplayMemory {
  const used = new Map<string, number>();
  return {
    use(name, until) {
      const known = used.get(name);
      if (known !== undefined && known >= now()) return false;
      if (used.size >= limit) for (const [old, end] of used) if (end < now()) used.delete(old);
      // Full of what must not be forgotten: refusing is the safe side.
      if (used.size >= limit) return false;
      used.set(name, until);
      return true;
    },
  };
}

/** What the policy wants to be signed of such a request (RFC 9421, section 5.1). */
function acceptSignature(policy: VerificationPolicy, request: ReceivedRequest): string {
  const sent = new Set(Array.from(request.headers, ([name]) => name.toLowerCase()));
  const hasBody = request.body !== null && request.body.length > 0;
  const ifSent = policy.withBodyIfSent.filter((name) => sent.has(name));
  const wanted = [...policy.components, ...(hasBody ? ["content-digest", ...policy.withBody, ...ifSent] : [])];
  const identifiers = Array.from(new Set(wanted.map((name) => (name.startsWith('"') ? name : `"${name}"`))));
  const expires = policy.expires === "required" ? ";expires" : "";
  return `${policy.labels?.[0] ?? "sig"}=(${identifiers.join(" ")});created${expires};alg="ecdsa-p256-sha256";tag="${policy.tag ?? "symbolon"}"`;
}

const FORBIDDEN: readonly Code[] = ["insufficient_permission"];
const refused = (code: Code, reason: string): Refused => ({ accepted: false, status: FORBIDDEN.includes(code) ? 403 : code === "too_large" ? 413 : 401, code, reason });

/** The answer to a refused request: a problem document (RFC 9457) and a challenge (RFC 6750). */
export function refusal({ status, code, reason, acceptSignature: accept }: Refused): Response {
  const headers = new Headers({ "content-type": "application/problem+json", "cache-control": "no-store" });
  if (status === 401) headers.set("www-authenticate", code === "missing_credential" ? "Bearer" : 'Bearer error="invalid_token"');
  if (status === 403) headers.set("www-authenticate", 'Bearer error="insufficient_scope"');
  if (accept !== undefined) headers.set("accept-signature", accept);
  return new Response(JSON.stringify({ type: `/problems/${code}`, status, code, detail: reason }), { status, headers });
}

/** Reads a request of the platform; it can still be read afterwards. */
export async function received(request: Request, maxBodyBytes = MAX_BODY): Promise<ReceivedRequest> {
  const body = request.body === null ? null : await readBody(request.clone(), maxBodyBytes);
  return { method: request.method, url: request.url, headers: request.headers, body };
}

/** Options of every middleware. */
export interface GuardOptions {
  /** The most bytes of a body that are read. Default: 64 MiB. */
  readonly maxBodyBytes?: number;
}

/** Decides about a request of the platform; a body that is too long is a refusal like any other. */
export async function decide(verifier: Verifier, request: Request, { maxBodyBytes }: GuardOptions = {}): Promise<Decision> {
  let whole;
  try {
    whole = await received(request, maxBodyBytes);
  } catch (error) {
    if (error instanceof SymbolonError && error.code === "too_large") return refused("too_large", error.message);
    throw error;
  }
  return await verifier(whole);
}

/** Wraps a plain handler: what is refused never reaches it, what is accepted comes with who it is from. */
export const guard =
  <Rest extends readonly unknown[]>(
    verifier: Verifier,
    handler: (request: Request, accepted: Accepted, ...rest: Rest) => Response | Promise<Response>,
    options: GuardOptions = {},
  ) =>
  async (request: Request, ...rest: Rest): Promise<Response> => {
    const decision = await decide(verifier, request, options);
    return decision.accepted ? await handler(request, decision, ...rest) : refusal(decision);
  };

/** As much of Hono's context as is used here: Hono itself is no dependency. */
export interface HonoContext {
  readonly req: { readonly raw: Request };
  set(name: "symbolon", accepted: Accepted): void;
}

/** Middleware for Hono: `app.use("/api/*", honoGuard(verifier))`; afterwards `c.get("symbolon")` says who it is. */
export const honoGuard =
  (verifier: Verifier, options: GuardOptions = {}) =>
  async (context: HonoContext, next: () => Promise<void>): Promise<Response | undefined> => {
    const decision = await decide(verifier, context.req.raw, options);
    if (!decision.accepted) return refusal(decision);
    context.set("symbolon", decision);
    await next();
    return undefined;
  };

/** As much of a Node request as is used here, as Express and Connect hand it over. */
export interface NodeRequest {
  readonly method?: string;
  readonly url?: string;
  /** Express: what the client asked for, before routers cut it. */
  readonly originalUrl?: string;
  readonly rawHeaders: readonly string[];
  readonly headers: { readonly host?: string };
  /** The parsed body, or with `express.raw()` the bytes. */
  body?: unknown;
  /** The bytes of the body, where something before kept them. */
  rawBody?: Uint8Array;
  /** Who a verified request comes from. */
  symbolon?: Accepted;
  readonly readableEnded?: boolean;
  [Symbol.asyncIterator](): AsyncIterator<Uint8Array>;
}

/** As much of a Node response as is used here. */
export interface NodeResponse {
  writeHead(status: number, headers: Record<string, string>): unknown;
  end(body: string): unknown;
}

/** Options of {@link nodeGuard}. */
export interface NodeGuardOptions extends GuardOptions {
  /** The scheme and authority under which clients reach this server: a signature covers them, and no header is to be
   * trusted with them. Default: `http://` and the `Host` that was sent, as a server without a proxy has it. */
  readonly origin?: string;
}

/**
 * Middleware for Express and Connect: `app.use(nodeGuard(verifier, { origin }))`, before whatever parses bodies. It reads
 * the body and keeps its bytes as `request.rawBody`; `request.symbolon` says who it is.
 */
export const nodeGuard =
  (verifier: Verifier, { origin, maxBodyBytes = MAX_BODY }: NodeGuardOptions = {}) =>
  (request: NodeRequest, response: NodeResponse, next: (error?: unknown) => void): void => {
    decideNode(verifier, request, origin ?? `http://${request.headers.host ?? ""}`, maxBodyBytes).then(async (decision) => {
      if (decision.accepted) {
        request.symbolon = decision;
        next();
        return;
      }
      const answer = refusal(decision);
      response.writeHead(answer.status, Object.fromEntries(answer.headers));
      response.end(await answer.text());
    }, next);
  };

async function decideNode(verifier: Verifier, request: NodeRequest, origin: string, limit: number): Promise<Decision> {
  const headers: [string, string][] = [];
  for (let at = 0; at + 1 < request.rawHeaders.length; at += 2) headers.push([request.rawHeaders[at] ?? "", request.rawHeaders[at + 1] ?? ""]);
  if (request.rawBody === undefined) {
    if (request.readableEnded === true) {
      throw new SymbolonError("internal", "the body was read before nodeGuard: put it before whatever parses bodies, or keep the bytes as rawBody");
    }
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of { [Symbol.asyncIterator]: () => request[Symbol.asyncIterator]() }) {
      length += chunk.byteLength;
      if (length > limit) return refused("too_large", `the body is longer than ${limit} bytes`);
      chunks.push(chunk);
    }
    const whole = new Uint8Array(length);
    let offset = 0;
    for (const chunk of chunks) {
      whole.set(chunk, offset);
      offset += chunk.byteLength;
    }
    request.rawBody = whole;
  }
  const target = request.originalUrl ?? request.url ?? "/";
  // Neither a URL parser nor a header may change what was signed.
  const url = target.startsWith("/") ? `${origin}${target}` : target;
  return await verifier({ method: request.method ?? "", url, headers, body: new Uint8Array(request.rawBody) });
}
