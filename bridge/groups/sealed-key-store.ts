import { CountersignError } from '../../protocol/errors.ts';
import type { Reader } from '../directory/handle.ts';
import type { Transaction } from '../storage/database.ts';
import type { SealedKeysTable } from '../storage/tables/groups.ts';

/** A symmetric key, encrypted to a group kept here or to a person of ours. */
export type StoredSealedKey = Readonly<SealedKeysTable>;

/** To whom: a group's id, or a person's `sub`. */
export type RecipientName = Pick<StoredSealedKey, 'recipient_kind' | 'recipient'>;

export async function findSealedKey(
  reader: Reader,
  { recipient_kind, recipient }: RecipientName,
  keyId: string,
): Promise<StoredSealedKey | undefined> {
  return reader
    .selectFrom('sealed_keys')
    .selectAll()
    .where('recipient_kind', '=', recipient_kind)
    .where('recipient', '=', recipient)
    .where('key_id', '=', keyId)
    .executeTakeFirst();
}

/** Throws `sealed_key_unknown`. */
export async function requireSealedKey(
  reader: Reader,
  recipient: RecipientName,
  keyId: string,
): Promise<StoredSealedKey> {
  const sealed = await findSealedKey(reader, recipient, keyId);
  if (sealed === undefined) throw new CountersignError('sealed_key_unknown');
  return sealed;
}

/** What is kept without its place in the order. */
export type NewSealedKey = Omit<StoredSealedKey, 'created'>;

/** Stores a key behind those that the recipient has; `now` in ms. A unique violation means that its id is taken. */
export async function insertSealedKey(
  transaction: Transaction,
  sealed: NewSealedKey,
  now: number,
): Promise<void> {
  const { newest } = await transaction
    .selectFrom('sealed_keys')
    .select(({ fn }) => fn.max('created').as('newest'))
    .where('recipient_kind', '=', sealed.recipient_kind)
    .where('recipient', '=', sealed.recipient)
    .executeTakeFirstOrThrow();
  const created = Math.max(now, Number(newest ?? 0) + 1);
  await transaction
    .insertInto('sealed_keys')
    .values({ ...sealed, created })
    .execute();
}

/** How many keys people of one bridge, or one of them, have sealed to a recipient. */
export async function countSealedKeys(
  reader: Reader,
  { recipient_kind, recipient }: RecipientName,
  { iss, sub }: { readonly iss: string; readonly sub?: string },
): Promise<number> {
  const query = reader
    .selectFrom('sealed_keys')
    .select(({ fn }) => fn.countAll().as('keys'))
    .where('recipient_kind', '=', recipient_kind)
    .where('recipient', '=', recipient)
    .where('iss', '=', iss);
  const { keys } = await (sub === undefined ? query : query.where('sub', '=', sub)).executeTakeFirstOrThrow();
  return Number(keys);
}

/** One page, without the keys themselves, oldest first, from behind `after` (ms) on. */
export async function listSealedKeys(
  reader: Reader,
  { recipient_kind, recipient }: RecipientName,
  { after, limit }: { after: number; limit: number },
): Promise<Omit<StoredSealedKey, 'encrypted'>[]> {
  return reader
    .selectFrom('sealed_keys')
    .select(['recipient_kind', 'recipient', 'key_id', 'iss', 'sub', 'device_id', 'address', 'hash', 'token'])
    .select(['evidence', 'term', 'epoch', 'members', 'created'])
    .where('recipient_kind', '=', recipient_kind)
    .where('recipient', '=', recipient)
    .where('created', '>', after)
    .orderBy('created')
    .limit(limit)
    .execute();
}

/**
 * Deletes what is sealed to a recipient that nobody can open it for any more: all of it, or what came before `until`, ms.
 * Answers how many.
 */
export async function deleteSealedKeysTo(
  transaction: Transaction,
  { recipient_kind, recipient }: RecipientName,
  until?: number,
): Promise<number> {
  const all = transaction
    .deleteFrom('sealed_keys')
    .where('recipient_kind', '=', recipient_kind)
    .where('recipient', '=', recipient);
  const { numDeletedRows } = await (until === undefined
    ? all
    : all.where('created', '<', until)
  ).executeTakeFirst();
  return Number(numDeletedRows);
}

/** Deletes the keys of epochs before this one: who comes to a meeting later must not read what was before. */
export async function deleteEarlierEpochs(
  transaction: Transaction,
  group: string,
  epoch: number,
): Promise<void> {
  await transaction
    .deleteFrom('sealed_keys')
    .where('recipient_kind', '=', 'group')
    .where('recipient', '=', group)
    .where('epoch', '<', epoch)
    .execute();
}
