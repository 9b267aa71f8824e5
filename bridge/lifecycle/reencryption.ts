import { CountersignError } from '../../protocol/errors.ts';
import type { EventLog } from '../events/event-log.ts';
import { REENCRYPTION_BATCH, REENCRYPTION_PASSES } from '../lib/limits.ts';
import { SYSTEM } from '../lib/request-context.ts';
import { type KeyEncryptionKey, sealedUnder } from '../signer/key-encryption-key.ts';
import type { KeyRing } from '../signer/key-ring.ts';
import { replaceSealed, type SealedColumn, type SealedRow, sealedRows } from '../signer/sealed-columns.ts';
import { beginReencryption, finishReencryption } from '../signer/stored-keys.ts';
import type { Database } from '../storage/database.ts';

export interface ReencryptionDeps {
  readonly database: Database;
  readonly events: EventLog;
  /** The new key as the configured one, and the previous one. */
  readonly ring: KeyRing;
  /** Every column that anything is sealed in. */
  readonly columns: readonly SealedColumn[];
  /** Waits until every bridge on this store has learned which key seals from now on. */
  readonly settle: () => Promise<void>;
  /** Told after every batch. */
  readonly onProgress?: (progress: ReencryptionProgress) => void;
}

export interface ReencryptionProgress {
  readonly table: string;
  readonly column: string;
  /** Values of all tables that were sealed anew in this run. */
  readonly values: number;
}

export interface Reencryption {
  /** Ids of the keys. */
  readonly key: string;
  readonly previous: string;
  readonly values: number;
}

/**
 * Seals everything anew that rests under the previous key-encryption key, in batches, while bridges run. First the store
 * says which key seals from now on; what a bridge sealed under the old one before it heard of that is found by a later
 * look. A run that was interrupted is gone on with by the next; one more after the last finds nothing.
 *
 * Throws `config_invalid` without a previous key, `state_refused` where the store is sealed under neither, `seal_broken`
 * for a value that does not open: nothing is finished then.
 */
export async function reencrypt(deps: ReencryptionDeps): Promise<Reencryption> {
  const { database, events, ring } = deps;
  const { configured, previous } = ring;
  if (previous === undefined) {
    throw new CountersignError('config_invalid', 'There is no previous_key_encryption_key to replace.');
  }
  const begun = await database.transaction((tx) => beginReencryption(tx, ring));
  if (begun !== 'finished') await deps.settle();
  const values = await sealAll(deps, previous);
  await database.transaction(async (tx) => {
    if (!(await finishReencryption(tx, ring))) return;
    await events.append(tx, {
      ...{ type: 'keys.reencrypted', actor: SYSTEM.actor, outcome: 'success' },
      data: { key: configured.id, previous: previous.id, values },
    });
  });
  return { key: configured.id, previous: previous.id, values };
}

/** Until a look at everything finds nothing any more. */
async function sealAll(deps: ReencryptionDeps, previous: KeyEncryptionKey): Promise<number> {
  let values = 0;
  for (let pass = 0; pass < REENCRYPTION_PASSES; pass += 1) {
    const before = values;
    for (const column of deps.columns) {
      values = await sealColumn(deps, previous, column, values);
    }
    if (values === before) return values;
  }
  throw new CountersignError(
    'state_refused',
    'Somebody goes on to seal under the previous key-encryption key: is there a bridge with the old configuration?',
  );
}

async function sealColumn(
  { database, ring, onProgress }: ReencryptionDeps,
  previous: KeyEncryptionKey,
  column: SealedColumn,
  before: number,
): Promise<number> {
  let values = before;
  let after: SealedRow | undefined;
  for (;;) {
    const rows = await database.read((query) =>
      sealedRows(query, column, { after, limit: REENCRYPTION_BATCH }),
    );
    const anew = rows.flatMap((row) => sealedAnew(ring, previous, column, row));
    if (anew.length > 0) {
      values += await database.transaction(async (tx) => {
        let replaced = 0;
        for (const { row, sealed } of anew) {
          if (await replaceSealed(tx, column, row, sealed)) replaced += 1;
        }
        return replaced;
      });
      onProgress?.({ table: column.table, column: column.column, values });
    }
    after = rows.at(-1);
    if (rows.length < REENCRYPTION_BATCH) return values;
  }
}

function sealedAnew(
  { configured }: KeyRing,
  previous: KeyEncryptionKey,
  { table, column, context }: SealedColumn,
  row: SealedRow,
): { row: SealedRow; sealed: Uint8Array }[] {
  const value = row[column];
  if (!(value instanceof Uint8Array) || !sealedUnder(value, previous)) return [];
  const sealedIn = context(row);
  try {
    const opened = previous.open(sealedIn, value);
    const sealed = configured.seal(sealedIn, opened);
    opened.fill(0);
    return [{ row, sealed }];
  } catch (cause) {
    throw new CountersignError('seal_broken', `a value of ${table}.${column} does not open`, { cause });
  }
}
