import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Database, Query } from './database.ts';

/** Answers what was read of each name that there is something of. */
export type ReadMany<T> = (query: Query, names: readonly string[]) => Promise<ReadonlyMap<string, T>>;

/** Names that one read asks for: SQLite takes 32,766 parameters, and one read must not hold up the others. */
const NAMES_OF_READ = 1_000;

/**
 * Remembers what was read, by name, until the records have another revision: asked again, it answers what reading
 * again would. Everything is compared with the store's revision at each call, so a change that any process committed
 * before the call is seen by it (docs/decisions/0015).
 *
 * Calls of one turn of the event loop that need to read share one read, which begins after the last of them. Absence
 * is not remembered, so nobody can fill the memory by asking for what there is not.
 *
 * @param read - what of it is remembered must depend on committed records alone: not on the clock, not on the tables
 *   that revision.ts leaves out
 */
export function rememberReads<T>(
  ...given: Parameters<typeof remember<T>>
): (names: readonly string[]) => Promise<ReadonlyMap<string, T>> {
  return remember<T>(...given).all;
}

/** The same for whoever asks for one name at a time, and often: without the lists and maps that many names take. */
export function rememberReadsOfOne<T>(
  ...given: Parameters<typeof remember<T>>
): (name: string) => Promise<T | undefined> {
  return remember<T>(...given).one;
}

interface RememberedReads<T> {
  one(name: string): Promise<T | undefined>;
  all(names: readonly string[]): Promise<ReadonlyMap<string, T>>;
}

function remember<T>(
  database: Pick<Database, 'read' | 'revision'>,
  read: ReadMany<T>,
  { room, isSettled = () => true }: MemoryOptions<T>,
): RememberedReads<T> {
  let memory: Memory<T> = { revision: Number.NaN, known: new Map() };

  /** What was remembered under another revision is let go of as a whole; reads under way keep filling that. */
  async function current(): Promise<Memory<T>> {
    const revision = await database.revision();
    if (memory.revision !== revision) memory = { revision, known: new Map() };
    return memory;
  }

  async function readShared(names: ReadonlySet<string>): Promise<ReadonlyMap<string, T>> {
    const found = new Map<string, T>();
    const all = [...names];
    for (let start = 0; start < all.length; start += NAMES_OF_READ) {
      const page = await database.read((query) => read(query, all.slice(start, start + NAMES_OF_READ)));
      for (const [name, value] of page) found.set(name, value);
    }
    return found;
  }

  function join(memory: Memory<T>, names: readonly string[]): Promise<ReadonlyMap<string, T>> {
    memory.next ??= begin(memory);
    for (const name of names) memory.next.names.add(name);
    return memory.next.found;
  }

  function begin(memory: Memory<T>): SharedRead<T> {
    const names = new Set<string>();
    const found = nextTurn().then(async () => {
      delete memory.next;
      const read = await readShared(names);
      if (memory.known.size + read.size > room) memory.known.clear();
      for (const [name, value] of read) {
        if (isSettled(value)) memory.known.set(name, value);
      }
      return read;
    });
    return { names, found };
  }

  async function one(name: string): Promise<T | undefined> {
    const memory = await current();
    return memory.known.get(name) ?? (await join(memory, [name])).get(name);
  }

  async function all(names: readonly string[]): Promise<ReadonlyMap<string, T>> {
    const memory = await current();
    const answers = new Map<string, T>();
    const missing: string[] = [];
    for (const name of names) {
      const value = memory.known.get(name);
      if (value === undefined) missing.push(name);
      else answers.set(name, value);
    }
    if (missing.length === 0) return answers;
    const found = await join(memory, missing);
    for (const name of missing) {
      const value = found.get(name);
      if (value !== undefined) answers.set(name, value);
    }
    return answers;
  }

  return { one, all };
}

/** The same of one thing that is read as a whole. */
export function rememberRead<T>(
  database: Pick<Database, 'read' | 'revision'>,
  read: (query: Query) => Promise<T>,
): () => Promise<T> {
  const readNamed = rememberReadsOfOne(
    database,
    async (query) => new Map([['', { value: await read(query) }]]),
    { room: 1 },
  );
  return async () => {
    const found = await readNamed('');
    if (found === undefined) throw new TypeError('what was read is there');
    return found.value;
  };
}

export interface MemoryOptions<T> {
  /** Names remembered at most; beyond it all are forgotten. */
  readonly room: number;
  /** Whether a value may be remembered: not one that something else than a commit could change. */
  readonly isSettled?: (value: T) => boolean;
}

interface Memory<T> {
  readonly revision: number;
  readonly known: Map<string, T>;
  /** Gathers names until it begins. */
  next?: SharedRead<T>;
}

interface SharedRead<T> {
  readonly names: Set<string>;
  readonly found: Promise<ReadonlyMap<string, T>>;
}
