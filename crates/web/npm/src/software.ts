/**
 * P-256 keys in WebAssembly, for hosts without WebCrypto (pages that are not served over https) and for what WebCrypto
 * cannot do. Where there is WebCrypto, prefer its keys: theirs cannot be read by any script.
 * @module
 */

import { type Bytes, fromBase64Url, fromHex, isBytes, toBase64Url, toHex, utf8 } from "./bytes.js";
import { KeyError } from "./errors.js";
import type { PrivateJwk, PublicJwk, Signer } from "./keys.js";
import { called } from "./wasm/load.js";
import { curve } from "./wasm/curve.js";
import type { SecretKey } from "./wasm/generated/curve.js";

type Core = Awaited<ReturnType<typeof curve>>;

/**
 * A P-256 key pair that WebAssembly computes with. It signs wherever a key is taken, and is interchangeable with
 * WebCrypto's keys through its exports.
 *
 * The private half is in the memory of WebAssembly only while a call is being computed; between calls it lies in a buffer
 * of its own, which {@link SoftwareKey.destroy} overwrites. Call that when the key is no longer needed. What was exported
 * lives on as a string, which JavaScript alone can forget.
 */
export class SoftwareKey implements Signer {
  readonly #core: Core;
  /** In memory that the garbage collector does not move, and so leaves no copies of. */
  #scalar: Uint8Array<ArrayBuffer> | undefined;
  readonly #point: Uint8Array;

  private constructor(core: Core, secret: SecretKey) {
    this.#core = core;
    try {
      const bytes = secret.bytes();
      this.#scalar = new Uint8Array(new ArrayBuffer(bytes.length));
      this.#scalar.set(bytes);
      bytes.fill(0);
      this.#point = secret.public();
    } finally {
      secret.free();
    }
  }

  get #held(): Uint8Array<ArrayBuffer> {
    if (this.#scalar === undefined) throw new KeyError("invalid_request", "the key was destroyed");
    return this.#scalar;
  }

  /** A new key from `crypto.getRandomValues`. */
  static async generate(): Promise<SoftwareKey> {
    const core = await curve();
    return new SoftwareKey(core, called("key", () => core.SecretKey.generate()));
  }

  /**
   * Reads a private key: 64 hexadecimal digits (leading zeros may be absent) or a JWK, whose halves must belong together.
   * @throws {KeyError} `invalid_request`
   */
  static async import(key: string | PrivateJwk): Promise<SoftwareKey> {
    const core = await curve();
    const bytes = typeof key === "string" ? scalar(key) : fromBase64Url(String(key?.d));
    if (bytes === undefined) throw new KeyError("invalid_request", "not a private key: neither hexadecimal nor JWK");
    const made = new SoftwareKey(core, called("key", () => core.SecretKey.fromBytes(bytes)));
    bytes.fill(0);
    const { x, y } = made.publicKey("jwk");
    if (typeof key !== "string" && (x !== key.x || y !== key.y)) {
      made.destroy();
      throw new KeyError("invalid_request", "the private key does not belong to the public key beside it");
    }
    return made;
  }

  /** Writes the private key: 64 hexadecimal digits, or a JWK. */
  export(format: "hex"): string;
  export(format: "jwk"): PrivateJwk;
  export(format: "hex" | "jwk"): string | PrivateJwk {
    const bytes = this.#held;
    return format === "hex" ? toHex(bytes) : { ...this.publicKey("jwk"), d: toBase64Url(bytes) };
  }

  /** Writes the public key: 128 hexadecimal digits, or a JWK. */
  publicKey(format: "hex"): string;
  publicKey(format: "jwk"): PublicJwk;
  publicKey(format: "hex" | "jwk"): string | PublicJwk {
    const point = this.#point;
    if (format === "hex") return toHex(point.subarray(1));
    return { kty: "EC", crv: "P-256", x: toBase64Url(point.subarray(1, 33)), y: toBase64Url(point.subarray(33)) };
  }

  /** The RFC 7638 thumbprint. */
  thumbprint(): string {
    const { x, y } = this.publicKey("jwk");
    return toBase64Url(this.#core.sha256(utf8(`{"crv":"P-256","kty":"EC","x":"${x}","y":"${y}"}`)));
  }

  /** The fingerprint by which DevGuard knows it. */
  fingerprint(): string {
    return toHex(this.#core.sha256(utf8(this.publicKey("hex"))));
  }

  /** ECDSA with SHA-256 and the nonce of RFC 6979: the 64 bytes r and s. */
  sign(bytes: Uint8Array<ArrayBuffer>): Uint8Array {
    const scalar = this.#held;
    const message = checked(bytes);
    const secret = called("key", () => this.#core.SecretKey.fromBytes(scalar));
    try {
      return called("key", () => secret.sign(message));
    } finally {
      secret.free();
    }
  }

  /** Overwrites the private half. It cannot sign or be exported afterwards; a second call does nothing. */
  destroy(): void {
    this.#scalar?.fill(0);
    this.#scalar = undefined;
  }
}

/**
 * Whether a signature, r and s in 64 bytes, is one of a public key, given as 128 hexadecimal digits. What is no key and
 * what is no signature matches nothing. High and low s are both accepted, as by WebCrypto.
 */
export async function softwareVerify(publicKey: string, bytes: Uint8Array, signature: Uint8Array): Promise<boolean> {
  const point = fromHex(publicKey);
  const core = await curve();
  return point !== undefined && core.verify(Uint8Array.of(4, ...point), checked(bytes), checked(signature));
}

/** SHA-256 of a stream or a Blob that need not fit in memory, which WebCrypto cannot do. */
export async function streamDigest(source: ReadableStream<Uint8Array> | Blob): Promise<Uint8Array> {
  const core = await curve();
  const running = new core.BodyDigest();
  const reader = (source instanceof Blob ? source.stream() : source).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return running.finish();
    running.update(checked(value));
  }
}

/** @throws {KeyError} `invalid_request` */
function checked(bytes: Uint8Array): Uint8Array {
  if (!isBytes(bytes)) throw new KeyError("invalid_request", "not bytes: give a Uint8Array, such as new TextEncoder().encode(text)");
  return bytes;
}

function scalar(text: string): Bytes | undefined {
  const digits = text.trim();
  return digits.length > 0 && digits.length <= 64 ? fromHex(digits.padStart(64, "0")) : undefined;
}
