// Verifying offline, against public keys that are known here.

import type { CryptoKey } from "../keys.js";
import { type KeyResolver, type VerificationPolicy, verifyRequest } from "../verify.js";
import { type ReceivedRequest, hasBody } from "../received.js";
import { type Verifier, refused } from "./decision.js";

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

/**
 * Verifies signatures offline, against public keys that are known here. It knows nothing of tokens and revocations. Where the
 * host forbids WebAssembly every request fails with `unsupported`, which is thrown: that is the server's fault, not the client's.
 */
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
  let tidied = Number.NEGATIVE_INFINITY;
  return {
    use(name, until) {
      const known = used.get(name);
      if (known !== undefined && known >= now()) return false;
      // Once a second and no more: whoever fills it must not make every request go through all of it.
      if (used.size >= limit && now() - tidied >= 1000) {
        tidied = now();
        for (const [old, end] of used) if (end < tidied) used.delete(old);
      }
      // Full of what must not be forgotten: refusing is the safe side.
      if (known === undefined && used.size >= limit) return false;
      used.set(name, until);
      return true;
    },
  };
}

/** What the policy wants to be signed of such a request (RFC 9421, section 5.1). */
function acceptSignature(policy: VerificationPolicy, request: ReceivedRequest): string {
  const sent = new Set(Array.from(request.headers, ([name]) => name.toLowerCase()));
  const ifSent = policy.withBodyIfSent.filter((name) => sent.has(name));
  const wanted = [...policy.components, ...(hasBody(request) ? ["content-digest", ...policy.withBody, ...ifSent] : [])];
  const identifiers = Array.from(new Set(wanted.map((name) => (name.startsWith('"') ? name : `"${name}"`))));
  const expires = policy.expires === "required" ? ";expires" : "";
  return `${policy.labels?.[0] ?? "sig"}=(${identifiers.join(" ")});created${expires};alg="ecdsa-p256-sha256";tag="${policy.tag ?? "symbolon"}"`;
}
