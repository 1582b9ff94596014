/**
 * Symbolon: keys, signed requests and their verification, in browsers, Node, Deno, Bun and Workers.
 * @module
 */

import { type SignedFetch, type SignedFetchOptions, makeSignedFetch } from "./fetch.js";
import type { SigningKey } from "./keys.js";
import { type SignRequest, makeSignRequest } from "./sign.js";
import { prepareInCore } from "./wasm/rules.js";

/**
 * Signs a request after RFC 9421: method, authority, path and query, and of a body its digest and type; with `created`,
 * `expires`, `nonce`, `keyid` and `tag="symbolon"`. The request that was handed in stays as it is.
 */
export const signRequest: SignRequest = /* @__PURE__ */ makeSignRequest(prepareInCore);

/**
 * A `fetch` that signs each request. It signs anew for a redirect to the same origin and refuses any other, and sends
 * once more with the server's time where the server finds this clock wrong. A Blob is hashed as it streams and never held
 * in memory.
 */
export const signedFetch: (key: SigningKey, options?: SignedFetchOptions) => SignedFetch = /* @__PURE__ */ makeSignedFetch(
  prepareInCore,
  // Only for a Blob, so only then loaded: bundlers that split make a file of its own of it.
  async (blob) => await (await import("./software.js")).streamDigest(blob),
);

export * from "./common.js";
export type { ReceivedRequest } from "./received.js";
export {
  type KeyResolver,
  type Presence,
  type RefusedRequest,
  type Verification,
  type VerificationPolicy,
  type VerificationWindow,
  type VerifiedRequest,
  type VerifyOptions,
  nativePolicy,
  verifyRequest,
} from "./verify.js";
