// Signing a request with the npm package, step by step, so that the playground can show what is signed.

import { type Signer, signRequest as sign } from "symbolon/webcrypto";

export interface SignedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  /** The very text that the signature is over (RFC 9421, section 2.5). */
  readonly base: string;
}

export interface SigningKey {
  readonly privateKey: CryptoKey;
  readonly organization: string;
  /** The key's RFC 7638 thumbprint. */
  readonly fingerprint: string;
}

export async function signRequest(
  request: { readonly method: string; readonly url: string; readonly body?: string },
  key: SigningKey,
): Promise<SignedRequest> {
  let base = "";
  const signer: Signer = {
    thumbprint: () => key.fingerprint,
    async sign(bytes) {
      base = new TextDecoder().decode(bytes);
      return new Uint8Array(await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, key.privateKey, bytes));
    },
  };
  const { method, url, body } = request;
  const plain = new Request(url, { method, ...(body !== undefined && { body, headers: { "content-type": "application/json" } }) });
  const signed = await sign(plain, signer, { organization: key.organization });
  return { method, url, headers: Object.fromEntries(signed.headers), body, base };
}
