/** Keys and pins of one account: one database, of which each store is one record. */
const VERSION = 1;
const STORES = ['device', 'pins'] as const;
const KEY = 'current';

export type RecordStore = (typeof STORES)[number];

/** One record in IndexedDB, which is replaced as a whole. */
export interface IndexedDbRecord {
  /** `undefined` where nothing is stored. What comes back is attacker-controlled as far as the profile's disk is. */
  read(): Promise<unknown>;
  /** On disk when the promise resolves, as far as the browser keeps its word (`durability: 'strict'`). */
  write(value: unknown): Promise<void>;
  remove(): Promise<void>;
  /** One task at a time, in all tabs and workers of the origin. It must not call `exclusively` again. */
  exclusively<Result>(task: () => Promise<Result>): Promise<Result>;
}

/** Nothing is opened before the first use, and nothing stays open: an open connection would block upgrade and deletion. */
export function indexedDbRecord(name: string, store: RecordStore): IndexedDbRecord {
  async function inTransaction<Result>(
    mode: IDBTransactionMode,
    act: (objects: IDBObjectStore) => IDBRequest<Result>,
  ): Promise<Result> {
    const database = await openDatabase(name);
    try {
      const transaction = database.transaction(store, mode, { durability: 'strict' });
      const request = act(transaction.objectStore(store));
      await completed(transaction);
      return request.result;
    } finally {
      database.close();
    }
  }

  return {
    read: () => inTransaction('readonly', (objects) => objects.get(KEY)),
    write: async (value) => {
      await inTransaction('readwrite', (objects) => objects.put(value, KEY));
    },
    remove: async () => {
      await inTransaction('readwrite', (objects) => objects.delete(KEY));
    },
    exclusively: (task) => navigator.locks.request(`countersign ${store} ${name}`, task),
  };
}

function openDatabase(name: string): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, VERSION);
    request.onupgradeneeded = () => {
      for (const store of STORES) request.result.createObjectStore(store);
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function completed(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
  });
}
