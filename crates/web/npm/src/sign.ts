import { toBase64, toBase64Url } from "./bytes.js";
import { SignatureError } from "./errors.js";
import { type SigningKey, fingerprintOf, signBytes, thumbprintOf } from "./keys.js";
import { type ParameterName, type Parts, type Prepare, bare, bodyOf, contentDigest, partsOf } from "./message.js";

/** How long a signature is good, in seconds: a minute allows for the network, and is more than a replay needs. */
const LIFETIME_SECONDS = 60;
/** The most bytes of a body that are read into memory. */
const MAX_BODY = 64 * 1024 * 1024;

/**
 * How a kind wants requests signed: its `signature` in the answer of `GET /v1/kinds`, of which these members say how to
 * sign. The others say what is accepted.
 */
export interface SignatureRules {
  /** What must be covered. */
  readonly components: readonly string[];
  /** What must be covered besides, where there is a body. */
  readonly components_with_body: readonly string[];
  /** The tag that it must have; none: any. */
  readonly tag?: string | null | undefined;
  /** The labels of which it must have one; none: any. */
  readonly labels?: readonly string[] | undefined;
  /**
   * Whether the header X-Fingerprint names the key, as other systems' clients do: then the signature says when it was made
   * and by which algorithm, and nothing more.
   */
  readonly fingerprint_header?: boolean | undefined;
}

/** What native signers cover, and what describes content, which is covered where it is sent. */
const NATIVE = ["@method", "@authority", "@path", "@query"];
const DESCRIBES = ["content-type", "content-encoding"];
const DIGEST = "content-digest";

/** Options of {@link signRequest}; each has a default that suits Symbolon. */
export interface SignOptions {
  /** The short id of the organisation that the key is registered with: it says whom to ask. Default: it is looked up. */
  readonly organization?: string;
  /** The whole `keyid`, instead of what is made of the key and the organisation. */
  readonly keyId?: string;
  /** The rules of the key's kind, where it wants another form than the native one. */
  readonly rules?: SignatureRules;
  /**
   * With `rules`: cover and say all that native signers do besides. Signed calls of `/v1` need that, whatever a kind says.
   */
  readonly full?: boolean;
  /** What to cover, instead of what the form says; `content-digest` belongs here too where there is a body. */
  readonly components?: readonly string[];
  /** How long it is good, in seconds. Default: 60. */
  readonly lifetimeSeconds?: number;
  /** The label of the signature. Default: the first of the rules, or `sig`. */
  readonly label?: string;
  /** The tag of the signature. Default: that of the rules, or `symbolon`; in a form that has none, none. */
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

/** What the form wants covered of this request. */
function covered({ rules, full }: SignOptions, headers: Headers, hasBody: boolean): readonly string[] {
  const native = rules === undefined || full;
  const ofBody = rules?.components_with_body ?? [];
  const names = [...(native ? NATIVE : []), ...(rules?.components ?? [])];
  if (hasBody) names.push(DIGEST, ...ofBody, ...(native || ofBody.includes("content-type") ? DESCRIBES : []));
  return [...new Set(names)].filter((name) => !DESCRIBES.includes(name) || headers.has(name));
}

/**
 * Signs: the fields of the signature are added to those of `parts`. The request may be signed already, by somebody else:
 * both are lists.
 */
export async function addSignature(prepare: Prepare, parts: Parts, hasBody: boolean, key: SigningKey, options: SignOptions): Promise<void> {
  const { rules, full } = options;
  const { headers } = parts;
  const created = Math.floor((options.now ?? Date.now)() / 1000);
  const lifetime = options.lifetimeSeconds ?? LIFETIME_SECONDS;
  if (!Number.isSafeInteger(lifetime) || lifetime <= 0) throw new SignatureError("invalid_request", "a lifetime is whole seconds");
  const label = options.label ?? rules?.labels?.[0] ?? "sig";
  if (labels(headers).includes(label)) {
    throw new SignatureError("invalid_request", `the label ${label} is taken: choose another label`);
  }
  const components = options.components ?? covered(options, headers, hasBody);
  const parameters: (readonly [ParameterName, string | number])[] = [["created", created]];
  let tag = options.tag ?? rules?.tag;
  if (rules?.fingerprint_header && !full) {
    headers.set("x-fingerprint", await fingerprintOf(key));
    parameters.push(["alg", "ecdsa-p256-sha256"]);
  } else {
    const name = options.keyId ?? [options.organization, await thumbprintOf(key)].filter((part) => part !== undefined).join(".");
    parameters.push(["expires", created + lifetime], ["nonce", options.nonce ?? nonce()], ["keyid", name]);
    tag ??= "symbolon";
  }
  if (tag != null) parameters.push(["tag", tag]);
  // Content that is not there has a digest too, where it is to be covered.
  if (components.includes(DIGEST) && !headers.has(DIGEST)) headers.set(DIGEST, await contentDigest(new Uint8Array()));
  // Said before anything is made of them: what cannot be written is not made to fit.
  if (/[^\x20-\x7e]/.test([label, components, parameters].join())) throw new SignatureError("malformed_credential", "a text that is not printable ASCII");
  const prepared = await prepare(parts, { label, components, parameters });
  const made = await signBytes(key, prepared.base);
  headers.append("signature-input", prepared.signatureInput);
  headers.append("signature", `${prepared.label}=:${toBase64(made)}:`);
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
    if (digest !== undefined) headers.set(DIGEST, digest);
    await addSignature(prepare, partsOf(request, headers), digest !== undefined, key, options);
    // A body whose digest was known moves on as it is, unread. One that was read is sent from memory, so that the request
    // that was handed in can still be used.
    return known === undefined ? new Request(bare(request), { headers, body }) : new Request(request, { headers });
  };
