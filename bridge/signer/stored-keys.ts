import { decodeBase64url, encodeBase64url } from '../../protocol/base64url.ts';
import {
  exportSigningKey,
  generateSigningKey,
  importSigningKey,
  type SigningKey,
} from '../../protocol/ed25519.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { verifyJws } from '../../protocol/jws.ts';
import {
  type KeyPurpose,
  type OnlineKey,
  type OnlineKeysClaims,
  onlineKeysSchema,
} from '../../protocol/online-keys.ts';
import { thumbprint } from '../../protocol/public-key.ts';
import type { Query, Transaction } from '../storage/database.ts';
import type { SignerTables } from '../storage/tables/signer.ts';
import type { KeyEncryptionKey } from './key-encryption-key.ts';
import type { KeyRing } from './key-ring.ts';
import { type SealedColumn, textOf } from './sealed-columns.ts';
import type { SealContext } from './signer.ts';

/** The signer's one row, held against the key-encryption key and its own signature. */
export interface StoredState {
  readonly iss: string;
  readonly rootThumbprint: string;
  readonly token: string;
  readonly claims: OnlineKeysClaims;
  /** The key-encryption key that seals now. */
  readonly sealing: KeyEncryptionKey;
}

export interface StoredSigner {
  readonly iss: string;
  readonly rootThumbprint: string;
  readonly token: string;
  /** Names the key-encryption key that seals now. */
  readonly kekId: string;
}

/** The keys' own row as it stands, nothing of it checked; `undefined` before `countersign init`. */
export async function findSigner(reader: Query | Transaction): Promise<StoredSigner | undefined> {
  const row = await reader.selectFrom('signer').selectAll().where('id', '=', 1).executeTakeFirst();
  if (row === undefined) return undefined;
  return { iss: row.iss, rootThumbprint: row.root_thumbprint, token: row.online_keys, kekId: row.kek_id };
}

/**
 * Reads what the ceremonies stored. Whether the online keys have expired is left to the caller: a rotation must be
 * able to follow upon it. Throws `state_refused`, which says what to do.
 */
export async function readState(query: Query, ring: KeyRing): Promise<StoredState> {
  const row = await query.selectFrom('signer').selectAll().where('id', '=', 1).executeTakeFirst();
  if (row === undefined) {
    throw refused('This store has no keys yet. Run `countersign init`.');
  }
  const sealing = sealingKey(ring, row);
  const claims = await verifyStored(row.online_keys, row.root_thumbprint);
  if (claims.iss !== row.iss || claims.serial !== row.serial) {
    throw refused('The stored online keys are not the ones that the store says they are. Restore a backup.');
  }
  return { iss: row.iss, rootThumbprint: row.root_thumbprint, token: row.online_keys, claims, sealing };
}

/** Throws `state_refused` unless every key is there that something in the store may be sealed under. */
export function sealingKey(ring: KeyRing, row: Pick<SignerTables['signer'], 'kek_id' | 'previous_kek_id'>) {
  const sealing = ring.find(row.kek_id);
  if (sealing === undefined) {
    throw refused(
      `The keys in this store are sealed under another key-encryption key (${row.kek_id}) than the configured one ` +
        `(${ring.configured.id}). Configure that one; nothing in the store is damaged.`,
    );
  }
  if (row.previous_kek_id !== null && ring.find(row.previous_kek_id) === undefined) {
    throw refused(
      `Some of this store is still sealed under the key-encryption key ${row.previous_kek_id}: configure it as ` +
        '`previous_key_encryption_key` until `countersign keys rotate-encryption-key` has finished.',
    );
  }
  return sealing;
}

/**
 * From here on the configured key seals; what the previous one sealed is to be sealed anew. Answers how far that is: one
 * that is `finished` may have left something that a bridge sealed late. Throws `state_refused` for a store under neither.
 */
