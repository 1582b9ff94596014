import { type Bytes, digest } from "./bytes.js";
import { type Code, SignatureError, SymbolonError } from "./errors.js";
import { type CryptoKey, checkPublic, verifyBytes } from "./keys.js";
import { bodyOf, fieldLines } from "./message.js";
import { type ReceivedRequest, bytesOf, hasBody } from "./received.js";
import { called } from "./wasm/load.js";
import { rules } from "./wasm/rules.js";

const MAX_BODY = 64 * 1024 * 1024;

/** Whether something must be there. */
export type Presence = "required" | "optional";

/** What a verifier demands of a signature. Nothing here has a default: every rule is spelled out. */
export interface VerificationPolicy {
  /** What every signature must cover: `@method`, `content-digest`, `"@query-param";name="id"`, … */
  readonly components: readonly string[];
  /** What it must cover besides `content-digest` where there is a body; that itself is demanded in any case. */
  readonly withBody: readonly string[];
  /** Fields that it must cover besides, where there is a body and the request has them. */
  readonly withBodyIfSent: readonly string[];
  /** The labels that are allowed; undefined: any, as labels are not signed. */
  readonly labels: readonly string[] | undefined;
  /** A tag that it must have; undefined: any tag and no tag will do. */
  readonly tag: string | undefined;
  /** `nonce`. */
  readonly nonce: Presence;
  /** `keyid`. */
  readonly keyId: Presence;
  /** `created`. Where it is optional and absent, `expires` must be there. */
  readonly created: Presence;
  /** `expires`. */
  readonly expires: Presence;
  /** How long after `created` a signature without `expires` is good. */
  readonly maxAgeSeconds: number;
  /** How long after `created` a signature with `expires` is good at most. */
  readonly maxLifetimeSeconds: number;
  /** How far `created` may lie ahead of this clock. */
  readonly maxAheadSeconds: number;
}

/** For how long signatures are good. */
export type VerificationWindow = Pick<VerificationPolicy, "maxAgeSeconds" | "maxLifetimeSeconds" | "maxAheadSeconds">;

/** What Symbolon's own signers do: the full native components, a nonce and a `keyid`, inside this window. */
export const nativePolicy = (window: VerificationWindow): VerificationPolicy => ({
  components: ["@method", "@authority", "@path", "@query"],
  withBody: [],
  withBodyIfSent: ["content-type", "content-encoding"],
  labels: undefined,
  tag: undefined,
  nonce: "required",
  keyId: "required",
  created: "required",
  expires: "optional",
  ...window,
});

/** Finds the public key for a `keyid`; undefined where none is known. */
export type KeyResolver = (keyId: string | undefined) => CryptoKey | undefined | Promise<CryptoKey | undefined>;

/** Options of {@link verifyRequest}. */
export interface VerifyOptions {
  /** What is demanded. */
  readonly policy: VerificationPolicy;
  /** The tag to prefer where there are several signatures. Default: `symbolon`. */
  readonly preferTag?: string;
  /** The label to prefer among those of equal right by their tags. */
  readonly preferLabel?: string;
  /** The most bytes of a body that are read. Default: 64 MiB. */
  readonly maxBodyBytes?: number;
  /** The clock: milliseconds since 1970. Default: `Date.now`. */
  readonly now?: () => number;
}

/** A signature that matches its key and its request, inside its window, under the policy. */
export interface VerifiedRequest {
  readonly valid: true;
  readonly label: string;
  readonly keyId: string | undefined;
  readonly tag: string | undefined;
  readonly nonce: string | undefined;
  /** Seconds since 1970. */
  readonly created: number | undefined;
  /** Seconds since 1970. */
  readonly expires: number | undefined;
  /** The covered components, as they are written. */
  readonly components: readonly string[];
  /** Whether the body is covered, and matches. */
  readonly bodyCovered: boolean;
  /** What a memory of used signatures knows this one by, beside its key: the same for all that can be made of it. */
  readonly replayKey: string;
  /** Until when that memory must keep it: milliseconds since 1970. */
  readonly replayableUntil: number;
}

/** Why a request is not accepted. */
export interface RefusedRequest {
  readonly valid: false;
  readonly code: Code;
  /** For people; holds no secret. */
  readonly reason: string;
}

/** What verifying came to: look at `valid` first. */
export type Verification = VerifiedRequest | RefusedRequest;

/**
 * Verifies a signed request offline: RFC 9421 by the core's rules, ECDSA by WebCrypto. The request can still be read
 * afterwards.
 *
 * What is wrong with the request is an answer, not an error. Replays inside the window are for the caller to refuse, by
 * `replayKey`.
 * @throws {SymbolonError} `invalid_request` where the policy is none, `unsupported` where the host forbids WebAssembly or has
 *   no WebCrypto, and whatever the resolver throws.
 */
