import { decodeBase64url } from '../../../protocol/base64url.ts';
import type { MemberPath } from '../../../protocol/meetings/member-path.ts';
import type { Rekey } from '../../../protocol/meetings/rekey-message.ts';
import { deriveKey, unwrapKey } from '../../../protocol/meetings/tree-keys.ts';
import { ancestorOf, parentOf, rootOf, type TreeNode } from '../../../protocol/meetings/tree-shape.ts';
import { decodeWraps } from '../../../protocol/meetings/wrap-list.ts';

interface NodeKey {
  readonly node: TreeNode;
  readonly key: Uint8Array;
}

const nameOf = (key: Uint8Array) => String(key);

/**
 * Which key of a meeting gives which, for somebody who has recorded every message and tries every key with every one of
 * them, earlier ones too, whatever the rules say about when a key counts. What comes out counts where it is a key that
 * a node ever had: every other result is as good as random.
 */
export class KeyGraph {
  readonly #keys: ReadonlyMap<string, NodeKey>;
  readonly #gives = new Map<string, Set<string>>();
  readonly #openers = new Map<Rekey, Set<string>>();

  private constructor(keys: ReadonlyMap<string, NodeKey>) {
    this.#keys = keys;
  }

  /** `held`: every path that anybody ever had. */
  static async of(held: readonly MemberPath[], messages: readonly Rekey[]): Promise<KeyGraph> {
    const keys = new Map<string, NodeKey>();
    for (const { leaf, keys: path } of held) {
      for (const [level, key] of path.entries())
        keys.set(nameOf(key), { node: ancestorOf(leaf, level), key });
    }
    const graph = new KeyGraph(keys);
    for (const message of messages) {
      const wraps = decodeWraps(message.wraps === null ? new Uint8Array() : decodeBase64url(message.wraps));
      for (const key of keys.values()) await graph.#tryOut(key, message, wraps);
    }
    return graph;
  }

  /** Everything that follows from these keys. */
  reach(held: readonly MemberPath[]): ReadonlySet<string> {
    const reached = new Set(held.flatMap(({ keys }) => keys.map(nameOf)));
    for (const name of reached) for (const given of this.#gives.get(name) ?? []) reached.add(given);
    return reached;
  }

  /** Whether one of these is a key under which the message carries the epoch's key. */
  opens(reached: ReadonlySet<string>, message: Rekey): boolean {
    return [...(this.#openers.get(message) ?? [])].some((name) => reached.has(name));
  }

  async #tryOut(
    { node, key }: NodeKey,
    message: Rekey,
    wraps: ReadonlyMap<TreeNode, Uint8Array>,
  ): Promise<void> {
    const name = nameOf(key);
    this.#note(name, deriveKey(key, 'advance', node, message));
    this.#note(name, deriveKey(key, 'parent', parentOf(node), message));
    const wrapped = wraps.get(node);
    if (wrapped !== undefined) {
      const parent = await opened(deriveKey(key, 'wrap', node, message), wrapped);
      if (parent !== undefined) this.#note(name, parent);
    }
    if (node === rootOf(message.levels) && message.epoch_key !== null) {
      const wrapping = deriveKey(key, 'epoch', node, message);
      const epochKey = await opened(wrapping, decodeBase64url(message.epoch_key));
      if (epochKey !== undefined) this.#add(this.#openers, message, name);
    }
  }

  #note(from: string, to: Uint8Array): void {
    if (this.#keys.has(nameOf(to))) this.#add(this.#gives, from, nameOf(to));
  }

  #add<Key>(sets: Map<Key, Set<string>>, key: Key, value: string): void {
    sets.set(key, (sets.get(key) ?? new Set()).add(value));
  }
}

async function opened(wrapping: Uint8Array, wrapped: Uint8Array): Promise<Uint8Array | undefined> {
  return unwrapKey(wrapping, wrapped).catch(() => undefined);
}
