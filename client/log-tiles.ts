import { CountersignError } from '../protocol/errors.ts';
import {
  buildProof,
  consistencyNodes,
  type NodeId,
  rootNodes,
  rootOf,
} from '../protocol/tlog/merkle-proof.ts';
import type { TreeBeginning } from '../protocol/tlog/split-view.ts';
import { hashInTile, placeOf, tilePath, tileWidth } from '../protocol/tlog/tile.ts';

/** The bytes under a path of a log (C2SP tlog-tiles: `tile/0/000`); null where the log has nothing there. */
export type ReadLogFile = (path: string) => Promise<Uint8Array | null>;

/**
 * How the tree of `newSize` leaves begins at `oldSize`, out of the log's tiles: its root there, and the proof of
 * consistency. Some few tiles are read. Nothing of it is verified: who holds the newer tree's signed root can do that.
 * Throws `log_proof` for tiles that are missing or too short, and what `read` throws.
 */
export async function readBeginning(
  read: ReadLogFile,
  oldSize: number,
  newSize: number,
): Promise<TreeBeginning> {
  const plan = consistencyNodes(oldSize, newSize);
  const edge = rootNodes(oldSize);
  const hashOf = await readNodes(read, newSize, [...edge, ...plan.flat()]);
  return { root: rootOf(edge.map(hashOf)), proof: buildProof(plan, hashOf) };
}

async function readNodes(
  read: ReadLogFile,
  size: number,
  nodes: readonly NodeId[],
): Promise<(node: NodeId) => Uint8Array> {
  const tiles = new Map<string, Promise<Uint8Array>>();
  for (const node of nodes) {
    const name = tileOf(node, size);
    if (!tiles.has(name)) tiles.set(name, readTile(read, name));
  }
  const found = new Map<string, Uint8Array>();
  await Promise.all([...tiles].map(async ([name, bytes]) => found.set(name, await bytes)));
  return (node) => hashInTile(found.get(tileOf(node, size)) ?? new Uint8Array(), node);
}

function tileOf(node: NodeId, size: number): string {
  const { level, index } = placeOf(node);
  return tilePath({ level, index, width: tileWidth(level, index, size) });
}

/** A log may drop a partial tile once there is the full one, which begins with it. */
async function readTile(read: ReadLogFile, path: string): Promise<Uint8Array> {
  const full = path.replace(/\.p\/\d+$/, '');
  const bytes = (await read(path)) ?? (full === path ? null : await read(full));
  if (bytes === null) throw new CountersignError('log_proof', `the log has no ${path}`);
  return bytes;
}
