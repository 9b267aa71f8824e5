import type { Query, Transaction } from '../storage/database.ts';
import type { SignalTransmittersTable } from '../storage/tables/signal-transmitters.ts';
import { effectsSchema, type Transmitter } from './transmitter.ts';

type Reader = Query | Transaction;

/** A transmitter, with the hash of the token that it shows. */
export type StoredTransmitter = Transmitter & { readonly token_hash: string };

export async function findTransmitter(
  reader: Reader,
  connection: string,
): Promise<StoredTransmitter | undefined> {
  const row = await reader
    .selectFrom('signal_transmitters')
    .selectAll()
    .where('connection', '=', connection)
    .executeTakeFirst();
  return row === undefined ? undefined : parse(row);
}

export async function listTransmitters(reader: Reader): Promise<StoredTransmitter[]> {
  const rows = await reader.selectFrom('signal_transmitters').selectAll().orderBy('connection').execute();
  return rows.map(parse);
}

/** Answers whether there was none before. */
export async function insertTransmitter(tx: Transaction, given: StoredTransmitter): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto('signal_transmitters')
    .values({ ...given, effects: JSON.stringify(given.effects) })
    .onConflict((conflict) => conflict.column('connection').doNothing())
    .executeTakeFirstOrThrow();
  return numInsertedOrUpdatedRows === 1n;
}

export async function updateTransmitter(tx: Transaction, given: StoredTransmitter): Promise<void> {
  const { connection, ...row } = given;
  await tx
    .updateTable('signal_transmitters')
    .set({ ...row, effects: JSON.stringify(row.effects) })
    .where('connection', '=', connection)
    .execute();
}

export async function noteSignal(tx: Transaction, connection: string, now: number): Promise<void> {
  await tx
    .updateTable('signal_transmitters')
    .set({ last_signal: now })
    .where('connection', '=', connection)
    .execute();
}

export async function deleteTransmitter(tx: Transaction, connection: string): Promise<boolean> {
  const { numDeletedRows } = await tx
    .deleteFrom('signal_transmitters')
    .where('connection', '=', connection)
    .executeTakeFirstOrThrow();
  return numDeletedRows === 1n;
}

function parse({ effects, ...row }: SignalTransmittersTable): StoredTransmitter {
  return { ...row, effects: effectsSchema.parse(JSON.parse(effects)) };
}
