export { type Code, type LocalCode, KeyError, RedirectError, SignatureError, StorageError, SymbolonError, TokenError } from "./errors.js";
export type { SignedFetch, SignedFetchOptions, SignedRequestInit } from "./fetch.js";
export {
  type CryptoKey,
  type Jwk,
  type KeyFormat,
  type KeyOptions,
  type KeyPair,
  type PrivateJwk,
  type PublicJwk,
  type Signer,
  type SigningKey,
  exportKey,
  fingerprint,
  generateKeyPair,
  importKey,
  importPublicKey,
  signChallenge,
  thumbprint,
} from "./keys.js";
export type { SignatureRules, SignOptions, SignRequest } from "./sign.js";
export { type KeyStore, type StoredKey, openKeyStore } from "./store.js";
export { type ParsedToken, type TokenFormat, NATIVE_FORMATS, parseToken } from "./token.js";
