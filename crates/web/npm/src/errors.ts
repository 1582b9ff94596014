/** The stable codes of Symbolon, the same as over HTTP and in Rust. */
export type Code =
  | "missing_credential"
  | "malformed_credential"
  | "unknown_token"
  | "expired"
  | "revoked"
  | "inactive"
  | "owner_suspended"
  | "insufficient_permission"
  | "passphrase_required"
  | "passphrase_wrong"
  | "signature_invalid"
  | "signature_stale"
  | "digest_mismatch"
  | "replayed"
  | "locked"
  | "rate_limited"
  | "authority_unavailable"
  | "invalid_request"
  | "not_found"
  | "conflict"
  | "not_editable"
  | "too_large"
  | "method_not_allowed"
  | "internal";

/** Causes that never travel: they arise in this package alone. */
export type LocalCode =
  /** The host lacks what this needs: WebCrypto, WebAssembly, IndexedDB or a form of key. */
  | "unsupported"
  /** A redirect led to another origin, or the host hides where it leads. */
  | "redirect_refused"
  /** The database of keys could not be read or written. */
  | "storage_failed"
  /** A call got no answer. */
  | "unreachable"
  /** A call's answer is not of Symbolon's contract: something else answered, such as a proxy. */
  | "unexpected_answer"
  /** An answer of RFC 6749: its own `error` says why. */
  | "oauth_refused";

/** What every function of this package throws. `code` is stable; `message` is for people and never holds a secret. */
export class SymbolonError extends Error {
  override readonly name: string = "SymbolonError";
  /** The stable code. */
  readonly code: Code | LocalCode;

  constructor(code: Code | LocalCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Something is no key, or cannot be used as one here. */
export class KeyError extends SymbolonError {
  override readonly name = "KeyError";
}

/** A request cannot be signed, or a signature cannot be made. */
export class SignatureError extends SymbolonError {
  override readonly name = "SignatureError";
}

/** A text is no token. */
export class TokenError extends SymbolonError {
  override readonly name = "TokenError";
}

/** A redirect was not followed. */
export class RedirectError extends SymbolonError {
  override readonly name = "RedirectError";
  /** Where it led, if the host says so. */
  readonly location: string | undefined;

  constructor(message: string, location?: string) {
    super("redirect_refused", message);
    this.location = location;
  }
}

/** The database of keys could not be used. */
export class StorageError extends SymbolonError {
  override readonly name = "StorageError";

  constructor(message: string, options?: ErrorOptions) {
    super("storage_failed", message, options);
  }
}
