/**
 * Keys and signing through WebCrypto alone: no WebAssembly, for hosts that forbid it and for small bundles.
 * @module
 */

import { prepare } from "./base.js";
import { digest } from "./bytes.js";
import { SignatureError } from "./errors.js";
import { type SignedFetch, type SignedFetchOptions, makeSignedFetch } from "./fetch.js";
import type { SigningKey } from "./keys.js";
import { type SignRequest, makeSignRequest } from "./sign.js";

/**
 * Signs a request after RFC 9421: method, authority, path and query, and of a body its digest and type; with `created`,
 * `expires`, `nonce`, `keyid` and `tag="symbolon"`. The request that was handed in stays as it is.
 *
 * Here `components` are derived ones and whole fields; the main entry knows every other.
 */
export const signRequest: SignRequest = /* @__PURE__ */ makeSignRequest(prepare);

/**
 * A `fetch` that signs each request. It signs anew for a redirect to the same origin and refuses any other, and sends
 * once more with the server's time where the server finds this clock wrong.
 */
export const signedFetch: (key: SigningKey, options?: SignedFetchOptions) => SignedFetch = /* @__PURE__ */ makeSignedFetch(
  prepare,
  async (blob, limit) => {
    if (blob.size > limit) throw new SignatureError("too_large", `the body is longer than ${limit} bytes`);
    return await digest("SHA-256", new Uint8Array(await blob.arrayBuffer()));
  },
);

export * from "./common.js";
