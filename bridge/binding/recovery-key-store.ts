import * as z from 'zod';
import type { RecoveryHalves } from '../../protocol/escrow/organization-key.ts';
import { encryptionKeySchema } from '../../protocol/public-key.ts';
import type { Reader } from '../directory/handle.ts';
import type { Transaction } from '../storage/database.ts';
import type {
  RecoveryKeyApprovalsTable,
  RecoveryKeyHalvesTable,
  RecoveryKeysTable,
} from '../storage/tables/binding.ts';

export type StoredRecoveryKey = Readonly<RecoveryKeysTable>;
export type StoredHalf = Readonly<RecoveryKeyHalvesTable>;
export type StoredApproval = Readonly<RecoveryKeyApprovalsTable>;

/** The one that people escrow to now, or the one that is being made; `undefined` before there is any. */
export async function findRecoveryKey(
  reader: Reader,
  status: 'current' | 'making',
): Promise<StoredRecoveryKey | undefined> {
  return reader.selectFrom('recovery_keys').selectAll().where('status', '=', status).executeTakeFirst();
}

/** Those that took one another's place, the newest first: the current one, and the ones before it. */
export async function succeedingKeys(reader: Reader, limit: number): Promise<StoredRecoveryKey[]> {
  return reader
    .selectFrom('recovery_keys')
    .selectAll()
    .where('status', '!=', 'making')
    .orderBy('generation', 'desc')
    .limit(limit)
    .execute();
}

/** A unique violation means that another one is being made meanwhile. */
export async function insertRecoveryKey(tx: Transaction, key: StoredRecoveryKey): Promise<void> {
  await tx.insertInto('recovery_keys').values(key).execute();
}

/** Forgets a key that was being made, with its halves and approvals. */
export async function deleteRecoveryKey(tx: Transaction, generation: number): Promise<void> {
  await tx.deleteFrom('recovery_key_approvals').where('generation', '=', generation).execute();
  await tx.deleteFrom('recovery_key_halves').where('generation', '=', generation).execute();
  await tx.deleteFrom('recovery_keys').where('generation', '=', generation).execute();
}

/** Puts the one that was made in the place of the current one. */
export async function succeedRecoveryKey(
  tx: Transaction,
  generation: number,
  signatures: readonly [string, string] | null,
): Promise<void> {
  await tx.updateTable('recovery_keys').set({ status: 'before' }).where('status', '=', 'current').execute();
  await tx
    .updateTable('recovery_keys')
    .set({ status: 'current', signatures: signatures === null ? null : JSON.stringify(signatures) })
    .where('generation', '=', generation)
    .execute();
}

/** In their order. */
export async function halvesOf(reader: Reader, generation: number): Promise<StoredHalf[]> {
  return reader
    .selectFrom('recovery_key_halves')
    .selectAll()
    .where('generation', '=', generation)
    .orderBy('slot')
    .execute();
}

/** Whether this half was ever registered. */
export async function isKnownHalf(reader: Reader, half: string): Promise<boolean> {
  const row = await reader
    .selectFrom('recovery_key_halves')
    .select('half')
    .where('half', '=', half)
    .executeTakeFirst();
  return row !== undefined;
}

/** The two halves of each recovery key that people escrow to, or did before, in their order. */
export async function everyRecoveryKey(
  reader: Reader,
): Promise<{ readonly isCurrent: boolean; readonly halves: RecoveryHalves }[]> {
  const rows = await reader
    .selectFrom('recovery_key_halves')
    .innerJoin('recovery_keys', 'recovery_keys.generation', 'recovery_key_halves.generation')
    .selectAll('recovery_key_halves')
    .select('recovery_keys.status')
    .where('recovery_keys.status', '!=', 'making')
    .orderBy('recovery_key_halves.generation')
    .orderBy('recovery_key_halves.slot')
    .execute();
  return rows.flatMap((first, index) => {
    const second = rows[index + 1];
    if (first.slot !== 1 || second?.generation !== first.generation) return [];
    return [{ isCurrent: first.status === 'current', halves: [halfKey(first), halfKey(second)] }];
  });
}

/** Whether these are the two halves, in their order, of a recovery key that people escrow to, or did before. */
export async function isRecoveryKey(
  reader: Reader,
  halves: readonly [first: string, second: string],
): Promise<boolean> {
  const found = await reader
    .selectFrom('recovery_key_halves')
    .innerJoin('recovery_keys', 'recovery_keys.generation', 'recovery_key_halves.generation')
    .select(['recovery_key_halves.half', 'recovery_key_halves.generation'])
    .where('recovery_key_halves.half', 'in', halves)
    .where('recovery_keys.status', '!=', 'making')
    .orderBy('recovery_key_halves.slot')
    .execute();
  const [first, second] = found;
  return first?.half === halves[0] && second?.half === halves[1] && first.generation === second.generation;
}

/** A unique violation means that the place was taken meanwhile. */
export async function insertHalf(tx: Transaction, half: StoredHalf): Promise<void> {
  await tx.insertInto('recovery_key_halves').values(half).execute();
}

export async function approvalsOf(reader: Reader, generation: number): Promise<StoredApproval[]> {
  return reader
    .selectFrom('recovery_key_approvals')
    .selectAll()
    .where('generation', '=', generation)
    .orderBy('admin_name')
    .execute();
}

/** Has an approval count no more; what the half signed stays. */
export async function withdrawApproval(
  tx: Transaction,
  { generation, admin_root }: StoredApproval,
  withdrawn: number,
): Promise<void> {
  await tx
    .updateTable('recovery_key_approvals')
    .set({ withdrawn })
    .where('generation', '=', generation)
    .where('admin_root', '=', admin_root)
    .execute();
}

/**
 * Puts an approval in the place of a withdrawn one of the same administrator. A unique violation means that this
 * administrator approved meanwhile.
 */
export async function insertApproval(tx: Transaction, approval: StoredApproval): Promise<void> {
  await tx
    .deleteFrom('recovery_key_approvals')
    .where('generation', '=', approval.generation)
    .where('admin_root', '=', approval.admin_root)
    .where('withdrawn', 'is not', null)
    .execute();
  await tx.insertInto('recovery_key_approvals').values(approval).execute();
}

/** Both public halves, or `undefined` while one is missing. */
export function pairOf(rows: readonly StoredHalf[]): RecoveryHalves | undefined {
  const [first, second] = rows.map(halfKey);
  return first === undefined || second === undefined ? undefined : [first, second];
}

export function halfKey({ key }: StoredHalf): RecoveryHalves[0] {
  return encryptionKeySchema.parse(JSON.parse(key));
}

const signaturesSchema = z.tuple([z.string(), z.string()]);

/** By the halves of the key before, in their order; null where one of them was lost. */
export function signaturesOf({ signatures }: StoredRecoveryKey): [string, string] | null {
  return signatures === null ? null : signaturesSchema.parse(JSON.parse(signatures));
}
