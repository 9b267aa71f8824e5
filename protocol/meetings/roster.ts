import { encodeBase64url } from '../base64url.ts';
import { labelled } from '../canonical-json.ts';
import { CountersignError } from '../errors.ts';
import { HASH_BYTES, hashLeaf, hashNode } from '../tlog/merkle.ts';
import type { Member } from './api.ts';
import { childrenOf, levelOf, nodeAt, nodesAbove, rootOf, type TreeNode } from './tree-shape.ts';

/** A device with a place, by its own names. */
export type Device = Omit<Member, 'leaf'>;

/** A change that was computed and may be taken over or dropped. */
export interface RosterDraft {
  /** The Merkle root after it: `members` of a message. */
  readonly root: string;
  /** Who stood in the places that were freed. */
  readonly left: readonly Member[];
  readonly joined: readonly Member[];
  readonly levels: number;
  /** Hashes of nodes that differ; null where nobody is below any more. */
  readonly hashes: ReadonlyMap<TreeNode, Uint8Array | null>;
}

/**
 * Who has which place in the tree, and the Merkle root over it: RFC 6962 hashes over 2^levels leaves, where an empty
 * place is 32 zero bytes. A change costs a hash or two for each level.
 */
export class Roster {
  #levels = 0;
  readonly #members = new Map<number, Member>();
  readonly #leaves = new Map<string, number>();
  /** Of nodes with somebody below. */
  readonly #hashes = new Map<TreeNode, Uint8Array>();

  get levels(): number {
    return this.#levels;
  }

  get size(): number {
    return this.#members.size;
  }

  /** The root, base64url. */
  get root(): string {
    return encodeBase64url(this.#hashes.get(rootOf(this.#levels)) ?? emptyHash(this.#levels));
  }

  /** By leaf. */
  members(): Member[] {
    return [...this.#members.values()].sort((a, b) => a.leaf - b.leaf);
  }

  at(leaf: number): Member | undefined {
    return this.#members.get(leaf);
  }

  leafOf(deviceId: string): number | undefined {
    return this.#leaves.get(deviceId);
  }

  /** Throws `rekey_mismatch` for a place that is empty or taken, or a device that has two. */
  draft(change: { left: readonly number[]; joined: readonly Member[]; levels: number }): RosterDraft {
    const left = change.left.map((leaf) => this.#members.get(leaf));
    if (left.some((member) => member === undefined) || new Set(change.left).size < left.length) {
      throw new CountersignError('rekey_mismatch', 'nobody is at the place that is freed');
    }
    this.#assertFree(new Set(change.left), change.joined, change.levels);
    const hashes = new Map<TreeNode, Uint8Array | null>();
    for (const leaf of change.left) hashes.set(leaf, null);
    for (const member of change.joined) hashes.set(member.leaf, memberHash(member));
    const nodes = nodesAbove([...change.left, ...change.joined.map(({ leaf }) => leaf)], change.levels);
    for (let level = this.#levels + 1; level <= change.levels; level += 1) nodes.add(nodeAt(level, 0));
    for (const node of [...nodes].sort((a, b) => a - b)) hashes.set(node, this.#hashOver(node, hashes));
    const top = rootOf(change.levels);
    return {
      root: encodeBase64url(this.#hashAfter(top, hashes) ?? emptyHash(change.levels)),
      left: left.filter((member) => member !== undefined),
      joined: change.joined,
      levels: change.levels,
      hashes,
    };
  }

  /** Takes over a draft of this very state. */
  apply({ left, joined, levels, hashes }: RosterDraft): void {
    for (const { leaf, device_id } of left) {
      this.#members.delete(leaf);
      this.#leaves.delete(device_id);
    }
    for (const member of joined) {
      this.#members.set(member.leaf, member);
      this.#leaves.set(member.device_id, member.leaf);
    }
    for (const [node, hash] of hashes) {
      if (hash === null) this.#hashes.delete(node);
      else this.#hashes.set(node, hash);
    }
    this.#levels = levels;
  }

  #assertFree(freed: ReadonlySet<number>, joined: readonly Member[], levels: number): void {
    const leaves = new Set<number>();
    const devices = new Set<string>();
    for (const { leaf, device_id } of joined) {
      const before = this.#leaves.get(device_id);
      const isTaken = this.#members.has(leaf) && !freed.has(leaf);
      if (leaf >= 2 ** levels || isTaken || leaves.has(leaf)) {
        throw new CountersignError('rekey_mismatch', 'the place of a newcomer is not free');
      }
      if (devices.has(device_id) || (before !== undefined && !freed.has(before))) {
        throw new CountersignError('rekey_mismatch', 'a device has two places');
      }
      leaves.add(leaf);
      devices.add(device_id);
    }
  }

  #hashAfter(
    node: TreeNode,
    changed: ReadonlyMap<TreeNode, Uint8Array | null>,
  ): Uint8Array | null | undefined {
    const hash = changed.get(node);
    return hash === undefined ? this.#hashes.get(node) : hash;
  }

  #hashOver(node: TreeNode, changed: ReadonlyMap<TreeNode, Uint8Array | null>): Uint8Array | null {
    const [left, right] = childrenOf(node).map((child) => this.#hashAfter(child, changed) ?? null);
    if (!left && !right) return null;
    const empty = emptyHash(levelOf(node) - 1);
    return hashNode(left ?? empty, right ?? empty);
  }
}

/** The roster of a list that somebody else keeps: it counts once its root is the one of a message. Throws `rekey_mismatch`. */
export function rosterOf(members: readonly Member[], levels: number): Roster {
  const roster = new Roster();
  roster.apply(roster.draft({ left: [], joined: members, levels }));
  return roster;
}

function memberHash({ iss, sub, device_id }: Member): Uint8Array {
  return hashLeaf(labelled('meeting-member', { iss, sub, device_id }));
}

const emptyHashes: Uint8Array[] = [new Uint8Array(HASH_BYTES)];

/** The hash of a node of this level below which nobody is. */
function emptyHash(level: number): Uint8Array {
  for (let known = emptyHashes.length; known <= level; known += 1) {
    const below = emptyHashes[known - 1] ?? new Uint8Array(HASH_BYTES);
    emptyHashes.push(hashNode(below, below));
  }
  return emptyHashes[level] ?? new Uint8Array(HASH_BYTES);
}
