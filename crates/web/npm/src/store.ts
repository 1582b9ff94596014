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
  const db = await opened(factory, database);
  // Another page may want to delete or upgrade it: this one must not stand in its way.
  db.onversionchange = () => db.close();
  return {
    async put(name, pair, { replace = false } = {}) {
      const row: Row = { name, createdAt: Date.now(), pair: { privateKey: pair.privateKey, publicKey: pair.publicKey } };
      await within(db, "readwrite", (keys) => (replace ? keys.put(row) : keys.add(row)));
    },
    async get(name) {
      const row = await within<Row | undefined>(db, "readonly", (keys) => keys.get(name));
      return row?.pair;
    },
    async list() {
      const rows = await within<Row[]>(db, "readonly", (keys) => keys.getAll());
      return rows.map(({ name, createdAt, pair }) => ({ name, createdAt: new Date(createdAt), publicKey: pair.publicKey }));
    },
    async delete(name) {
      const there = await within(db, "readwrite", (keys) => {
        const counted = keys.count(name);
        keys.delete(name);
        return counted;
      });
      return there > 0;
    },
    close: () => db.close(),
  };
}

function opened(factory: IDBFactory, database: string): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown): void => reject(failed(cause));
    try {
      const opening = factory.open(database, 1);
      opening.onupgradeneeded = () => opening.result.createObjectStore(STORE, { keyPath: "name" });
      opening.onsuccess = () => resolve(opening.result);
      opening.onerror = () => fail(opening.error);
      opening.onblocked = () => reject(new StorageError("another page keeps the database of keys from being opened"));
    } catch (cause) {
      // Where a page may not have any, such as in a sandbox.
      fail(cause);
    }
  });
}

/** What a request came to, once the whole transaction is written: a key that is said to be kept is kept. */
function within<T>(db: IDBDatabase, mode: IDBTransactionMode, call: (keys: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    try {
      const transaction = db.transaction(STORE, mode);
      const request = call(transaction.objectStore(STORE));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = () => reject(failed(request.error ?? transaction.error));
    } catch (cause) {
      reject(failed(cause));
    }
  });
}

const WHY: Readonly<Record<string, string>> = {
  ConstraintError: "there is a key of this name already",
  DataCloneError: "not a pair of WebCrypto's keys",
  InvalidStateError: "the store was closed",
};

function failed(cause: unknown): StorageError {
  const name = (cause as DOMException | null)?.name ?? "";
  return new StorageError(WHY[name] ?? "the database of keys cannot be used", { cause });
}
