import { encodeBase64url } from '../../protocol/base64url.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { HASH_BYTES } from '../../protocol/tlog/merkle.ts';
import { decodeEntryBundle, TILE_WIDTH } from '../../protocol/tlog/tile.ts';
import { EVENT_TREE_BATCH } from '../lib/limits.ts';
import type { Database, Query } from '../storage/database.ts';
import { type LogHead, type LogName, moveHead, readHead, takeHead } from '../tlog/log-heads.ts';
import { appendEntries, EMPTY_LOG, readEntryBundle } from '../tlog/log-tree.ts';
import { type EventLink, eventLinks } from './event-store.ts';

/** The tree over the event log. Its leaf `seq - 1` is the hash of the event `seq`, 32 bytes. */
export const EVENT_TREE: LogName = 'event-tree';

/** Where the tree ends. */
export async function eventTreeHead(query: Query): Promise<LogHead> {
  return (await readHead(query, EVENT_TREE)) ?? { size: 0, hash: EMPTY_LOG };
}

/**
 * Takes the events up to this `seq` into the tree. It follows behind the sequencer, which does not wait for it; an
 * event log without a tree is taken up the same way. Some events a transaction, so that others can write in between.
 *
 * Answers whether it is there: false where another replica takes them in at the same time. Throws `state_refused`,
 * naming the first `seq` that does not fit, where one is missing, they do not follow one another and what the tree has,
 * or they end in another hash than the head's: none of those it read with that one is taken in.
 */
export async function growEventTree(database: Database, seq: number): Promise<boolean> {
  for (;;) {
    const { size } = await database.read(eventTreeHead);
    if (size >= seq) return true;
    const hashes = await database.read((query) =>
      followingHashes(query, size, Math.min(seq, size + EVENT_TREE_BATCH)),
    );
    if (!(await append(database, size, hashes))) return false;
  }
}

/**
 * The hashes of the events `from` to `to`, 32 bytes each, whether their content is kept or not. Throws `log_proof`
 * where the tree does not reach so far.
 */
export async function eventTreeEntries(query: Query, from: number, to: number): Promise<Uint8Array[]> {
  const entries: Uint8Array[] = [];
  for (let index = Math.floor((from - 1) / TILE_WIDTH); index * TILE_WIDTH < to; index++) {
    const start = index * TILE_WIDTH;
    const width = Math.min(TILE_WIDTH, to - start);
    const bundle = await readEntryBundle(query, EVENT_TREE, index, width);
    if (bundle === undefined) throw new CountersignError('log_proof', 'the tree does not reach so far');
    entries.push(...decodeEntryBundle(bundle).slice(Math.max(0, from - 1 - start)));
  }
  return entries;
}

/** The hashes of all events behind `size` up to `to`, each of which follows the one before it. */
async function followingHashes(query: Query, size: number, to: number): Promise<string[]> {
  const links = await eventLinks(query, size, to - size);
  let end = await lastEntry(query, size);
  for (const link of links) end = follow(end, link);
  if (end.size !== to) throw damaged(end.size + 1, 'is missing');
  const head = await readHead(query, 'events');
  if (head?.size === to && head.hash !== end.hash) throw damaged(to, 'is not the one that the log ends with');
  return links.map(({ hash }) => hash);
}

/** What the first event behind the tree follows; no hash before the first of all. */
async function lastEntry(query: Query, size: number): Promise<TreeEnd> {
  if (size === 0) return { size };
  const [entry] = await eventTreeEntries(query, size, size);
  return { size, hash: entry === undefined ? '' : encodeBase64url(entry) };
}

type TreeEnd = Pick<LogHead, 'size'> & Partial<LogHead>;

function follow(end: TreeEnd, { seq, prev, hash }: EventLink): LogHead {
  if (seq !== end.size + 1) throw damaged(end.size + 1, 'is missing');
  if (end.hash !== undefined && prev !== end.hash) throw damaged(seq, 'does not follow the one before it');
  return { size: seq, hash };
}

function damaged(seq: number, what: string): CountersignError {
  return new CountersignError(
    'state_refused',
    `The event log was tampered with or is damaged: event ${seq} ${what}.`,
  );
}

async function append(database: Database, size: number, hashes: readonly string[]): Promise<boolean> {
  const entries = hashes.map(entryOf);
  return database.transaction(async (tx) => {
    const head = await takeHead(tx, EVENT_TREE, EMPTY_LOG);
    if (head.size !== size) return false;
    await moveHead(tx, EVENT_TREE, head, await appendEntries(tx, EVENT_TREE, head, entries));
    return true;
  });
}

/** By Node's own decoder: of thousands at a time this is what costs. */
function entryOf(hash: string): Uint8Array {
  const entry = Buffer.from(hash, 'base64url');
  if (entry.length !== HASH_BYTES) throw new CountersignError('state_refused', 'The event log is damaged.');
  return new Uint8Array(entry);
}
