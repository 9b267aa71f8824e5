import type { VerifierKey } from '../../protocol/tlog/verifier-key.ts';
import { KEY_LOG_COSIGNERS } from '../lib/limits.ts';
import type { Query, Transaction } from '../storage/database.ts';
import type { LogCosignaturesTable } from '../storage/tables/tlog.ts';
import type { LogName } from './log-heads.ts';

export type CosignerKind = LogCosignaturesTable['kind'];

/** A cosignature that was verified. */
export interface Cosignature {
  readonly key: Pick<VerifierKey, 'name' | 'keyId'>;
  readonly kind: CosignerKind;
  /** When it was cosigned, as the cosigner says; seconds. */
  readonly time: number;
  /** The line of the signed note, with its newline. */
  readonly line: string;
}

/** A key's id as the tables name it. */
export function keyIdText(keyId: number): string {
  return keyId.toString(16).padStart(8, '0');
}

/** Keeps a verified cosignature of the checkpoint of this size; of one key the newest. */
export async function storeCosignature(
  tx: Transaction,
  log: LogName,
  size: number,
  { key, kind, time, line }: Cosignature,
): Promise<void> {
  const row = { log, size, key_name: key.name, key_id: keyIdText(key.keyId), kind, time, line };
  await tx
    .insertInto('log_cosignatures')
    .values(row)
    .onConflict((conflict) =>
      conflict
        .columns(['log', 'size', 'key_name', 'key_id'])
        .doUpdateSet({ kind, time, line })
        // A delayed answer must not make the checkpoint look older than it was shown to be.
        .where('log_cosignatures.time', '<', time),
    )
    .execute();
}

/** The cosignatures of the checkpoint of this size, witnesses first, in an order that does not change. */
export async function readCosignatures(
  query: Query | Transaction,
  log: LogName,
  size: number,
): Promise<LogCosignaturesTable[]> {
  return query
    .selectFrom('log_cosignatures')
    .selectAll()
    .where('log', '=', log)
    .where('size', '=', size)
    .orderBy('kind', 'desc')
    .orderBy('key_name')
    .orderBy('key_id')
    .execute();
}

/** When the newest cosigned checkpoints of the log were cosigned last, as it was said then; seconds. */
export async function newestCosignedTime(
  reader: Query | Transaction,
  log: LogName,
): Promise<number | undefined> {
  const rows = await reader
    .selectFrom('log_cosignatures')
    .select('time')
    .where('log', '=', log)
    .orderBy('size', 'desc')
    .limit(KEY_LOG_COSIGNERS)
    .execute();
  return rows.length === 0 ? undefined : Math.max(...rows.map(({ time }) => time));
}

/** When this key last cosigned the checkpoint of this size; seconds. */
export async function cosignedAt(
  query: Query,
  log: LogName,
  size: number,
  key: Pick<VerifierKey, 'name' | 'keyId'>,
): Promise<number | undefined> {
  const row = await query
    .selectFrom('log_cosignatures')
    .select('time')
    .where('log', '=', log)
    .where('size', '=', size)
    .where('key_name', '=', key.name)
    .where('key_id', '=', keyIdText(key.keyId))
    .executeTakeFirst();
  return row?.time;
}
