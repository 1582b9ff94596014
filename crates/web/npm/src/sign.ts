import { toBase64, toBase64Url } from "./bytes.js";
import { SignatureError } from "./errors.js";
import { type SigningKey, signBytes, thumbprintOf } from "./keys.js";
import { type ParameterName, type Parts, type Prepare, bare, bodyOf, contentDigest, partsOf } from "./message.js";

/** How long a signature is good, in seconds: a minute allows for the network, and is more than a replay needs. */
const LIFETIME_SECONDS = 60;
/** The most bytes of a body that are read into memory. */
const MAX_BODY = 64 * 1024 * 1024;

/** Options of {@link signRequest}; each has a default that suits Symbolon. */
export interface SignOptions {
  /** The short id of the organisation that the key is registered with: it says whom to ask. Default: it is looked up. */
  readonly organization?: string;
  /** The whole `keyid`, instead of what is made of the key and the organisation. */
  readonly keyId?: string;
  /** What to cover, instead of the native components; `content-digest` belongs here too where there is a body. */
  readonly components?: readonly string[];
  /** How long it is good, in seconds. Default: 60. */
  readonly lifetimeSeconds?: number;
  /** The label of the signature. Default: `sig`. */
  readonly label?: string;
  /** The tag of the signature. Default: `symbolon`. */
  readonly tag?: string;
  /** What makes it unique. Default: 16 random bytes. */
  readonly nonce?: string;
  /**
   * The value of `Content-Digest`, where it is known: the body is then not read, but moves to the signed request, and that
   * which was handed in can no longer be used.
   */
  readonly contentDigest?: string;
  /** The most bytes of a body that are read into memory. Default: 64 MiB. */
  readonly maxBodyBytes?: number;
  /** The clock: milliseconds since 1970. Default: `Date.now`. */
  readonly now?: () => number;
}

/** Signs a request: {@link SignRequest} is what both entries of the package export. */
export type SignRequest = (request: Request, key: SigningKey, options?: SignOptions) => Promise<Request>;

const nonce = (): string => toBase64Url(crypto.getRandomValues(new Uint8Array(16)));

/** The labels of the signatures that a request has already. */
function labels(headers: Headers): readonly string[] {
  const unquoted = (headers.get("signature-input") ?? "").replace(/"(?:[^"\\]|\\.)*"/g, "");
  return unquoted.split(",").map((member) => /^[^=;]*/.exec(member.trim())?.[0] ?? "");
}

/** The fields that a signature adds to a request. */
export async function signatureFields(
  prepare: Prepare,
  parts: Parts,
  hasBody: boolean,
  key: SigningKey,
  options: SignOptions,
): Promise<readonly (readonly [name: string, value: string])[]> {
  const created = Math.floor((options.now ?? Date.now)() / 1000);
  const lifetime = options.lifetimeSeconds ?? LIFETIME_SECONDS;
  if (!Number.isSafeInteger(lifetime) || lifetime <= 0) throw new SignatureError("invalid_request", "a lifetime is whole seconds");
  const label = options.label ?? "sig";
  if (labels(parts.headers).includes(label)) {
    throw new SignatureError("invalid_request", `the label ${label} is taken: choose another label`);
  }
  const name = options.keyId ?? [options.organization, await thumbprintOf(key)].filter((part) => part !== undefined).join(".");
  const sent = ["content-type", "content-encoding"].filter((field) => parts.headers.has(field));
  const native = ["@method", "@authority", "@path", "@query", ...(hasBody ? ["content-digest", ...sent] : [])];
  const parameters: readonly (readonly [ParameterName, string | number])[] = [
    ["created", created],
    ["expires", created + lifetime],
    ["nonce", options.nonce ?? nonce()],
    ["keyid", name],
    ["tag", options.tag ?? "symbolon"],
  ];
  const components = options.components ?? native;
  // Said before anything is made of them: what cannot be written is not made to fit.
  const texts = [label, ...components, ...parameters.map(([, value]) => String(value))];
  if (texts.some((text) => /[^\x20-\x7e]/.test(text))) throw new SignatureError("malformed_credential", "a text that is not printable ASCII");
  const prepared = await prepare(parts, { label, components, parameters });
  const made = await signBytes(key, prepared.base);
  return [
    ["signature-input", prepared.signatureInput],
    ["signature", `${prepared.label}=:${toBase64(made)}:`],
  ];
}

/** Makes an entry's `signRequest`, by what prepares signatures there. */
export const makeSignRequest =
  (prepare: Prepare): SignRequest =>
  async (request, key, options = {}) => {
    if (typeof request?.clone !== "function") throw new SignatureError("invalid_request", "what is signed is a Request");
    const known = options.contentDigest;
    const body = known === undefined ? await bodyOf(request, options.maxBodyBytes ?? MAX_BODY) : null;
    const digest = body === null ? known : await contentDigest(body);
    const headers = new Headers(request.headers);
    if (digest !== undefined) headers.set("content-digest", digest);
    const fields = await signatureFields(prepare, partsOf(request, headers), digest !== undefined, key, options);
    // The request may be signed already, by somebody else: both fields are lists.
    for (const [name, value] of fields) headers.append(name, value);
    // A body whose digest was known moves on as it is, unread. One that was read is sent from memory, so that the request
    // that was handed in can still be used.
    return known === undefined ? new Request(bare(request), { headers, body }) : new Request(request, { headers });
  };
