// Signing a request with the npm package, step by step, so that the playground can show what is signed.

import { type SignatureRules, type Signer, fingerprint, signRequest as sign } from "symbolon/webcrypto";

export interface SignedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  /** The very text that the signature is over (RFC 9421, section 2.5). */
  readonly base: string;
  /** Whether it covers all that native signers do, besides what the key's kind asks. */
  readonly full: boolean;
}

export interface SigningKey {
  readonly pair: CryptoKeyPair;
  readonly organization: string;
  /** The key's RFC 7638 thumbprint. */
  readonly thumbprint: string;
  /** How its kind wants requests signed; undefined where that is not known. */
  readonly rules: SignatureRules | undefined;
}

/** This server's own interface, which takes signatures over the whole request alone, whatever a kind says. */
function isOwnInterface(url: URL): boolean {
  return url.origin === window.location.origin && url.pathname.startsWith("/v1/");
}

export async function signRequest(
  request: { readonly method: string; readonly url: string; readonly body?: string },
  key: SigningKey,
): Promise<SignedRequest> {
  let base = "";
  const signer: Signer = {
    thumbprint: () => key.thumbprint,
    fingerprint: () => fingerprint(key.pair),
    async sign(bytes) {
      base = new TextDecoder().decode(bytes);
      return new Uint8Array(await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, key.pair.privateKey, bytes));
    },
  };
  const { method, url, body } = request;
  const plain = new Request(url, { method, ...(body !== undefined && { body, headers: { "content-type": "application/json" } }) });
  const full = isOwnInterface(new URL(url));
  const signed = await sign(plain, signer, { organization: key.organization, ...(key.rules !== undefined && { rules: key.rules, full }) });
  return { method, url, headers: Object.fromEntries(signed.headers), body, base, full };
}
