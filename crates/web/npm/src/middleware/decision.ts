// What is decided about a request, and how a refusal is answered.

import type { Grant, Permission, VerifiedOrganization, VerifiedPrincipal, VerifiedToken } from "../api/generated.js";
import type { Code } from "../errors.js";
import type { ReceivedRequest } from "../received.js";
import type { VerifiedRequest } from "../verify.js";

/** Who a verified request comes from, as Symbolon says. */
export interface Identity {
  readonly token: VerifiedToken;
  /** A member, through a token of theirs; or a token that is the organisation's own. */
  readonly principal: VerifiedPrincipal;
  readonly organization: VerifiedOrganization;
  /** What it may do at this moment, on every resource. */
  readonly permissions: readonly Permission[];
  /** What it may do at this moment, on some resources alone. */
  readonly grants: readonly Grant[];
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

/** What is decided about a request: look at `accepted` first. */
export type Decision = Accepted | Refused;

/**
 * Decides about a request. Only the body of a signed one is read for it, since nothing else covers a body: of all others a
 * guard says that it is `unread`, and whoever sends no credential has nothing of theirs kept in memory.
 */
export type Verifier = (request: ReceivedRequest) => Promise<Decision>;

/** Of what is not the credential's fault; all other causes are 401. */
const STATUS: Partial<Record<Code, number>> = {
  insufficient_permission: 403,
  invalid_request: 400,
  too_large: 413,
  rate_limited: 429,
  internal: 500,
  authority_unavailable: 503,
};

/** A refusal, with the status of its code. */
export const refused = (code: Code, reason: string, status = STATUS[code] ?? 401): Refused => ({ accepted: false, status, code, reason });

/** The answer to a refused request: a problem document (RFC 9457) and a challenge (RFC 6750). */
export function refusal({ status, code, reason, acceptSignature: accept }: Refused): Response {
  const headers = new Headers({ "content-type": "application/problem+json", "cache-control": "no-store" });
  if (status === 401) headers.set("www-authenticate", code === "missing_credential" ? "Bearer" : 'Bearer error="invalid_token"');
  if (status === 403) headers.set("www-authenticate", 'Bearer error="insufficient_scope"');
  if (accept !== undefined) headers.set("accept-signature", accept);
  return new Response(JSON.stringify({ type: `/problems/${code}`, status, code, detail: reason }), { status, headers });
}
