import * as z from 'zod';
import type { Query, Transaction } from '../storage/database.ts';
import type { SignalReceiversTable } from '../storage/tables/signals.ts';
import type { Receiver } from './receiver.ts';

type Reader = Query | Transaction;

const domainsSchema = z.array(z.string()).nullable();

export async function listReceivers(reader: Reader): Promise<Receiver[]> {
  const rows = await reader
    .selectFrom('signal_receivers')
    .selectAll()
    .orderBy('name')
    .orderBy('id')
    .execute();
  return rows.map(parse);
}

export async function findReceiver(reader: Reader, id: string): Promise<Receiver | undefined> {
  const row = await reader.selectFrom('signal_receivers').selectAll().where('id', '=', id).executeTakeFirst();
  return row === undefined ? undefined : parse(row);
}

/** A token as it is stored: its hash, and when it ends, in seconds. */
export interface StoredToken {
  readonly hash: string;
  readonly expires: number;
}

/** Whose bearer token has this hash, the one before included, and when that token ends. */
export async function findReceiverByToken(
  reader: Reader,
  hash: string,
): Promise<{ readonly receiver: Receiver; readonly expires: number } | undefined> {
  const row = await reader
    .selectFrom('signal_receivers')
    .selectAll()
    .where(({ eb, or }) => or([eb('token_hash', '=', hash), eb('former_token_hash', '=', hash)]))
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const expires = row.token_hash === hash ? row.token_expires : (row.former_token_expires ?? 0);
  return { receiver: parse(row), expires };
}

/** A new one: nobody holds it. */
export async function insertReceiver(
  tx: Transaction,
  receiver: Omit<Receiver, 'held' | 'token_expires' | 'former_token_expires'>,
  token: StoredToken,
): Promise<void> {
  const domains = receiver.domains === null ? null : JSON.stringify(receiver.domains);
  const { hash: token_hash, expires: token_expires } = token;
  const former = { former_token_hash: null, former_token_expires: null };
  await tx
    .insertInto('signal_receivers')
    .values({ ...receiver, domains, held: null, token_hash, token_expires, token_warned: 0, ...former })
    .execute();
}

/** `overlap`: until when, in seconds, the one before is valid too; never longer than it was. */
export async function replaceToken(
  tx: Transaction,
  id: string,
  { hash, expires }: StoredToken,
  overlap: number | undefined,
): Promise<void> {
  await tx
    .updateTable('signal_receivers')
    .set(({ ref, eb }) => ({
      ...{ token_hash: hash, token_expires: expires, token_warned: 0 },
      former_token_hash: overlap === undefined ? null : ref('token_hash'),
      former_token_expires:
        overlap === undefined
          ? null
          : eb.case().when('token_expires', '<', overlap).then(ref('token_expires')).else(overlap).end(),
    }))
    .where('id', '=', id)
    .execute();
}

/** Those whose token ends before `time`, seconds, of which less than `told` was told. */
export async function receiversEnding(
  reader: Reader,
  time: number,
  told: number,
): Promise<readonly Pick<SignalReceiversTable, 'id' | 'name' | 'token_hash' | 'token_expires'>[]> {
  return reader
    .selectFrom('signal_receivers')
    .select(['id', 'name', 'token_hash', 'token_expires'])
    .where('token_expires', '<=', time)
    .where('token_warned', '<', told)
    .execute();
}

/** Notes what was told of the end of this token; `false` where another did, or it was exchanged. */
export async function noteTold(
  tx: Transaction,
  { id, token_hash }: Pick<SignalReceiversTable, 'id' | 'token_hash'>,
  told: number,
): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('signal_receivers')
    .set({ token_warned: told })
    .where('id', '=', id)
    .where('token_hash', '=', token_hash)
    .where('token_warned', '<', told)
    .executeTakeFirstOrThrow();
  return numUpdatedRows === 1n;
}

export async function holdReceiver(tx: Transaction, id: string, held: Receiver['held']): Promise<void> {
  await tx.updateTable('signal_receivers').set({ held }).where('id', '=', id).execute();
}

export async function setEndpointHost(
  tx: Transaction,
  id: string,
  endpoint_host: Receiver['endpoint_host'],
): Promise<void> {
  await tx.updateTable('signal_receivers').set({ endpoint_host }).where('id', '=', id).execute();
}

export async function deleteReceiver(tx: Transaction, id: string): Promise<void> {
  await tx.deleteFrom('signal_receivers').where('id', '=', id).execute();
}

function parse(row: SignalReceiversTable): Receiver {
  const { token_hash: _hash, former_token_hash: _former, token_warned: _told, ...receiver } = row;
  const domains: unknown = row.domains === null ? null : JSON.parse(row.domains);
  return { ...receiver, domains: domainsSchema.parse(domains) };
}
