import type { Transaction } from '../../storage/database.ts';
import { insertRungs } from '../epoch-store.ts';
import { deleteLostEntry } from '../lost-entry-store.ts';
import { type LostMarker, type LostRun, recordLostRun } from '../lost-versions.ts';
import { storePlaces } from '../version-store.ts';
import type { LostPlan } from './lost-plan.ts';

/** A name whose newest versions are lost, with what was put behind them. */
export interface LostName {
  readonly run: LostRun;
  readonly marker: LostMarker;
}

/**
 * Gives what is known of the versions that came with a copy its place, in the transaction that extends the log. Counters go
 * on behind lost versions; nothing of them is current. `now` in seconds. Throws `conflict` where the store has changed since
 * it was planned.
 */
export async function recoverVersions(
  tx: Transaction,
  { found, lost }: LostPlan,
  stated: { readonly issuer: string; readonly now: number },
): Promise<LostName[]> {
  await storePlaces(
    tx,
    found.map(({ staged_id, kind, name, version, place }) => ({
      ...{ staged_id, kind, name, version, position: place.position, epoch: place.epoch },
    })),
  );
  await insertRungs(
    tx,
    found.flatMap(({ rungs }) => rungs),
  );
  for (const { place } of found) await deleteLostEntry(tx, place.output);
  const names: LostName[] = [];
  for (const run of lost) names.push({ run, marker: await recordLostRun(tx, run, stated) });
  return names;
}
