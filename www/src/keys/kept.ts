// Keys that this browser keeps: IndexedDB holds the CryptoKey itself, which is not extractable, so that not even this
// page can read it.

export interface KeptKey {
  /** The key's RFC 7638 thumbprint. */
  readonly fingerprint: string;
  readonly organization: string;
  readonly token: string;
  readonly name: string;
  readonly createdAt: string;
  readonly privateKey: CryptoKey;
}

const DATABASE = "symbolon";
const STORE = "keys";

function open(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "fingerprint" });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("the browser's storage cannot be opened"));
  });
}

async function within<T>(mode: IDBTransactionMode, run: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const database = await open();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction(STORE, mode);
      const request = run(transaction.objectStore(STORE));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = () => reject(transaction.error ?? new Error("the browser's storage refused"));
    });
  } finally {
    database.close();
  }
}

export async function keep(key: KeptKey): Promise<void> {
  if (key.privateKey.extractable) throw new Error("only keys that cannot be read out are kept");
  await within("readwrite", (store) => store.put(key));
}

/** The keys that are kept for an organisation. */
export async function kept(organization: string): Promise<KeptKey[]> {
  const all = await within("readonly", (store) => store.getAll() as IDBRequest<KeptKey[]>);
  return all.filter((key) => key.organization === organization);
}

export async function forget(fingerprint: string): Promise<void> {
  await within("readwrite", (store) => store.delete(fingerprint));
}
