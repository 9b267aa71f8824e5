import type { Database, Transaction } from '../../bridge/storage/database.ts';
import type { Transforms } from '../../bridge/transforms/transforms.ts';
import type { TransformEngine } from '../../recrypt/transform-engine.ts';

/** How often each thing was done, by name. */
export class Tally {
  readonly #counts = new Map<string, number>();

  add(name: string): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }

  /** What was counted since the last call. */
  take(): Map<string, number> {
    const taken = new Map(this.#counts);
    this.#counts.clear();
    return taken;
  }
}

const READS = new Set<PropertyKey>(['name', 'version']);

/** The same engine; each call is counted under the method's name. */
export function countedEngine(engine: TransformEngine, tally: Tally): TransformEngine {
  return new Proxy(engine, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function' || READS.has(name)) return member;
      return (...args: unknown[]) => {
        tally.add(String(name));
        return Reflect.apply(member, target, args);
      };
    },
  });
}

/** The same transforms; each hop is counted as the engine's `transform`, which does it on a thread of its own. */
export function countedTransforms(transforms: Transforms, tally: Tally): Transforms {
  return {
    run(job) {
      for (const _hop of job.keys) tally.add('transform');
      return transforms.run(job);
    },
    stop: () => transforms.stop(),
  };
}

const WRITES = new Set<PropertyKey>(['insertInto', 'updateTable', 'deleteFrom', 'replaceInto', 'mergeInto']);

/** The same store; each transaction that wrote and was committed is counted as `durable commit`. */
export function countedDatabase(database: Database, tally: Tally): Database {
  return {
    dialect: database.dialect,
    read: (work) => database.read(work),
    revision: () => database.revision(),
    migrate: () => database.migrate(),
    close: () => database.close(),
    async transaction(work) {
      let wrote = false;
      const result = await database.transaction((tx) => work(watched(tx, () => (wrote = true))));
      if (wrote) tally.add('durable commit');
      return result;
    },
  };
}

/** The same handle, and no other: what is to happen after its commit is known by it. */
function watched(tx: Transaction, onWrite: () => void): Transaction {
  for (const name of WRITES) {
    const write: unknown = Reflect.get(tx, name);
    if (typeof write !== 'function') continue;
    const value = (...args: unknown[]) => {
      onWrite();
      return Reflect.apply(write, tx, args);
    };
    Object.defineProperty(tx, name, { value });
  }
  return tx;
}

/** Counts every Ed25519 operation of this process by WebCrypto from now on. */
export function countEd25519(tally: Tally): void {
  const { subtle } = crypto;
  const { sign, verify, importKey } = subtle;
  const counted =
    <Args extends unknown[], Result>(name: string, call: (...args: Args) => Result) =>
    (...args: Args): Result => {
      if (args.some((arg) => arg === 'Ed25519' || isEd25519(arg))) tally.add(name);
      return Reflect.apply(call, subtle, args);
    };
  Object.defineProperties(subtle, {
    sign: { value: counted('Ed25519 sign', sign) },
    verify: { value: counted('Ed25519 verify', verify) },
    importKey: { value: counted('Ed25519 key check', importKey) },
  });
}

function isEd25519(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'name' in value && value.name === 'Ed25519';
}
