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
import type { KeyEncryptionKey } from './key-encryption-key.ts';
import type { SealContext } from './signer.ts';

/** The signer's one row, held against the key-encryption key and its own signature. */
export interface StoredState {
  readonly iss: string;
  readonly rootThumbprint: string;
  readonly token: string;
  readonly claims: OnlineKeysClaims;
}

/** The keys' own row as it stands, nothing of it checked; `undefined` before `countersign init`. */
export async function findSigner(
  reader: Query | Transaction,
): Promise<{ readonly iss: string; readonly rootThumbprint: string; readonly token: string } | undefined> {
  const row = await reader.selectFrom('signer').selectAll().where('id', '=', 1).executeTakeFirst();
  if (row === undefined) return undefined;
  return { iss: row.iss, rootThumbprint: row.root_thumbprint, token: row.online_keys };
}

/**
 * Reads what the ceremonies stored. Whether the online keys have expired is left to the caller: a rotation must be
 * able to follow upon it. Throws `state_refused`, which says what to do.
 */
export async function readState(query: Query, kek: KeyEncryptionKey): Promise<StoredState> {
  const row = await query.selectFrom('signer').selectAll().where('id', '=', 1).executeTakeFirst();
  if (row === undefined) {
    throw refused('This store has no keys yet. Run `countersign init`.');
  }
  if (row.kek_id !== kek.id) {
    throw refused(
      `The keys in this store are sealed under another key-encryption key (${row.kek_id}) than the configured one ` +
        `(${kek.id}). Configure that one; nothing in the store is damaged.`,
    );
  }
  const claims = await verifyStored(row.online_keys, row.root_thumbprint);
  if (claims.iss !== row.iss || claims.serial !== row.serial) {
    throw refused('The stored online keys are not the ones that the store says they are. Restore a backup.');
  }
  return { iss: row.iss, rootThumbprint: row.root_thumbprint, token: row.online_keys, claims };
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
export async function openKey(query: Query, kek: KeyEncryptionKey, key: OnlineKey): Promise<SigningKey> {
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
    const d = encodeBase64url(kek.open(keyContext(key.purpose, kid), row.sealed));
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
  return keys
    .filter((key) => key.purpose === purpose && key.nbf <= now && now < key.exp)
    .reduce<Key | undefined>(
      (last, key) => (last === undefined || key.nbf >= last.nbf ? key : last),
      undefined,
    );
}

export function refused(detail: string, cause?: unknown): CountersignError {
  return new CountersignError('state_refused', detail, { cause });
}

function keyContext(purpose: KeyPurpose, kid: string): SealContext {
  return { kind: 'signing-key', purpose, thumbprint: kid };
}
