// Keys that this browser keeps: the npm package's store, which holds the pair itself in IndexedDB. It is not extractable,
// so that not even this page can read its private half.
//
// A key is kept under its key id, which names the organisation and the key. What else is said of it, its token's name
// and state, is asked of the server: a copy here would be out of date with the next edit.

import { type KeyStore, openKeyStore, thumbprint } from "symbolon/webcrypto";

import { call } from "../api/client";
import type { Page, Token } from "../api/types";

/** The console's own database in this origin. */
const DATABASE = "symbolon-console";
/** How much of a thumbprint the server shows as a token's prefix, and so finds it by, in characters. */
const FOUND_BY = 8;

export interface KeptKey {
  /** What signatures name it by: the organisation's short id and the thumbprint. */
  readonly keyid: string;
  /** The key's RFC 7638 thumbprint. */
  readonly fingerprint: string;
  readonly createdAt: Date;
  /** Its token; undefined where there is none that may be seen. */
  readonly token: Token | undefined;
}

async function within<T>(run: (store: KeyStore) => Promise<T>): Promise<T> {
  const store = await openKeyStore(DATABASE);
  try {
    return await run(store);
  } finally {
    store.close();
  }
}

/** Keeps a pair for an organisation, and gives its key id. */
export async function keep(organization: string, pair: CryptoKeyPair): Promise<string> {
  if (pair.privateKey.extractable) throw new Error("only keys that cannot be read out are kept");
  const keyid = `${organization}.${await thumbprint(pair)}`;
  await within((store) => store.put(keyid, pair));
  return keyid;
}

async function tokenOf(fingerprint: string, signal: AbortSignal): Promise<Token | undefined> {
  const found = await call<Page<Token>>("GET", "/v1/tokens", { query: { q: fingerprint.slice(0, FOUND_BY) }, signal });
  return found.items.find((token) => token.fingerprint === fingerprint);
}

/** The keys that are kept for an organisation, the newest first. */
export async function kept(organization: string, signal: AbortSignal): Promise<KeptKey[]> {
  const ours = (await within((store) => store.list())).filter(({ name }) => name.startsWith(`${organization}.`));
  const keys = ours.map(async ({ name: keyid, createdAt }) => {
    const fingerprint = keyid.slice(organization.length + 1);
    return { keyid, fingerprint, createdAt, token: await tokenOf(fingerprint, signal) };
  });
  return (await Promise.all(keys)).sort((a, b) => b.createdAt.getTime() - a.createdAt.getTime());
}

/** The pair itself, to sign with. */
export function pair(keyid: string): Promise<CryptoKeyPair | undefined> {
  return within((store) => store.get(keyid));
}

export async function forget(keyid: string): Promise<void> {
  await within((store) => store.delete(keyid));
}
