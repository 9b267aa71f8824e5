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

/** Whose bearer token has this hash. */
export async function findReceiverByToken(reader: Reader, tokenHash: string): Promise<Receiver | undefined> {
  const row = await reader
    .selectFrom('signal_receivers')
    .selectAll()
    .where('token_hash', '=', tokenHash)
    .executeTakeFirst();
  return row === undefined ? undefined : parse(row);
}

/** A new one: nobody holds it. */
export async function insertReceiver(
  tx: Transaction,
  receiver: Omit<Receiver, 'held' | 'endpoint_host'> & { readonly endpoint_host?: string | null },
  tokenHash: string,
): Promise<void> {
  const domains = receiver.domains === null ? null : JSON.stringify(receiver.domains);
  await tx
    .insertInto('signal_receivers')

    .values({
      ...receiver,
      domains,
      endpoint_host: receiver.endpoint_host ?? null,
      held: null,
      token_hash: tokenHash,
    })
    .execute();
}

export async function replaceToken(tx: Transaction, id: string, tokenHash: string): Promise<void> {
  await tx.updateTable('signal_receivers').set({ token_hash: tokenHash }).where('id', '=', id).execute();
}

export async function holdReceiver(tx: Transaction, id: string, held: Receiver['held']): Promise<void> {
  await tx.updateTable('signal_receivers').set({ held }).where('id', '=', id).execute();
}

export async function deleteReceiver(tx: Transaction, id: string): Promise<void> {
  await tx.deleteFrom('signal_receivers').where('id', '=', id).execute();
}

function parse({ token_hash: _hash, ...row }: SignalReceiversTable): Receiver {
  const domains: unknown = row.domains === null ? null : JSON.parse(row.domains);
  return { ...row, domains: domainsSchema.parse(domains) };
}
