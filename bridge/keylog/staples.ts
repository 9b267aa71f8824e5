import { CountersignError, isCountersignError } from '../../protocol/errors.ts';
import { ladderVersions } from '../../protocol/keytrans/ladder.ts';
import { encodeLogStaple, type LogRung } from '../../protocol/keytrans/log-staple.ts';
import { proveFromTree } from '../../protocol/keytrans/prefix-tree.ts';
import { STAPLE_AGE_MS, STAPLES_CACHED } from '../lib/limits.ts';
import type { Query } from '../storage/database.ts';
import { type Anchor, type AnchorDeps, Anchors } from './anchors.ts';
import type { LoggedKind, StapleAnchor } from './key-log.ts';
import { findLeaf, readerOf } from './map-reader.ts';
import type { MapStore } from './map-store.ts';
import { readRungs, type VersionName } from './rungs.ts';
import { findEntry, proveEntry } from './version-entries.ts';
import { findVersion } from './version-store.ts';
import type { VrfProof } from './vrf-pool.ts';

export interface StaplesDeps extends AnchorDeps {
  readonly map: MapStore;
  /** Of entry 0. */
  readonly vrfPublicKey: () => Promise<Uint8Array>;
}

/** What log proofs are made of: everything was computed before, so that a look-up proves nothing. */
export interface Staples {
  /**
   * The log proof (protocol/keytrans/log-staple.ts) that a version is the newest of its name, in the newest checkpoint
   * that meets the bridge's quorum, else in the newest of all. Null: it is not in the log yet, or no more the newest,
   * or forgotten. `newest`: in the newest of all, whoever has cosigned it.
   */
  of(query: Query, version: VersionName, anchor?: StapleAnchor): Promise<string | null>;
  /**
   * The proof (protocol/keytrans/version-proof-format.ts) that a version has its entry, newest or not, in the best checkpoint
   * that has it. Null: it has none yet, or is forgotten.
   */
  entryOf(query: Query, version: VersionName): Promise<string | null>;
  /** There is a new checkpoint, or a new cosignature of one. */
  changed(): void;
  /** Keeps nothing of a name. */
  forget(kind: LoggedKind, name: string): void;
}

export function createStaples(deps: StaplesDeps): Staples {
  return new CachedStaples(deps);
}

/** What does not change about a version once it is in the log, and the last proof of it. */
interface Known {
  readonly name: VersionName;
  readonly epoch: number;
  readonly opening: Uint8Array;
  /** In the order of the ladder. */
  readonly ladder: readonly (VrfProof & { readonly version: number })[];
  /** By the process's own clock: what another process forgets is not kept longer here. */
  readonly readAt: number;
  proof?: { readonly checkpoint: string; readonly text: string | null };
}

class CachedStaples implements Staples {
  readonly #deps: StaplesDeps;
  readonly #anchors: Anchors;
  readonly #known = new Map<string, Known>();

  constructor(deps: StaplesDeps) {
    this.#deps = deps;
    this.#anchors = new Anchors(deps);
  }

