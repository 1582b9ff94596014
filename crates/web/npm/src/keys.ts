import { type Bytes, digest, fromBase64, fromBase64Url, fromHex, subtle, toBase64, toBase64Url, toHex, utf8 } from "./bytes.js";
import { KeyError, SymbolonError } from "./errors.js";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256" } as const;
const SIGNATURE = { name: "ECDSA", hash: "SHA-256" } as const;

/** How long the text of a key may be, in characters. */
const MAX_KEY_TEXT = 4096;

/** PKCS#8 of a P-256 key that holds the scalar alone (RFC 5958 around RFC 5915): what comes before the 32 bytes. */
const PKCS8_HEAD = "3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420";

/** A key of WebCrypto, by the types that the project has for its host: the DOM's, Node's or those of Workers. */
export type CryptoKey = Extract<Awaited<ReturnType<typeof crypto.subtle.generateKey>>, { readonly type: string }>;

/** A pair of WebCrypto's keys, as its own `generateKey` makes them: `CryptoKeyPair`. */
export interface KeyPair {
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
}

/** A JWK, as it may come: `JsonWebKey`. */
export interface Jwk {
  readonly kty?: string | undefined;
  readonly crv?: string | undefined;
  readonly x?: string | undefined;
  readonly y?: string | undefined;
  readonly d?: string | undefined;
  readonly alg?: string | undefined;
  readonly use?: string | undefined;
  readonly key_ops?: readonly string[] | undefined;
}

/** The forms that keys are written in. */
export type KeyFormat = "hex" | "pem" | "jwk";

/** The required members of a P-256 public key as JWK (RFC 7518, section 6.2.1). */
export interface PublicJwk {
  readonly kty: "EC";
  readonly crv: "P-256";
  readonly x: string;
  readonly y: string;
}

/** The required members of a P-256 private key as JWK (RFC 7518, section 6.2.2). */
export interface PrivateJwk extends PublicJwk {
  readonly d: string;
}

/**
 * Something that signs with a P-256 key that WebCrypto does not hold: a hardware token, a key service, or a key of
 * `symbolon/software`.
 */
