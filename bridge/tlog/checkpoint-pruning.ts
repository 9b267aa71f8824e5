import { type Loop, startLoop } from '../lib/background.ts';
import { CHECKPOINTS_KEPT_MS, CHECKPOINTS_PRUNED, CHECKPOINTS_PRUNING_INTERVAL_MS } from '../lib/limits.ts';
import type { Logger } from '../lib/logger.ts';
import type { Database, Query, Transaction } from '../storage/database.ts';
import { firstCheckpointAfter, newestCheckpoint, newestSigned, publishedSize } from './checkpoint-store.ts';
import { lastCosigned } from './cosigned-times.ts';
import type { LogName } from './log-heads.ts';
import type { Quorum } from './quorum.ts';

export interface CheckpointPruningDeps {
  readonly log: LogName;
  readonly database: Database;
  readonly quorum: Pick<Quorum, 'cosigners' | 'newestQuorate' | 'newestAudited'>;
}

/** Deletes old checkpoints with their cosignatures, now and then. */
export class CheckpointPruning {
  readonly #deps: CheckpointPruningDeps & { readonly logger: Logger };
  #loop: Loop | undefined;

  constructor(deps: CheckpointPruningDeps & { readonly logger: Logger }) {
    this.#deps = deps;
  }

  start(): void {
    this.#loop ??= startLoop(
      'prune-checkpoints',
      CHECKPOINTS_PRUNING_INTERVAL_MS,
      (signal) => pruneCheckpoints(this.#deps, signal),
      this.#deps,
    );
  }

  async stop(): Promise<void> {
    await this.#loop?.stop();
    this.#loop = undefined;
  }
}

/**
 * Deletes what no proof, no witness and no auditor can need: checkpoints a week older than the newest, by their own times,
 * with who cosigned them. The entries and tiles stay, and so do the epochs: that a head is of this log is shown by the tree.
 */
export async function pruneCheckpoints(deps: CheckpointPruningDeps, signal: AbortSignal): Promise<void> {
  const { database } = deps;
  const needed = await database.read((query) => neededSizes(query, deps));
  while (!signal.aborted && (await database.transaction((tx) => pruneSome(tx, deps.log, needed)))) {
    // a part at a time: others write meanwhile
  }
}

interface Needed {
  readonly sizes: ReadonlySet<number>;
  /** Of what is older than this, ms; nothing where there is no checkpoint. */
  readonly before: number;
}

/** What is handed out or shown now, what says since when something is missing, and where the log began. */
async function neededSizes(query: Query, { log, quorum }: CheckpointPruningDeps): Promise<Needed> {
  const newest = await newestCheckpoint(query, log);
  const quorate = await quorum.newestQuorate(query);
  const audited = await quorum.newestAudited(query);
  const sizes = [
    (await newestSigned(query, log))?.size,
    await publishedSize(query, log),
    ...[quorate, audited],
    ...(await nextSizes(query, log, [0, quorate ?? 0, audited ?? 0])),
  ];
  for (const { key } of quorum.cosigners) sizes.push((await lastCosigned(query, log, key))?.size);
  return {
    sizes: new Set(sizes.filter((size) => size !== undefined)),
    before: (newest?.time_ms ?? 0) - CHECKPOINTS_KEPT_MS,
  };
}

async function nextSizes(query: Query, log: LogName, sizes: readonly number[]): Promise<number[]> {
  const next: number[] = [];
  for (const size of sizes) {
    const found = await firstCheckpointAfter(query, log, size);
    if (found !== undefined) next.push(found.size);
  }
  return next;
}

/** Times rise with sizes, so the oldest rows say whether there is anything to do. Whether there may be more. */
async function pruneSome(tx: Transaction, log: LogName, { sizes, before }: Needed): Promise<boolean> {
  const oldest = await tx
    .selectFrom('log_checkpoints')
    .select(['size', 'time_ms'])
    .where('log', '=', log)
    .orderBy('size')
    .limit(CHECKPOINTS_PRUNED)
    .execute();
  const pruned = oldest
    .filter(({ size, time_ms }) => time_ms < before && !sizes.has(size))
    .map(({ size }) => size);
  if (pruned.length === 0) return false;
  await tx.deleteFrom('log_cosignatures').where('log', '=', log).where('size', 'in', pruned).execute();
  await tx.deleteFrom('log_checkpoints').where('log', '=', log).where('size', 'in', pruned).execute();
  return true;
}
