import { encodeBase64url } from '../../protocol/base64url.ts';
import { utf8 } from '../../protocol/bytes.ts';
import { sha256 } from '../../protocol/hash.ts';
import type { VerifierKey } from '../../protocol/tlog/verifier-key.ts';
import type { Query, Transaction } from '../storage/database.ts';
import type { WitnessedLogsTable } from '../storage/tables/witness.ts';
import { keyIdText } from './cosignature-store.ts';
import type { LogName } from './log-heads.ts';

/** What monitors ask for a log by: SHA-256 of its origin, hexadecimal. */
export function originHash(origin: string): string {
  return Buffer.from(sha256(utf8(origin))).toString('hex');
}

/** The newest checkpoint of a log that we cosigned as its witness. */
export type WitnessedLog = Readonly<Pick<WitnessedLogsTable, 'origin' | 'size' | 'root' | 'note'>>;

export async function findWitnessed(
  reader: Query | Transaction,
  origin: string,
): Promise<WitnessedLog | undefined> {
  return reader
    .selectFrom('witnessed_logs')
    .select(['origin', 'size', 'root', 'note'])
    .where('origin', '=', origin)
    .executeTakeFirst();
}

/** The note of the checkpoint that we cosigned last of the log whose origin has this hash. */
export async function witnessedNote(query: Query, hash: string): Promise<string | undefined> {
  const row = await query
    .selectFrom('witnessed_logs')
    .select('note')
    .where('origin_hash', '=', hash)
    .executeTakeFirst();
  return row?.note;
}

/** Remembers what is about to be cosigned; in the transaction that read what stood there. */
export async function saveWitnessed(
  tx: Transaction,
  { origin, size, root, note }: Omit<WitnessedLog, 'root'> & { readonly root: Uint8Array },
): Promise<void> {
  const changes = { size, root: encodeBase64url(root), note };
  await tx
    .insertInto('witnessed_logs')
    .values({ origin, origin_hash: originHash(origin), ...changes })
    .onConflict((conflict) => conflict.column('origin').doUpdateSet(changes))
    .execute();
}

type KeyName = Pick<VerifierKey, 'name' | 'keyId'>;

/** Up to where a witness is known to have cosigned a log of ours; 0 before the first time. */
export async function sizeAtWitness(query: Query, log: LogName, key: KeyName): Promise<number> {
  const row = await query
    .selectFrom('log_witnesses')
    .select('size')
    .where('log', '=', log)
    .where('key_name', '=', key.name)
    .where('key_id', '=', keyIdText(key.keyId))
    .executeTakeFirst();
  return row?.size ?? 0;
}

/** As the witness says itself. */
export async function saveSizeAtWitness(
  tx: Transaction,
  log: LogName,
  key: KeyName,
  size: number,
): Promise<void> {
  await tx
    .insertInto('log_witnesses')
    .values({ log, key_name: key.name, key_id: keyIdText(key.keyId), size })
    .onConflict((conflict) => conflict.columns(['log', 'key_name', 'key_id']).doUpdateSet({ size }))
    .execute();
}