export async function beginReencryption(
  tx: Transaction,
  ring: KeyRing,
): Promise<'begun' | 'under way' | 'finished'> {
  const row = await tx.selectFrom('signer').selectAll().where('id', '=', 1).executeTakeFirst();
  if (row === undefined) throw refused('This store has no keys yet. Run `countersign init`.');
  const sealing = sealingKey(ring, row);
  if (sealing.id === ring.configured.id) return row.previous_kek_id === null ? 'finished' : 'under way';
  if (row.previous_kek_id !== null) {
    throw refused(
      'The key before the previous one is still being replaced: finish that with both of them first.',
    );
  }
  await tx
    .updateTable('signer')
    .set({ kek_id: ring.configured.id, previous_kek_id: sealing.id })
    .where('id', '=', 1)
    .execute();
  return 'begun';
}

/** Nothing is left under the previous key; `false` if that was noted before. */
export async function finishReencryption(tx: Transaction, { configured }: KeyRing): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('signer')
    .set({ previous_kek_id: null })
    .where('id', '=', 1)
    .where('kek_id', '=', configured.id)
    .where('previous_kek_id', 'is not', null)
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

async function verifyStored(token: string, rootThumbprint: string): Promise<OnlineKeysClaims> {
  try {
    return await verifyJws(token, 'online-keys+jwt', onlineKeysSchema, ({ jwk }) => {
      if (jwk === undefined || thumbprint(jwk) !== rootThumbprint)
        throw new CountersignError('root_mismatch');
      return jwk;
    });
  } catch (cause) {
    throw refused('The stored online keys are not signed by the stored root. Restore a backup.', cause);
  }
}

/** A new key pair of `purpose`, its private half sealed and stored. */
export async function createKey(
  tx: Transaction,
  kek: KeyEncryptionKey,
  purpose: KeyPurpose,
  now: number,
): Promise<OnlineKey['jwk']> {
  const key = await generateSigningKey(true);
  const { d } = await exportSigningKey(key);
  const sealed = kek.seal(keyContext(purpose, key.kid), decodeBase64url(d, 32));
  await tx
    .insertInto('signer_keys')
    .values({ thumbprint: key.kid, purpose, sealed, created_at: now })
    .execute();
  return key.publicKey;
}

/** The private half of a published key. Throws `state_refused` if it is not there or does not open. */
export async function openKey(query: Query, ring: KeyRing, key: OnlineKey): Promise<SigningKey> {
  const kid = thumbprint(key.jwk);
  const row = await query
    .selectFrom('signer_keys')
    .select('sealed')
    .where('thumbprint', '=', kid)
    .executeTakeFirst();
  if (row === undefined) {
    throw refused(
      `The private half of the ${key.purpose} key is missing. Restore a backup, or rotate the keys.`,
    );
  }
  try {
    const d = encodeBase64url(ring.open(keyContext(key.purpose, kid), row.sealed));
    return await importSigningKey({ ...key.jwk, d });
  } catch (cause) {
    throw refused(`The ${key.purpose} key is damaged. Restore a backup, or rotate the keys.`, cause);
  }
}

/** The key of `purpose` that signs at `now` (seconds): of those in use, the one that began last. */
export function keyInForce<Key extends Pick<OnlineKey, 'purpose' | 'nbf' | 'exp'>>(
  keys: readonly Key[],
  purpose: KeyPurpose,
  now: number,
): Key | undefined {
  let last: Key | undefined;
  for (const key of keys) {
    const isInForce = key.purpose === purpose && key.nbf <= now && now < key.exp;
    if (isInForce && (last === undefined || key.nbf >= last.nbf)) last = key;
  }
  return last;
}

export function refused(detail: string, cause?: unknown): CountersignError {
  return new CountersignError('state_refused', detail, { cause });
}

/** The private halves of the online keys. */
export const SIGNING_KEYS: SealedColumn = {
  ...{ table: 'signer_keys', column: 'sealed', key: ['thumbprint'], reads: ['purpose'] },
  context: (row) => keyContext(textOf(row, 'purpose'), textOf(row, 'thumbprint')),
};

function keyContext(purpose: string, kid: string): SealContext {
  return { kind: 'signing-key', purpose, thumbprint: kid };
}
