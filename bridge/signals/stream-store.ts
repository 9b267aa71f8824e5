import * as z from 'zod';
import type { Query, Transaction } from '../storage/database.ts';
import type { SignalStreamsTable } from '../storage/tables/signals.ts';
import { deliveredOf, type StreamStatus, type StreamView } from './stream.ts';

type Reader = Query | Transaction;

/** A stream as it is stored: with the sealed header that it is pushed with. */
export type StoredStream = StreamView & { readonly authorization: Uint8Array | null };

const urisSchema = z.array(z.string());

export async function findStream(reader: Reader, id: string): Promise<StoredStream | undefined> {
  const row = await reader.selectFrom('signal_streams').selectAll().where('id', '=', id).executeTakeFirst();
  return row === undefined ? undefined : parse(row);
}

export async function findStreamOf(reader: Reader, receiver: string): Promise<StoredStream | undefined> {
  const row = await reader
    .selectFrom('signal_streams')
    .selectAll()
    .where('receiver', '=', receiver)
    .executeTakeFirst();
  return row === undefined ? undefined : parse(row);
}

/** All streams that take signals now or later. */
export async function openStreams(reader: Reader): Promise<StoredStream[]> {
  const rows = await reader
    .selectFrom('signal_streams')
    .selectAll()
    .where('status', '!=', 'disabled')
    .orderBy('id')
    .execute();
  return rows.map(parse);
}

/** What the receiver decides of its stream. */
export type StreamSettings = Pick<
  StoredStream,
  'method' | 'endpoint_url' | 'authorization' | 'events_requested' | 'description'
>;

export async function insertStream(
  tx: Transaction,
  stream: { readonly id: string; readonly receiver: string; readonly created: number },
  settings: StreamSettings,
  status: StreamStatus = 'enabled',
): Promise<void> {
  const begun = { status, reason: null, verified: null } as const;
  await tx
    .insertInto('signal_streams')
    .values({ ...stream, ...begun, ...rowOf(settings) })
    .execute();
}

export async function changeStream(tx: Transaction, id: string, settings: StreamSettings): Promise<void> {
  await tx.updateTable('signal_streams').set(rowOf(settings)).where('id', '=', id).execute();
}

export async function setStreamStatus(
  tx: Transaction,
  id: string,
  set: { readonly status: StreamStatus; readonly reason: string | null },
): Promise<void> {
  await tx.updateTable('signal_streams').set(set).where('id', '=', id).execute();
}

/** Notes a verification at `now`, unless there was one after `before`; answers whether it did. */
export async function noteVerification(
  tx: Transaction,
  id: string,
  { now, before }: { now: number; before: number },
): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('signal_streams')
    .set({ verified: now })
    .where('id', '=', id)
    .where(({ eb, or }) => or([eb('verified', 'is', null), eb('verified', '<=', before)]))
    .executeTakeFirstOrThrow();
  return numUpdatedRows === 1n;
}

/** With the subjects that were taken out of it. */
export async function deleteStream(tx: Transaction, id: string): Promise<void> {
  await tx.deleteFrom('signal_exclusions').where('stream', '=', id).execute();
  await tx.deleteFrom('signal_streams').where('id', '=', id).execute();
}

function rowOf({ events_requested, ...settings }: StreamSettings) {
  return { ...settings, events_requested: JSON.stringify(events_requested) };
}

function parse({ id, events_requested, ...row }: SignalStreamsTable): StoredStream {
  const requested = urisSchema.parse(JSON.parse(events_requested));
  return { ...row, stream_id: id, events_requested: requested, events_delivered: deliveredOf(requested) };
}
