import { CountersignError, isCountersignError } from '../../protocol/errors.ts';
import type { Clock } from '../lib/clock.ts';
import { SHARED_HOP_LIFE_MS, SHARED_HOPS } from '../lib/limits.ts';
import type { Signer } from '../signer/signer.ts';
import type { TransformJob, Transforms } from '../transforms/transforms.ts';
import { type OpeningPath, openHops } from './opening-path.ts';
import type { StoredSealedKey } from './sealed-key-store.ts';

/** A sealed key on its way, as the records that were just read say it. */
export interface Way {
  readonly sealed: StoredSealedKey;
  readonly path: OpeningPath | null;
  /** Encoded transform keys behind those of the path. They are given up. */
  readonly beyond: readonly Uint8Array[];
  readonly turn: TransformJob['turn'];
  readonly signal: AbortSignal | undefined;
}

/**
 * Transforms a sealed key along its way. The hop to a durable group is the same for everybody who comes by that group, and
 * a meeting of thousands begins with it: it is made once for those who join in the same minute. What is kept is a ciphertext
 * to that group, which none of them can use without a hop of their own. It counts for exactly this key, this group and this
 * membership: a group that was removed and added again has another generation. Whether anybody may have
 * what comes out is for the records, before and after. Throws what `Transforms.run` throws.
 */
export type TransformAlong = (way: Way) => Promise<Uint8Array>;

type PathWay = Way & { readonly path: OpeningPath };

interface Made {
  readonly encrypted: Promise<Uint8Array>;
  /** ms. */
  readonly at: number;
}

export function createTransformAlong({
  transforms,
  signer,
  clock,
}: {
  readonly transforms: Transforms;
  readonly signer: Signer;
  readonly clock: Clock;
}): TransformAlong {
  /** The oldest first. */
  const made = new Map<string, Made>();

  function forgetOld(now: number): void {
    for (const [name, { at }] of made) {
      if (made.size <= SHARED_HOPS && now - at < SHARED_HOP_LIFE_MS) return;
      made.delete(name);
    }
  }

  async function firstHop({ sealed, path }: PathWay, turn: TransformJob['turn']): Promise<Uint8Array> {
    const keys = await openHops(signer, path.hops.slice(0, 1));
    return transforms.run({
      ...{ encrypted: sealed.encrypted, keys, turn },
      ...{ maxBlocks: 0, exactBlocks: 0, priority: priorityOf(path) },
    });
  }

  /** Nobody’s signal ends it: others wait for it. */
  function shared(name: string, make: () => Promise<Uint8Array>): Promise<Uint8Array> {
    const known = made.get(name);
    if (known !== undefined) return known.encrypted;
    const encrypted = make();
    made.set(name, { encrypted, at: clock.now() });
    encrypted.catch(() => made.delete(name));
    return encrypted;
  }

  /** In a turn of our own: whoever asks first may have a full line, and others wait for the same. */
  async function sharedHop(way: PathWay): Promise<Uint8Array> {
    const { sealed, path, turn, signal } = way;
    forgetOld(clock.now());
    const name = nameOf(sealed, path);
    const isMaker = !made.has(name);
    try {
      return await shared(name, () => firstHop(way, [signer.iss, path.group.group_id, '']));
    } catch (error) {
      const isOverloaded = isCountersignError(error) && error.code === 'overloaded';
      if (isMaker || !isOverloaded || signal?.aborted === true) throw error;
      // Our own line may be full where theirs is not: once more, for all of their company who waited.
      const [company, of] = turn;
      return shared(JSON.stringify([name, company]), () => firstHop(way, [company, of, '']));
    }
  }

  return async (way) => {
    const { sealed, path, beyond, turn, signal } = way;
    const isShared = path !== null && path.hops[0]?.kind === 'group';
    const encrypted = isShared ? await sharedHop({ ...way, path }) : sealed.encrypted;
    const blocks = isShared ? 1 : 0;
    const keys = [...(await openHops(signer, path?.hops.slice(blocks) ?? [])), ...beyond];
    if (signal?.aborted === true) throw new CountersignError('aborted');
    if (keys.length === 0) return encrypted;
    return transforms.run({
      ...{ encrypted, keys, turn, signal },
      ...{ maxBlocks: blocks, exactBlocks: blocks, priority: priorityOf(path) },
    });
  };
}

function priorityOf(path: OpeningPath | null): TransformJob['priority'] {
  return path?.group.kind === 'meeting' ? 'join' : 'asset';
}

function nameOf({ hash }: StoredSealedKey, { group, hops: [hop] }: OpeningPath): string {
  return JSON.stringify([hash, group.group_id, group.generation, hop?.iss, hop?.member_id, hop?.generation]);
}
