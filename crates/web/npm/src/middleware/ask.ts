// Verifying by asking Symbolon about each request. No answer is kept: what was revoked is refused at the next request.

import { boundedText, serverOrigin } from "../answer.js";
import { type Bytes, subtle } from "../bytes.js";
import { type Code, SymbolonError } from "../errors.js";
import type { SignedFetch } from "../fetch.js";
import { contentDigest } from "../message.js";
import { type ReceivedRequest, bytesOf } from "../received.js";
import { type Identity, type Verifier, refused } from "./decision.js";
import { isSigned } from "./guard.js";

/** How long an answer about a token may be, in bytes: far more than any. */
const MAX_ANSWER = 1024 * 1024;
/** How long an answer is waited for. */
const TIMEOUT_MILLIS = 10_000;

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
  /** How long an answer is waited for. Default: 10,000. */
  readonly timeoutMillis?: number;
  /**
   * Is told why there is no answer: a server that cannot be reached, or a `credential` that may not ask. Clients are told
   * only that nothing could be decided (503).
   */
  readonly onUnavailable?: (cause: SymbolonError) => void;
  /** What sends. Default: the host's `fetch`. */
  readonly fetch?: typeof fetch;
}

/**
 * Asks Symbolon about each request: bearer tokens and signatures alike, with what the token may do at that moment. The
 * body itself is not sent, only its digest.
 */
export function askSymbolon(options: AskOptions): Verifier {
  const { url, credential, require = [], resource, freshness, timeoutMillis = TIMEOUT_MILLIS, onUnavailable } = options;
  const endpoint = `${serverOrigin(url)}/v1/verify`;
  const send: SignedFetch =
    typeof credential === "function"
      ? credential
      : (target, init) => {
          const headers = new Headers(init?.headers);
          headers.set("authorization", `Bearer ${credential}`);
          return (options.fetch ?? globalThis.fetch)(target, { ...init, headers });
        };
  return async (request) => {
    const body = bytesOf(request.body);
    // Without its digest Symbolon would take it for none.
    if (request.unread === true && isSigned(request.headers)) throw new SymbolonError("invalid_request", "the body of a signed request must be read first");
    const of = resource?.(request);
    const question = {
      request: {
        method: request.method,
        url: request.url.replace(/#.*$/s, ""),
        headers: byName(request.headers),
        ...(body !== null && body.length > 0 && { content_digest: await digests(body) }),
      },
      require,
      ...(of !== undefined && { resource: of }),
      ...(freshness !== undefined && { freshness }),
    };
    // The question holds the client's credential: it goes nowhere but where it is sent.
    const init: RequestInit = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(question), redirect: "manual" };
    try {
      const answer = await read(await send(endpoint, { ...init, signal: AbortSignal.timeout(timeoutMillis) }));
      return answer.valid ? { accepted: true, via: "symbolon", identity: answer } : refused(answer.code, "the credential was refused");
    } catch (cause) {
      // Whatever is not an answer is no yes.
      onUnavailable?.(cause instanceof SymbolonError ? cause : new SymbolonError("unreachable", "Symbolon did not answer", { cause }));
      return refused("authority_unavailable", "the credential could not be verified now");
    }
  };
}

/**
 * Fields by their names, in lower case. Any name may occur, `__proto__` too. Cookies are this server's own affair, and stay
 * here unless they are signed.
 */
function byName(fields: ReceivedRequest["headers"]): Readonly<Record<string, readonly string[]>> {
  const found = new Map<string, string[]>();
  for (const [name, value] of fields) {
    const key = name.toLowerCase();
    const values = found.get(key) ?? [];
    values.push(value);
    found.set(key, values);
  }
  if (!found.get("signature-input")?.some((value) => value.includes('"cookie"'))) found.delete("cookie");
  return Object.fromEntries(found);
}

/** Both digests that a signature may cover. */
async function digests(body: Bytes): Promise<string> {
  const sha512 = new Uint8Array(await subtle().digest("SHA-512", body));
  return `${await contentDigest(body)}, sha-512=:${btoa(String.fromCharCode(...sha512))}:`;
}

type Verdict = ({ readonly valid: true } & Identity) | { readonly valid: false; readonly code: Code };

/** @throws {SymbolonError} where it is no verdict. */
async function read(response: Response): Promise<Verdict> {
  const text = await boundedText(response, MAX_ANSWER);
  if (response.status !== 200) {
    const code = /"code"\s*:\s*"([a-z_]{1,40})"/.exec(text)?.[1];
    throw new SymbolonError("unexpected_answer", `Symbolon answered ${response.status}${code === undefined ? "" : ` (${code})`} to the question itself`);
  }
  const answer: unknown = JSON.parse(text);
  if (!isVerdict(answer)) throw new SymbolonError("unexpected_answer", "what answered is not Symbolon");
  return answer;
}

function isVerdict(answer: unknown): answer is Verdict {
  if (!isObject(answer) || typeof answer["code"] !== "string") return false;
  if (answer["valid"] === false) return true;
  const { token, principal, organization, permissions, grants } = answer;
  const whole = isObject(token) && isObject(principal) && isObject(organization) && Array.isArray(permissions) && Array.isArray(grants);
  return answer["valid"] === true && answer["code"] === "ok" && whole;
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;