export interface Signer {
  /** ECDSA with SHA-256 over these bytes: the 64 bytes r and s. */
  sign(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> | Uint8Array;
  /** The RFC 7638 thumbprint of its public key: 43 characters. */
  thumbprint(): Promise<string> | string;
  /** Its fingerprint, as {@link fingerprint} gives it; only forms need it that name keys so. */
  fingerprint?(): Promise<string> | string;
}

/** What can sign: a pair of WebCrypto keys, or a {@link Signer}. */
export type SigningKey = KeyPair | Signer;

/** Options of {@link generateKeyPair} and {@link importKey}. */
export interface KeyOptions {
  /** Whether the private key can be exported. Default: false, so that it cannot leave the host even by mistake. */
  readonly extractable?: boolean;
}

/** Makes a P-256 key pair with WebCrypto. Its private half is not extractable unless asked for. */
export async function generateKeyPair(options: KeyOptions = {}): Promise<KeyPair> {
  return await subtle().generateKey(ALGORITHM, options.extractable ?? false, ["sign", "verify"]);
}

/**
 * Imports a private key: 64 hexadecimal digits (leading zeros may be absent), PKCS#8 in PEM, or a JWK.
 *
 * The two halves of what is imported must belong together.
 * @throws {KeyError} `invalid_request` where it is no such key; `unsupported` where the host's WebCrypto cannot find the
 *   public half of hexadecimal digits (Firefox and Safari): give PEM or JWK there, or use `symbolon/software`.
 */
export async function importKey(key: string | Jwk, options: KeyOptions = {}): Promise<KeyPair> {
  const jwk = await privateJwk(key);
  const publicKey = await publicFromJwk(jwk);
  let privateKey;
  try {
    const members = { kty: jwk.kty, crv: jwk.crv, x: jwk.x, y: jwk.y, d: jwk.d };
    privateKey = await subtle().importKey("jwk", members, ALGORITHM, options.extractable ?? false, ["sign"]);
  } catch (cause) {
    throw new KeyError("invalid_request", "not a private key on P-256", { cause });
  }
  // Not every host compares the two halves.
  const probe = utf8("symbolon-key-pair");
  const made = await subtle().sign(SIGNATURE, privateKey, probe);
  if (!(await subtle().verify(SIGNATURE, publicKey, made, probe))) {
    throw new KeyError("invalid_request", "the private key does not belong to the public key beside it");
  }
  return { privateKey, publicKey };
}

/**
 * Imports a public key: 128 hexadecimal digits (x, then y), the point of SEC 1 in hexadecimal, SPKI in PEM, or a JWK.
 * @throws {KeyError} `invalid_request` where it is no such key, or is a private one.
 */
export async function importPublicKey(key: string | Jwk): Promise<CryptoKey> {
  if (typeof key !== "string") return await publicFromJwk(readJwk(key, "verify", false));
  const text = bounded(key);
  if (text.startsWith("{")) return await publicFromJwk(readJwk(parseJson(text), "verify", false));
  if (text.startsWith("-")) return await importPublic("spki", pem(text, "PUBLIC KEY"));
  const bytes = fromHex(text);
  if (bytes?.length === 64) return await importPublic("raw", Uint8Array.of(4, ...bytes));
  if (bytes?.length === 65 && bytes[0] === 4) return await importPublic("raw", bytes);
  throw new KeyError("invalid_request", "not a public key: neither 128 hexadecimal digits nor PEM nor JWK");
}

/**
 * Writes a key: the private one of a pair, or a public one.
 *
 * `hex` is 64 digits of a private key and 128 of a public one; `pem` is PKCS#8 and SPKI; `jwk` has the required members
 * alone.
 * @throws {KeyError} `unsupported` where the private key is not extractable.
 */
export function exportKey(key: KeyPair, format: "hex" | "pem"): Promise<string>;
export function exportKey(key: KeyPair, format: "jwk"): Promise<PrivateJwk>;
export function exportKey(key: CryptoKey, format: "hex" | "pem"): Promise<string>;
export function exportKey(key: CryptoKey, format: "jwk"): Promise<PublicJwk>;
export async function exportKey(
  key: KeyPair | CryptoKey,
  format: KeyFormat,
): Promise<string | PrivateJwk | PublicJwk> {
  if (!["hex", "pem", "jwk"].includes(format)) throw new KeyError("invalid_request", 'a key is written as "hex", "pem" or "jwk"');
  if (!("privateKey" in key)) {
    if (key.type !== "public") throw new KeyError("invalid_request", "a private key is exported with its public half");
    const jwk = await publicJwk(key);
    if (format === "jwk") return jwk;
    if (format === "hex") return coordinates(jwk);
    return wrap("PUBLIC KEY", await subtle().exportKey("spki", key));
  }
  if (!key.privateKey.extractable) throw new KeyError("unsupported", "this private key is not extractable");
  const jwk = await subtle().exportKey("jwk", key.privateKey);
  const { d } = jwk;
  if (d === undefined) throw new KeyError("unsupported", "this private key has no scalar");
  if (format === "jwk") {
    const { kty, crv, x, y } = await publicJwk(key.publicKey);
    return { kty, crv, x, y, d };
  }
  if (format === "hex") return toHex(fromBase64Url(d) ?? new Uint8Array());
  return wrap("PRIVATE KEY", await subtle().exportKey("pkcs8", key.privateKey));
}

/** Thumbprints that were asked for: a key never changes, and WebCrypto takes as long to write one down as to sign with it. */
const thumbprints = /* @__PURE__ */ new WeakMap<CryptoKey, string>();

/** The RFC 7638 thumbprint of a public key or of a pair's public half: 43 characters of base64url. */
export async function thumbprint(key: KeyPair | CryptoKey): Promise<string> {
  const half = publicHalf(key);
  const known = thumbprints.get(half);
  if (known !== undefined) return known;
  const { x, y } = await publicJwk(half);
  const made = toBase64Url(await digest("SHA-256", utf8(`{"crv":"P-256","kty":"EC","x":"${x}","y":"${y}"}`)));
  thumbprints.set(half, made);
  return made;
}

/** The fingerprint by which DevGuard knows a key: SHA-256 of its 128 lowercase hexadecimal digits, in hexadecimal. */
export async function fingerprint(key: KeyPair | CryptoKey): Promise<string> {
  return toHex(await digest("SHA-256", utf8(coordinates(await publicJwk(publicHalf(key))))));
}

/**
 * Signs the challenge of `POST /v1/keys/challenge`, which proves that whoever registers a public key has the private one.
 * @returns the `proof` for `POST /v1/tokens`: 64 bytes in base64url.
 */
export async function signChallenge(key: SigningKey, challenge: string): Promise<string> {
  if (typeof challenge !== "string") throw new KeyError("invalid_request", "the challenge is a text");
  return toBase64Url(await signBytes(key, utf8(challenge)));
}

/** ECDSA with SHA-256: the 64 bytes r and s. */
export async function signBytes(key: SigningKey, bytes: Bytes): Promise<Uint8Array> {
  const made =
    isPair(key) ? new Uint8Array(await subtle().sign(SIGNATURE, key.privateKey, bytes)) : await key.sign(bytes);
  if (made.length !== 64) throw new KeyError("internal", "a signature has 64 bytes, r and s");
  return made;
}

/** Whether a signature, r and s in 64 bytes, is one of this key. What is no signature matches nothing. */
export async function verifyBytes(key: CryptoKey, bytes: Bytes, signature: Bytes): Promise<boolean> {
  return signature.length === 64 && (await subtle().verify(SIGNATURE, key, signature, bytes));
}

/** The thumbprint of a signing key. */
export const thumbprintOf = async (key: SigningKey): Promise<string> =>
  isPair(key) ? await thumbprint(key) : await key.thumbprint();

/**
 * The fingerprint of a signing key.
 * @throws {KeyError} `invalid_request` where it does not tell.
 */
export const fingerprintOf = async (key: SigningKey): Promise<string> =>
  "sign" in key && key.fingerprint !== undefined ? await key.fingerprint() : await fingerprint(key as KeyPair);

/** @throws {KeyError} `invalid_request` for what cannot sign at all. */
function isPair(key: SigningKey): key is KeyPair {
  if (typeof key === "object" && key !== null) {
    if ("privateKey" in key) return true;
    if (typeof key.sign === "function" && typeof key.thumbprint === "function") return false;
  }
  throw new KeyError("invalid_request", "not what signs: give a whole key pair, or a Signer");
}

/** @throws {KeyError} `invalid_request` for what verifies nothing. */
export function checkPublic(key: CryptoKey): CryptoKey {
  if (typeof key === "object" && key !== null && key.type === "public" && key.algorithm.name === ALGORITHM.name) return key;
  throw new KeyError("invalid_request", "not what verifies: give a pair's publicKey, or what importPublicKey made");
}

const publicHalf = (key: KeyPair | CryptoKey): CryptoKey => ("publicKey" in key ? key.publicKey : key);

async function publicJwk(key: CryptoKey): Promise<PublicJwk> {
  if (key.type !== "public") throw new KeyError("invalid_request", "not a public key");
  const { kty, crv, x, y } = await subtle().exportKey("jwk", key);
  if (kty !== "EC" || crv !== "P-256" || x === undefined || y === undefined) {
    throw new KeyError("invalid_request", "not a key on P-256");
  }
  return { kty, crv, x, y };
}

const coordinates = ({ x, y }: PublicJwk): string => [x, y].map((part) => toHex(fromBase64Url(part) ?? new Uint8Array())).join("");

function bounded(text: string): string {
  if (text.length > MAX_KEY_TEXT) throw new KeyError("invalid_request", "longer than any key");
  return text.trim();
}

function parseJson(text: string): Jwk {
  try {
    return JSON.parse(text);
  } catch {
    // The cause would quote the text, which is a private key.
    throw new KeyError("invalid_request", "not a JWK");
  }
}

function readJwk(jwk: Jwk, operation: string, secret: boolean): PrivateJwk {
  if (typeof jwk !== "object" || jwk === null) throw new KeyError("invalid_request", "not a JWK");
  const { kty, crv, x, y, d } = jwk;
  if (kty !== "EC" || crv !== "P-256") throw new KeyError("invalid_request", "not a key on P-256");
  const forSignatures =
    (jwk.alg ?? "ES256") === "ES256" &&
    (jwk.use ?? "sig") === "sig" &&
    (jwk.key_ops === undefined || jwk.key_ops.includes(operation));
  if (!forSignatures) throw new KeyError("invalid_request", "the JWK is not for ES256 signatures");
  if (!secret && d !== undefined) throw new KeyError("invalid_request", "a private key where a public key belongs");
  const of32 = (part: string | undefined): part is string => part !== undefined && fromBase64Url(part)?.length === 32;
  if (!of32(x) || !of32(y) || (secret && !of32(d))) throw new KeyError("invalid_request", "not a JWK of an elliptic curve key");
  return { kty, crv, x, y, d: d ?? "" };
}

async function privateJwk(key: string | Jwk): Promise<PrivateJwk> {
  if (typeof key !== "string") return readJwk(key, "sign", true);
  const text = bounded(key);
  if (text.startsWith("{")) return readJwk(parseJson(text), "sign", true);
  if (text.startsWith("-")) return await fromPkcs8(pem(text, "PRIVATE KEY"), "invalid_request", "not a private key on P-256");
  const scalar = text.length > 0 && text.length <= 64 ? fromHex(text.padStart(64, "0")) : undefined;
  if (scalar === undefined) throw new KeyError("invalid_request", "not a private key: neither hexadecimal nor PEM nor JWK");
  const head = fromHex(PKCS8_HEAD) ?? new Uint8Array();
  const why = "not a scalar of P-256, or this host wants PEM or JWK, which hold the public key too";
  return await fromPkcs8(Uint8Array.of(...head, ...scalar), "unsupported", why);
}

/** WebCrypto finds the public half, where it is absent. */
async function fromPkcs8(der: Bytes, code: "invalid_request" | "unsupported", why: string): Promise<PrivateJwk> {
  let jwk;
  try {
    jwk = await subtle().exportKey("jwk", await subtle().importKey("pkcs8", der, ALGORITHM, true, ["sign"]));
  } catch {
    // The cause is left out: what it says of the bytes is the host's affair.
    throw new KeyError(code, why);
  }
  return readJwk(jwk, "sign", true);
}

const publicFromJwk = ({ kty, crv, x, y }: PublicJwk): Promise<CryptoKey> => importPublic("jwk", { kty, crv, x, y });

async function importPublic(format: "raw" | "spki" | "jwk", data: Bytes | Jwk): Promise<CryptoKey> {
  try {
    const key =
      format === "jwk"
        ? await subtle().importKey(format, data as JsonWebKey, ALGORITHM, true, ["verify"])
        : await subtle().importKey(format, data as Bytes, ALGORITHM, true, ["verify"]);
    // Deno takes any two coordinates for a point.
    if (isOnCurve(await publicJwk(key))) return key;
  } catch (error) {
    if (error instanceof SymbolonError && error.code === "unsupported") throw error;
  }
  throw new KeyError("invalid_request", "not a point on P-256");
}

/** Whether y² = x³ − 3x + b, with both coordinates below p (SP 800-186, section 3.2.1.3). */
function isOnCurve(jwk: PublicJwk): boolean {
  const p = 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn;
  const b = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn;
  const [x, y] = [jwk.x, jwk.y].map((part) => BigInt(`0x0${toHex(fromBase64Url(part) ?? new Uint8Array())}`)) as [bigint, bigint];
  return x < p && y < p && (y * y - x * x * x + 3n * x - b) % p === 0n;
}

/** The DER inside one PEM document (RFC 7468) and nothing else. */
function pem(text: string, label: string): Bytes {
  const found = /^-----BEGIN ([A-Z ]+)-----\r?\n([A-Za-z0-9+/=\r\n]+)-----END \1-----$/.exec(text);
  if (found === null) throw new KeyError("invalid_request", "not one PEM document");
  if (found[1] !== label) throw new KeyError("invalid_request", `the PEM label is not "${label}"`);
  const der = fromBase64((found[2] ?? "").replace(/\r?\n/g, ""));
  if (der === undefined) throw new KeyError("invalid_request", "not one PEM document");
  return der;
}

function wrap(label: string, der: ArrayBuffer): string {
  const lines = toBase64(new Uint8Array(der)).match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}
