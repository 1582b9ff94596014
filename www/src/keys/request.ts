// Signing a request as our own signers do (RFC 9421, with the body covered by RFC 9530), step by step, so that the
// playground can show what is signed.

import { base64, base64url, sign } from "./p256";

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
  /** The organisation's short id and the key's thumbprint. */
  readonly keyid: string;
}

/** How long a signature of the playground can be used, in seconds. */
const WINDOW_SECONDS = 60;

export async function signRequest(
  request: { readonly method: string; readonly url: string; readonly body?: string },
  key: SigningKey,
  now: Date,
): Promise<SignedRequest> {
  const url = new URL(request.url);
  const headers: Record<string, string> = {};
  const covered: [string, string][] = [
    ["@method", request.method],
    ["@authority", url.host],
    ["@path", url.pathname],
    ["@query", url.search === "" ? "?" : url.search],
  ];
  if (request.body !== undefined) {
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(request.body));
    headers["content-digest"] = `sha-256=:${base64(digest)}:`;
    headers["content-type"] = "application/json";
    covered.push(["content-digest", headers["content-digest"]], ["content-type", headers["content-type"]]);
  }
  const created = Math.floor(now.getTime() / 1000);
  const nonce = base64url(crypto.getRandomValues(new Uint8Array(16)));
  const parameters =
    `(${covered.map(([name]) => `"${name}"`).join(" ")});created=${created};expires=${created + WINDOW_SECONDS}` +
    `;nonce="${nonce}";tag="symbolon";keyid="${key.keyid}"`;
  const base = [...covered.map(([name, value]) => `"${name}": ${value}`), `"@signature-params": ${parameters}`].join("\n");
  headers["signature-input"] = `sig=${parameters}`;
  headers["signature"] = `sig=:${base64(await sign(key.privateKey, base))}:`;
  return { method: request.method, url: request.url, headers, body: request.body, base };
}
