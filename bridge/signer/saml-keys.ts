import { utf8 } from '../../protocol/bytes.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import type { Clock } from '../lib/clock.ts';
import type { Database, Query, Transaction } from '../storage/database.ts';
import type { KeyEncryptionKey } from './key-encryption-key.ts';
import { type GivenKeys, KeyRing } from './key-ring.ts';
import { type SealedColumn, textOf } from './sealed-columns.ts';
import type { PemKeyPair, SamlKeys, SealContext } from './signer.ts';
import { readState, refused } from './stored-keys.ts';

type Role = 'current' | 'next';

export interface SamlKeyDeps extends GivenKeys {
  readonly database: Database;
  readonly iss: string;
  readonly clock: Clock;
}

/** The stored SAML keys; `null` before the first are made. */
export async function readSamlKeys(query: Query, ring: KeyRing): Promise<SamlKeys | null> {
  const rows = await query.selectFrom('saml_keys').selectAll().execute();
  const pair = (role: Role): PemKeyPair | null => {
    const row = rows.find((candidate) => candidate.role === role);
    if (row === undefined) return null;
    const privateKey = ring.open(samlContext(row.certificate), row.sealed);
    return { privateKey: new TextDecoder().decode(privateKey), certificate: row.certificate };
  };
  const current = pair('current');
  return current === null ? null : { current, next: pair('next') };
}

/** Makes the first pair unless another process has just made it. */
export async function createSamlKeys(
  deps: SamlKeyDeps,
  keys: { ring: KeyRing; sealing: KeyEncryptionKey },
): Promise<SamlKeys> {
  await storeNew(deps, keys.sealing, 'current');
  const made = await deps.database.read((query) => readSamlKeys(query, keys.ring));
  if (made === null) throw refused('The SAML keys vanished while they were made.');
  return made;
}

/**
 * Makes the next pair: from now on it stands in the SAML metadata beside the current one. Throws `conflict` while
 * there is a next pair already.
 */
export async function stageSamlKey(deps: SamlKeyDeps): Promise<void> {
  const { sealing } = await deps.database.read((query) => readState(query, new KeyRing(deps)));
  const made = await storeNew(deps, sealing, 'next');
  if (!made) throw new CountersignError('conflict', 'There is a next SAML key already: activate it first.');
}

/** The next pair becomes the current one, and the old private key is deleted. Throws `conflict` if there is none. */
export async function activateSamlKey(tx: Transaction): Promise<void> {
  const next = await tx.selectFrom('saml_keys').select('role').where('role', '=', 'next').executeTakeFirst();
  if (next === undefined)
    throw new CountersignError('conflict', 'There is no next SAML key: stage one first.');
  await tx.deleteFrom('saml_keys').where('role', '=', 'current').execute();
  await tx.updateTable('saml_keys').set({ role: 'current' }).where('role', '=', 'next').execute();
}

/** Generates outside of the transaction: it takes about a second, and others wait for the store. */
async function storeNew(deps: SamlKeyDeps, kek: KeyEncryptionKey, role: Role): Promise<boolean> {
  const { generateSamlPair } = await import('./saml-pair.ts');
  const { privateKey, certificate } = await generateSamlPair(deps.iss, deps.clock);
  const sealed = kek.seal(samlContext(certificate), utf8(privateKey));
  return deps.database.transaction(async (tx) => {
    const { numInsertedOrUpdatedRows } = await tx
      .insertInto('saml_keys')
      .values({ role, certificate, sealed, created_at: deps.clock.now() })
      .onConflict((conflict) => conflict.column('role').doNothing())
      .executeTakeFirstOrThrow();
    return numInsertedOrUpdatedRows === 1n;
  });
}

/** The private halves of the SAML keys. */
export const SAML_KEYS: SealedColumn = {
  ...{ table: 'saml_keys', column: 'sealed', key: ['role'], reads: ['certificate'] },
  context: (row) => samlContext(textOf(row, 'certificate')),
};

function samlContext(certificate: string): SealContext {
  return { kind: 'saml-key', certificate: sha256Base64url(certificate) };
}