  async of(query: Query, version: VersionName, anchor: StapleAnchor = 'best'): Promise<string | null> {
    const recent = anchor === 'best' ? this.#recent(version) : undefined;
    if (recent !== undefined) return recent;
    const known = await this.#find(query, version);
    if (known === undefined) return null;
    if (anchor === 'newest') {
      const anchors = await this.#anchors.best(query, true);
      const [newest] = anchors.toSorted((left, right) => right.epoch.epoch - left.epoch.epoch);
      if (newest === undefined || newest.epoch.epoch < known.epoch) return null;
      return this.#build(query, known, newest);
    }
    try {
      const text = await this.#prove(query, known, await this.#anchors.best(query, false));
      if (text !== undefined) return text;
    } catch (error) {
      // pages of an anchor that was the best a moment ago may have been pruned
      if (!isCountersignError(error, 'internal')) throw error;
    }
    return (await this.#prove(query, known, await this.#anchors.best(query, true))) ?? null;
  }

  async entryOf(query: Query, version: VersionName): Promise<string | null> {
    const entry = await findEntry(query, version);
    if (entry === undefined) return null;
    for (const afresh of [false, true]) {
      const anchors = await this.#anchors.best(query, afresh);
      const anchor = anchors.find(({ epoch }) => epoch.epoch >= entry.epoch);
      if (anchor !== undefined) return proveEntry(query, entry, anchor, await this.#deps.vrfPublicKey());
    }
    return null;
  }

  changed(): void {
    this.#anchors.changed();
  }

  forget(kind: LoggedKind, name: string): void {
    for (const [key, { name: known }] of this.#known) {
      if (known.kind === kind && known.name === name) this.#known.delete(key);
    }
  }

  /** What proving would answer again, of what is in memory alone: nearly every look-up's. */
  #recent(version: VersionName): string | undefined {
    const known = this.#kept(keyOf(version));
    const anchors = this.#anchors.recent;
    if (known?.proof === undefined || anchors === undefined) return undefined;
    const first = anchors.find(({ epoch }) => epoch.epoch >= known.epoch);
    return first?.checkpoint === known.proof.checkpoint ? (known.proof.text ?? undefined) : undefined;
  }

  /** `undefined`: none of the anchors has the version. Null: each of those that have it has a newer one. */
  async #prove(query: Query, known: Known, anchors: readonly Anchor[]): Promise<string | null | undefined> {
    const having = anchors.filter(({ epoch }) => epoch.epoch >= known.epoch);
    if (having.length === 0) return undefined;
    for (const anchor of having) {
      if (known.proof?.checkpoint !== anchor.checkpoint) {
        known.proof = { checkpoint: anchor.checkpoint, text: await this.#build(query, known, anchor) };
      }
      if (known.proof.text !== null) return known.proof.text;
    }
    return null;
  }

  /** Null where the epoch has a newer version. */
  async #build(query: Query, known: Known, anchor: Anchor): Promise<string | null> {
    const outputs = known.ladder.map(({ output }) => output);
    const map = { epoch: anchor.epoch.epoch, root: anchor.epoch.prefix_root };
    const pages = await this.#deps.map.load(query, map, outputs);
    const pageAt = (path: string) => pages.get(path);
    const rungs: LogRung[] = [];
    for (const { version, output, proof } of known.ladder) {
      const leaf = findLeaf(pageAt, output);
      if (leaf !== undefined && version > known.name.version) return null;
      rungs.push({ proof, commitment: version < known.name.version ? leaf?.commitment : undefined });
    }
    return encodeLogStaple({
      index: anchor.epoch.size - 1,
      ...anchor,
      vrfPublicKey: await this.#deps.vrfPublicKey(),
      opening: known.opening,
      rungs,
      prefixProof: proveFromTree(readerOf(pageAt), outputs),
    });
  }

  async #find(query: Query, name: VersionName): Promise<Known | undefined> {
    const key = keyOf(name);
    const kept = this.#kept(key);
    if (kept !== undefined) return kept;
    this.#known.delete(key);
    const known = await readKnown(query, name);
    if (known !== undefined) this.#keep(key, known);
    return known;
  }

  #kept(key: string): Known | undefined {
    const known = this.#known.get(key);
    return known !== undefined && performance.now() - known.readAt < STAPLE_AGE_MS ? known : undefined;
  }

  #keep(key: string, known: Known): void {
    this.#known.set(key, known);
    for (const [oldest, { readAt }] of this.#known) {
      const isAged = performance.now() - readAt >= STAPLE_AGE_MS;
      if (!isAged && this.#known.size <= STAPLES_CACHED) return;
      this.#known.delete(oldest);
    }
  }
}

function keyOf({ kind, version, name }: VersionName): string {
  return `${kind} ${version} ${name}`;
}

/** `undefined`: staged, forgotten, or never logged. */
async function readKnown(query: Query, { kind, name, version }: VersionName): Promise<Known | undefined> {
  const readAt = performance.now();
  const found = await findVersion(query, { kind, name, version });
  if (found === undefined || found.epoch === null || found.opening === null) return undefined;
  const versions = ladderVersions(version);
  const stored = await readRungs(query, { kind, name }, versions);
  const ladder = versions.map((rung) => {
    const proof = stored.get(rung);
    if (proof === undefined) {
      throw new CountersignError('internal', undefined, {
        cause: new Error('a rung of a logged version was never proved'),
      });
    }
    return { version: rung, ...proof };
  });
  return { name: { kind, name, version }, epoch: found.epoch, opening: found.opening, ladder, readAt };
}
