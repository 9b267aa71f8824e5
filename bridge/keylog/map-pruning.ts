import { type Loop, startLoop } from '../lib/background.ts';
import { MAP_EPOCHS_KEPT, MAP_PRUNED_PAGES, MAP_PRUNING_INTERVAL_MS } from '../lib/limits.ts';
import type { Logger } from '../lib/logger.ts';
import type { Database, Query, Transaction } from '../storage/database.ts';
import type { QuorateSizes } from './anchors.ts';
import { epochOfSize, newestEpoch } from './epoch-store.ts';

export interface MapPruningDeps {
  readonly database: Database;
  readonly logger: Logger;
  readonly quorum?: QuorateSizes | undefined;
  /** Epochs back from the newest that stay. Default: MAP_EPOCHS_KEPT. */
  readonly epochsKept?: number;
}

/**
 * Deletes the pages of the map that no epoch needs any more. Needed are the newest epochs, since any of them may meet
 * the quorum in a moment, and those that meet it now, however old they are.
 */
export class MapPruning {
  readonly #deps: MapPruningDeps;
  #loop: Loop | undefined;

  constructor(deps: MapPruningDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#loop ??= startLoop(
      'prune-key-map',
      MAP_PRUNING_INTERVAL_MS,
      async (signal) => {
        await pruneMap(this.#deps, signal);
      },
      this.#deps,
    );
  }

  async stop(): Promise<void> {
    await this.#loop?.stop();
    this.#loop = undefined;
  }
}

/** Deletes until nothing is left to delete. */
export async function pruneMap(
  { database, quorum, epochsKept = MAP_EPOCHS_KEPT }: Omit<MapPruningDeps, 'logger'>,
  signal: AbortSignal,
): Promise<void> {
  const needed = await database.read(async (query) => ({
    newest: (await newestEpoch(query))?.epoch ?? 0,
    stapled: await stapledEpochs(query, quorum),
  }));
  const oldest = needed.newest - epochsKept;
  if (oldest <= 0) return;
  const stapled = needed.stapled.filter((epoch) => epoch < oldest);
  await database.transaction((tx) => giveUpEpochs(tx, oldest, stapled));
  while (!signal.aborted && (await database.transaction((tx) => deletePages(tx, oldest, stapled)))) {
    // a part at a time: others write meanwhile
  }
}

/** The epochs of the checkpoints that meet the quorum. */
async function stapledEpochs(query: Query, quorum: MapPruningDeps['quorum']): Promise<number[]> {
  const epochs: number[] = [];
  for (const size of [await quorum?.newestQuorate(query), await quorum?.newestAudited(query)]) {
    const epoch = size === undefined ? undefined : await epochOfSize(query, size);
    if (epoch !== undefined) epochs.push(epoch.epoch);
  }
  return epochs;
}

/** Says first of which epochs the map will not be whole: no proof is begun in one of them. */
async function giveUpEpochs(tx: Transaction, oldest: number, stapled: readonly number[]): Promise<void> {
  await tx
    .updateTable('log_epochs')
    .set({ pages_kept: 0 })
    .where('pages_kept', '=', 1)
    .where('epoch', '<', oldest)
    .where(({ and, eb }) => and(stapled.map((epoch) => eb('epoch', '!=', epoch))))
    .execute();
}

/** Deletes some pages that were replaced before `oldest`, but for those of a stapled epoch. Whether there may be more. */
async function deletePages(tx: Transaction, oldest: number, stapled: readonly number[]): Promise<boolean> {
  const last = await tx
    .selectFrom('map_pages')
    .select('until')
    .where('until', '<=', oldest)
    .where(({ and, or, eb }) =>
      and(stapled.map((epoch) => or([eb('epoch', '>', epoch), eb('until', '<=', epoch)]))),
    )
    .orderBy('until')
    .offset(MAP_PRUNED_PAGES)
    .limit(1)
    .executeTakeFirst();
  await tx
    .deleteFrom('map_pages')
    .where('until', '<=', last?.until ?? oldest)
    .where(({ and, or, eb }) =>
      and(stapled.map((epoch) => or([eb('epoch', '>', epoch), eb('until', '<=', epoch)]))),
    )
    .execute();
  return last !== undefined;
}