export async function verifyRequest(
  request: Request | ReceivedRequest,
  key: CryptoKey | KeyResolver,
  options: VerifyOptions,
): Promise<Verification> {
  const policy = checked(options?.policy);
  if (typeof key !== "function") checkPublic(key);
  const core = await rules();
  const limit = options.maxBodyBytes ?? MAX_BODY;
  const lines = (name: string, values: readonly (string | number)[]): string => values.map((value) => `${name}=${value}\n`).join("");
  const required = (["nonce", "keyId", "created", "expires"] as const).filter((name) => policy[name] === "required");
  const demanded =
    lines("always", policy.components) +
    lines("with_body", policy.withBody) +
    lines("with_body_if_sent", policy.withBodyIfSent) +
    lines("required", required.map((name) => name.toLowerCase())) +
    lines("max_age", [policy.maxAgeSeconds]) +
    lines("max_lifetime", [policy.maxLifetimeSeconds]) +
    lines("max_ahead", [policy.maxAheadSeconds]);
  const held = called("signature", () => new core.Verification(demanded, policy.labels?.join("\n"), policy.tag));
  try {
    const body = isPlatforms(request) ? await bodyOf(request, limit) : bytesOf(request.body);
    const url = request.url.replace(/#.*$/s, "");
    called("signature", () => held.receive(request.method, url, fieldLines(request.headers), options.preferTag ?? "symbolon", options.preferLabel));
    const keyId = held.keyId();
    const publicKey = typeof key === "function" ? await resolved(key, keyId) : key;
    const bodied = hasBody({ body, unread: !isPlatforms(request) && request.unread === true });
    const now = BigInt(Math.floor((options.now ?? Date.now)()));
    const bytes = called("signature", () => held.check(bodied, now)) as Bytes;
    if (publicKey === undefined) return { valid: false, code: "unknown_token", reason: "the key is not known" };
    const matches = await verifyBytes(publicKey, bytes.subarray(64), bytes.subarray(0, 64));
    const content = body ?? new Uint8Array();
    const sha256 = held.needsSha256() ? await digest("SHA-256", content) : undefined;
    const sha512 = held.needsSha512() ? await digest("SHA-512", content) : undefined;
    return facts(called("signature", () => held.finish(matches, sha256, sha512)));
  } catch (error) {
    if (error instanceof Passed) throw error.cause;
    if (!(error instanceof SignatureError) || error.code === "internal") throw error;
    return { valid: false, code: error.code as Code, reason: error.message };
  } finally {
    held.free();
  }
}

/** An error of the resolver's own, which must not be taken for a refusal. */
class Passed extends Error {}

async function resolved(resolver: KeyResolver, keyId: string | undefined): Promise<CryptoKey | undefined> {
  try {
    const found = await resolver(keyId);
    return found === undefined ? undefined : checkPublic(found);
  } catch (cause) {
    throw new Passed("the resolver failed", { cause });
  }
}

/** Whether it is the platform's, be it of another realm or another library: those have their bodies as streams. */
const isPlatforms = (request: Request | ReceivedRequest): request is Request => "clone" in request && typeof request.clone === "function";

/** A rule that JavaScript left out would otherwise be read as none. */
function checked(policy: VerificationPolicy): VerificationPolicy {
  const wrong = (name: string): SymbolonError => new SymbolonError("invalid_request", `the policy does not spell out ${name}`);
  for (const name of ["components", "withBody", "withBodyIfSent"] as const) if (!Array.isArray(policy?.[name])) throw wrong(name);
  for (const name of ["labels", "tag"] as const) if (!(name in policy)) throw wrong(name);
  const texts: readonly unknown[] = [...policy.components, ...policy.withBody, ...policy.withBodyIfSent, ...(policy.labels ?? []), policy.tag ?? ""];
  // No rule can hold another one.
  if (texts.some((text) => typeof text !== "string" || /[^\x20-\x7e]/.test(text))) throw new SymbolonError("invalid_request", "the policy has a text that is not printable ASCII");
  for (const name of ["nonce", "keyId", "created", "expires"] as const) {
    if (policy[name] !== "required" && policy[name] !== "optional") throw wrong(name);
  }
  for (const name of ["maxAgeSeconds", "maxLifetimeSeconds", "maxAheadSeconds"] as const) {
    const value = policy[name];
    if (!Number.isSafeInteger(value) || value < 0 || value > 0xff_ff_ff_ff) throw wrong(name);
  }
  return policy;
}

/** Reads the core's answer: a line `name=value` for each fact. */
function facts(text: string): VerifiedRequest {
  const pairs = text.trimEnd().split("\n").map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)] as const);
  const one = (name: string): string | undefined => pairs.find(([found]) => found === name)?.[1];
  const number = (name: string): number | undefined => (one(name) === undefined ? undefined : Number(one(name)));
  return {
    valid: true,
    label: one("label") ?? "",
    keyId: one("keyid"),
    tag: one("tag"),
    nonce: one("nonce"),
    created: number("created"),
    expires: number("expires"),
    components: pairs.filter(([name]) => name === "covers").map(([, value]) => value),
    bodyCovered: one("body") !== undefined,
    replayKey: one("replay") ?? "",
    replayableUntil: number("until") ?? 0,
  };
}
