// Guards for handlers of the platform's own requests, and what every guard has: under which origin it is called.

import { SymbolonError } from "../errors.js";
import { bodyOf } from "../message.js";
import type { ReceivedRequest } from "../received.js";
import { type Accepted, type Decision, type Verifier, refusal, refused } from "./decision.js";

/** How many bytes of a body are read, unless it is said. */
export const MAX_BODY = 64 * 1024 * 1024;

/**
 * The scheme and authority under which clients call this server: `https://api.example.com`. A signature covers them, and no
 * request is to be believed in it: whoever received a signed request could pass it on to another server that does.
 *
 * One: clients call no other, whatever the request says (as behind a proxy). Several: what the request says must be one of
 * them. A function is given what the request says, and answers with the true one, or with undefined to refuse.
 */
export type Origin = string | readonly string[] | ((claimed: string) => string | undefined);

/** Options of every guard. */
export interface GuardOptions {
  /** Under which origin clients call this server. */
  readonly origin: Origin;
  /** The most bytes of a signed request's body that are read. Default: 64 MiB. */
  readonly maxBodyBytes?: number;
}

/** What tells the true origin of a request from the one that it claims; undefined where it is none of this server's. */
export type Origins = (claimed: string) => string | undefined;

/** An absolute URL in two: up to the authority, and the rest as it came, since no parser may change what was signed. */
export const divided = (url: string): readonly [claimed: string, rest: string] => {
  const [, claimed = "", rest = ""] = /^([a-z]+:\/\/[^/?#]*)(.*)$/is.exec(url) ?? [];
  return [claimed, rest];
};

/** @throws {SymbolonError} `invalid_request` where no origin is given, or what is given is none. */
export function originsOf(origin: Origin): Origins {
  const known = typeof origin === "function" ? [] : typeof origin === "string" ? [origin] : origin;
  const valid = Array.isArray(known) && known.every((one) => typeof one === "string" && originOf(one) !== undefined);
  if (!valid || (known.length === 0 && typeof origin !== "function")) {
    throw new SymbolonError("invalid_request", 'a guard needs the origin under which clients call this server: { origin: "https://api.example.com" }');
  }
  const origins = known.map(originOf);
  return (text) => {
    const claimed = originOf(text);
    if (claimed === undefined) return undefined;
    if (typeof origin === "function") return origin(claimed);
    return origins.length === 1 ? origins[0] : origins.find((one) => one === claimed);
  };
}

/** In lower case and without a default port; undefined for what says more than an origin. */
function originOf(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const { origin, href } = new URL(text);
  return /^https?:/.test(origin) && href === `${origin}/` ? origin : undefined;
}

/** The refusal of a request that is addressed to another server (RFC 9110, section 15.5.20). */
export const misdirected = (): Decision => refused("invalid_request", "this server is not the one that the request names", 421);

/** Whether a request is, or says that it is, signed. */
export const isSigned = (fields: ReceivedRequest["headers"]): boolean =>
  Array.from(fields, ([name]) => name.toLowerCase()).some((name) => name === "signature-input" || name === "signature");

/** Reads a request of the platform; it can still be read afterwards. Its URL is what the request itself says. */
export async function received(request: Request, maxBodyBytes = MAX_BODY): Promise<ReceivedRequest> {
  return { method: request.method, url: request.url, headers: request.headers, body: await bodyOf(request, maxBodyBytes) };
}

/** Decides about a request of the platform; a body that is too long is a refusal like any other. */
export async function decide(verifier: Verifier, request: Request, { origin, maxBodyBytes }: GuardOptions): Promise<Decision> {
  return await decideAt(verifier, request, originsOf(origin), maxBodyBytes);
}

async function decideAt(verifier: Verifier, request: Request, origins: Origins, maxBodyBytes: number | undefined): Promise<Decision> {
  const [claimed, rest] = divided(request.url);
  const origin = origins(claimed);
  if (origin === undefined) return misdirected();
  let whole;
  try {
    const { method, url, headers } = request;
    whole = isSigned(headers) ? await received(request, maxBodyBytes) : { method, url, headers, body: null, unread: request.body !== null };
  } catch (error) {
    if (error instanceof SymbolonError && error.code === "too_large") return refused("too_large", error.message);
    throw error;
  }
  return await verifier({ ...whole, url: origin + rest });
}

/** Wraps a plain handler: what is refused never reaches it, what is accepted comes with who it is from. */
export function guard<Rest extends readonly unknown[]>(
  verifier: Verifier,
  handler: (request: Request, accepted: Accepted, ...rest: Rest) => Response | Promise<Response>,
  options: GuardOptions,
): (request: Request, ...rest: Rest) => Promise<Response> {
  const origins = originsOf(options?.origin);
  return async (request, ...rest) => {
    const decision = await decideAt(verifier, request, origins, options.maxBodyBytes);
    return decision.accepted ? await handler(request, decision, ...rest) : refusal(decision);
  };
}

/** As much of Hono's context as is used here: Hono itself is no dependency. */
export interface HonoContext {
  readonly req: { readonly raw: Request };
  set(name: "symbolon", accepted: Accepted): void;
}

/** Middleware for Hono: `app.use("/api/*", honoGuard(verifier, { origin }))`; then `c.get("symbolon")` says who it is. */
export function honoGuard(
  verifier: Verifier,
  options: GuardOptions,
): (context: HonoContext, next: () => Promise<void>) => Promise<Response | undefined> {
  const origins = originsOf(options?.origin);
  return async (context, next) => {
    const decision = await decideAt(verifier, context.req.raw, origins, options.maxBodyBytes);
    if (!decision.accepted) return refusal(decision);
    context.set("symbolon", decision);
    await next();
    return undefined;
  };
}
