import { StorageError, SymbolonError } from "./errors.js";
import type { CryptoKey, KeyPair } from "./keys.js";

const STORE = "keys";

/** A key of a {@link KeyStore}, without its private half. */
export interface StoredKey {
  /** The name that it was put under. */
  readonly name: string;
  /** When it was put there. */
  readonly createdAt: Date;
  /** Its public half. */
  readonly publicKey: CryptoKey;
}

/**
 * Keys in IndexedDB. The browser keeps the `CryptoKey` itself: the bytes of a key that is not extractable are never
 * visible to any script, this one included, and nothing is written to localStorage or sessionStorage.
 */
export interface KeyStore {
  /** Keeps a pair under a name. An earlier one of this name is replaced only with `replace`. */
  put(name: string, pair: KeyPair, options?: { readonly replace?: boolean }): Promise<void>;
  /** The pair of this name; undefined where there is none. */
  get(name: string): Promise<KeyPair | undefined>;
  /** All of them, in the order of their names. */
  list(): Promise<readonly StoredKey[]>;
  /** Forgets a pair; whether there was one. */
  delete(name: string): Promise<boolean>;
  /** Closes the database. */
  close(): void;
}

interface Row {
  readonly name: string;
  readonly createdAt: number;
  readonly pair: KeyPair;
}

/**
 * Opens the store of keys of this origin, and makes it where there is none.
 * @param database the name of the database, for more than one store in an origin
 * @throws {SymbolonError} `unsupported` in hosts without IndexedDB; `storage_failed` where it refuses.
 */
export async function openKeyStore(database = "symbolon"): Promise<KeyStore> {
  const factory: IDBFactory | undefined = globalThis.indexedDB;
  if (factory === undefined) throw new SymbolonError("unsupported", "this host has no IndexedDB");
  const opening = factory.open(database, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(STORE, { keyPath: "name" });
  const db = await settled(opening);
  // Another page may want to delete or upgrade it: this one must not stand in its way.
  db.onversionchange = () => db.close();
  const store = (mode: IDBTransactionMode): IDBObjectStore => db.transaction(STORE, mode).objectStore(STORE);
  return {
    async put(name, pair, { replace = false } = {}) {
      const row: Row = { name, createdAt: Date.now(), pair: { privateKey: pair.privateKey, publicKey: pair.publicKey } };
      const target = store("readwrite");
      await settled(replace ? target.put(row) : target.add(row));
    },
    async get(name) {
      const row = await settled<Row | undefined>(store("readonly").get(name));
      return row?.pair;
    },
    async list() {
      const rows = await settled<Row[]>(store("readonly").getAll());
      return rows.map(({ name, createdAt, pair }) => ({ name, createdAt: new Date(createdAt), publicKey: pair.publicKey }));
    },
    async delete(name) {
      const target = store("readwrite");
      const there = (await settled(target.count(name))) > 0;
      await settled(target.delete(name));
      return there;
    },
    close: () => db.close(),
  };
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => {
      const taken = request.error?.name === "ConstraintError";
      reject(new StorageError(taken ? "there is a key of this name already" : "the database of keys cannot be used", { cause: request.error }));
    };
    if (request instanceof IDBOpenDBRequest) {
      request.onblocked = () => reject(new StorageError("another page keeps the database of keys from being opened"));
    }
  });
}
