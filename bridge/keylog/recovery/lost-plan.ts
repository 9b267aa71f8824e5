import { equalBytes } from '../../../protocol/bytes.ts';
import { CountersignError } from '../../../protocol/errors.ts';
import type { Signer } from '../../signer/signer.ts';
import type { Database } from '../../storage/database.ts';
import type { VrfProofsTable } from '../../storage/tables/keylog.ts';
import { findLostRun, type LostRun } from '../lost-versions.ts';
import { outputOf, Rungs, type VersionName } from '../rungs.ts';
import { allStagedVersions, type PlacedName, placedNames, type StagedVersion } from '../version-store.ts';
import { hasVrfKey, openVrfKey } from '../vrf-key.ts';
import { createVrfPool, type VrfProver } from '../vrf-pool.ts';
import type { TailVersion, VerifiedCopy } from './verified-copy.ts';

/** A version that was staged when the backup was made, and has its entry in the copy. */
export interface FoundVersion extends StagedVersion {
  readonly place: TailVersion;
  /** Proofs of its ladder that the store does not have. */
  readonly rungs: readonly VrfProofsTable[];
}

/** Which of the versions in the copy are whose, as far as the store knows names. */
export interface LostPlan {
  readonly found: readonly FoundVersion[];
  /** At most one for each name. */
  readonly lost: readonly LostRun[];
  /** Versions of names that the store has never heard of. */
  readonly unknown: number;
}

export interface PlanDeps {
  readonly database: Database;
  readonly signer: Signer;
  readonly workers: number;
  /** Names that every bridge has, sooner or later: nobody makes them, so nobody would look for lost versions of them. */
  readonly always: readonly Pick<VersionName, 'kind' | 'name'>[];
}

/**
 * Looks for the next versions of every name that the store knows. Where they stand in the map can be told by the VRF key
 * alone, which every backup has. Throws `state_refused` for a VRF key that is missing, or is not that of the log.
 */
export async function planLost(
  { database, signer, workers, always }: PlanDeps,
  copy: VerifiedCopy,
): Promise<LostPlan> {
  // opening it would make one
  if (!(await database.read(hasVrfKey))) throw beforeTheLog();
  const { seed, publicKey } = await openVrfKey({ database, signer });
  if (!equalBytes(publicKey, copy.vrfPublicKey)) throw beforeTheLog();
  const prover = createVrfPool({ seed, workers });
  seed.fill(0);
  try {
    const known = await database.read(async (query) => ({
      names: await placedNames(query),
      staged: await allStagedVersions(query),
    }));
    const names = withAlways(known.names, always);
    return await new Planning(database, prover, copy).plan({ ...known, names });
  } finally {
    await prover.close();
  }
}

class Planning {
  readonly #database: Database;
  readonly #prover: VrfProver;
  readonly #rungs: Rungs;
  readonly #tail: ReadonlyMap<string, TailVersion>;

  constructor(database: Database, prover: VrfProver, { epochs }: VerifiedCopy) {
    this.#database = database;
    this.#prover = prover;
    this.#rungs = new Rungs(database, prover);
    this.#tail = new Map(
      epochs.flatMap(({ versions }) => versions.map((each) => [keyOf(each.output), each])),
    );
  }

  async plan(known: {
    readonly names: readonly PlacedName[];
    readonly staged: readonly StagedVersion[];
  }): Promise<LostPlan> {
    const stagedOf = new Map<string, StagedVersion[]>();
    for (const row of known.staged) stagedOf.set(nameOf(row), [...(stagedOf.get(nameOf(row)) ?? []), row]);
    const found: FoundVersion[] = [];
    const lost: LostRun[] = [];
    for (const name of known.names) {
      const own = await this.#findStaged(stagedOf.get(nameOf(name)) ?? []);
      found.push(...own);
      const run = await this.#findRun({ ...name, version: name.placed + own.length + 1 });
      if (run !== undefined) lost.push(run);
    }
    const attributed = found.length + lost.reduce((sum, { entries }) => sum + entries.length, 0);
    return { found, lost, unknown: this.#tail.size - attributed };
  }

  /** Those of a name, in their order, that came into the log as they were staged. */
  async #findStaged(staged: readonly StagedVersion[]): Promise<FoundVersion[]> {
    const found: FoundVersion[] = [];
    for (const row of staged) {
      const place = await this.#entryAt(await this.#outputOf(row));
      const isSame =
        place !== undefined && row.commitment !== null && keyOf(place.commitment) === keyOf(row.commitment);
      if (!isSame) break;
      const { fresh } = await this.#rungs.prepare(row);
      found.push({ ...row, place, rungs: fresh });
    }
    return found;
  }

  #findRun(next: VersionName): Promise<LostRun | undefined> {
    return findLostRun(
      next,
      (version) => this.#outputOf(version),
      (output) => this.#entryAt(output),
    );
  }

  #outputOf(version: VersionName): Promise<Uint8Array> {
    return outputOf(this.#database, this.#prover, version);
  }

  async #entryAt(output: Uint8Array): Promise<TailVersion | undefined> {
    return this.#tail.get(keyOf(output));
  }
}

/** What it lacks is in no copy: without it no version of the log can be proven, nor its next one be made. */
function beforeTheLog(): CountersignError {
  return new CountersignError(
    'state_refused',
    'The store does not have the VRF key that this log began with: it was backed up before the log’s first epoch. Restore a later backup.',
  );
}

function withAlways(names: readonly PlacedName[], always: PlanDeps['always']): readonly PlacedName[] {
  const known = new Set(names.map(nameOf));
  return [
    ...names,
    ...always.filter((each) => !known.has(nameOf(each))).map((each) => ({ ...each, placed: -1 })),
  ];
}

function keyOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}

function nameOf({ kind, name }: Pick<VersionName, 'kind' | 'name'>): string {
  return `${kind} ${name}`;
}
