import { label, vrfInput } from '../../protocol/keytrans/label.ts';
import { ladderVersions, newRungs } from '../../protocol/keytrans/ladder.ts';
import { VRF_PROOFS_AHEAD } from '../lib/limits.ts';
import type { Database, Query } from '../storage/database.ts';
import type { VrfProofsTable } from '../storage/tables/keylog.ts';
import type { LoggedVersion } from './key-log.ts';
import type { VrfProof, VrfProver } from './vrf-pool.ts';

export type VersionName = Pick<LoggedVersion, 'kind' | 'name' | 'version'>;

/** What a version needs before its epoch: its place in the map, and the proofs of its ladder that are not stored. */
export interface PreparedRungs {
  /** 32 bytes. */
  readonly output: Uint8Array;
  readonly fresh: readonly VrfProofsTable[];
}

/**
 * The rungs of ladders: proved once, when the first version that needs them is on its way into the log, and stored
 * with its epoch.
 */
export class Rungs {
  readonly #database: Database;
  readonly #prover: VrfProver;
  /** Proofs under way, or ready and not stored yet; the oldest first. */
  readonly #ahead = new Map<string, Ahead>();

  constructor(database: Database, prover: VrfProver) {
    this.#database = database;
    this.#prover = prover;
  }

  /** Begins what the version will probably need; a failure shows when it is prepared. Returns at once. */
  begin({ kind, name, version }: VersionName): void {
    if (!this.#hasRoom()) return;
    for (const rung of newRungs(version)) this.#prove({ kind, name, version: rung }).catch(() => {});
  }

  /** Rejects with `unavailable` when a proof was not finished; it is begun anew with the next call. */
  async prepare(row: VersionName): Promise<PreparedRungs> {
    const { kind, name } = row;
    const needed = ladderVersions(row.version);
    // the first version of a name finds nothing stored
    const stored =
      row.version === 0
        ? new Map<number, VrfProof>()
        : await this.#database.read((query) => readRungs(query, row, needed));
    const fresh = await Promise.all(
      needed
        .filter((version) => !stored.has(version))
        .map(async (version) => ({ kind, name, version, ...(await this.#prove({ kind, name, version })) })),
    );
    const own = stored.get(row.version) ?? fresh.find(({ version }) => version === row.version);
    if (own === undefined) throw new RangeError('a ladder without its version');
    return { output: own.output, fresh };
  }

  /** To be called once the proofs are stored, or will never be. */
  drop(proofs: readonly VersionName[]): void {
    for (const proof of proofs) this.#ahead.delete(keyOf(proof));
  }

  #prove(rung: VersionName): Promise<VrfProof> {
    const key = keyOf(rung);
    const begun = this.#ahead.get(key);
    if (begun !== undefined) return begun.proof;
    const proof = this.#prover.prove(vrfInput(label(rung.kind, rung.name), rung.version));
    const ahead = { proof, since: performance.now() };
    this.#ahead.set(key, ahead);
    proof.catch(() => {
      if (this.#ahead.get(key) === ahead) this.#ahead.delete(key);
    });
    return proof;
  }

  /** What is that old belongs to transactions that were rolled back. */
  #hasRoom(): boolean {
    for (const [oldest, { since }] of this.#ahead) {
      if (performance.now() - since < LONGEST_AHEAD_MS) break;
      this.#ahead.delete(oldest);
    }
    return this.#ahead.size < VRF_PROOFS_AHEAD;
  }
}

interface Ahead {
  readonly proof: Promise<VrfProof>;
  readonly since: number;
}

/** Longer than any transaction and its epoch take. */
const LONGEST_AHEAD_MS = 60_000;

/** Those of the rungs that are stored. */
export async function readRungs(
  query: Query,
  { kind, name }: Pick<VersionName, 'kind' | 'name'>,
  versions: readonly number[],
): Promise<Map<number, VrfProof>> {
  const rows = await query
    .selectFrom('vrf_proofs')
    .select(['version', 'output', 'proof'])
    .where('kind', '=', kind)
    .where('name', '=', name)
    .where('version', 'in', versions)
    .execute();
  return new Map(rows.map(({ version, output, proof }) => [version, { output, proof }]));
}

/** Where in the map a version stands, or would: stored, or proved now. */
export async function outputOf(
  database: Database,
  prover: VrfProver,
  { kind, name, version }: VersionName,
): Promise<Uint8Array> {
  const stored = await database.read((query) => readRungs(query, { kind, name }, [version]));
  const proof = stored.get(version) ?? (await prover.prove(vrfInput(label(kind, name), version)));
  return proof.output;
}

function keyOf({ kind, name, version }: VersionName): string {
  return `${kind} ${version} ${name}`;
}
