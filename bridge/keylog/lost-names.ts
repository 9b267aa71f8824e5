import { type Clock, seconds } from '../lib/clock.ts';
import type { Signer } from '../signer/signer.ts';
import type { Database, Transaction } from '../storage/database.ts';
import type { LoggedKind } from './key-log.ts';
import { findLostEntry, hasLostEntries } from './lost-entry-store.ts';
import { findLostRun, type LostMarker, recordLostRun } from './lost-versions.ts';
import { outputOf } from './rungs.ts';
import { newestVersion } from './version-store.ts';
import { openVrfKey } from './vrf-key.ts';
import { createVrfPool } from './vrf-pool.ts';

/** Names that a recovered store has never heard of, and of which the log has versions all the same. */
export interface LostNames {
  /**
   * To be asked before the first version of a name is made. Where the log has versions of it, the counter goes on behind
   * them: the marker stands in the log from then on, and `also` does in the same transaction what follows from it. On a
   * store that was not recovered this is one read.
   *
   * Throws `conflict` when somebody else did the same just now.
   */
  settle(
    kind: LoggedKind,
    name: string,
    also?: (tx: Transaction, marker: LostMarker) => Promise<void>,
  ): Promise<LostMarker | undefined>;
}

export interface LostNamesDeps {
  readonly database: Database;
  readonly signer: Signer;
  readonly clock: Clock;
}

export function createLostNames({ database, signer, clock }: LostNamesDeps): LostNames {
  async function findRun(kind: LoggedKind, name: string) {
    const { seed } = await openVrfKey({ database, signer });
    const prover = createVrfPool({ seed, workers: 0 });
    seed.fill(0);
    try {
      return await findLostRun(
        { kind, name, version: 0 },
        (version) => outputOf(database, prover, version),
        (output) => database.read((query) => findLostEntry(query, output)),
      );
    } finally {
      await prover.close();
    }
  }

  return {
    async settle(kind, name, also) {
      const isNew = await database.read(
        async (query) =>
          (await hasLostEntries(query)) && (await newestVersion(query, kind, name)) === undefined,
      );
      if (!isNew) return undefined;
      const run = await findRun(kind, name);
      if (run === undefined) return undefined;
      return database.transaction(async (tx) => {
        const marker = await recordLostRun(tx, run, { issuer: signer.iss, now: seconds(clock) });
        await also?.(tx, marker);
        return marker;
      });
    },
  };
}
