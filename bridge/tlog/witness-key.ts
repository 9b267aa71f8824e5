import { decodeBase64url, encodeBase64url } from '../../protocol/base64url.ts';
import {
  exportSigningKey,
  generateSigningKey,
  importSigningKey,
  type SigningKey,
  signBytes,
} from '../../protocol/ed25519.ts';
import type { NoteSigner } from '../../protocol/tlog/checkpoint.ts';
import {
  ED25519_COSIGNATURE,
  formatVerifierKey,
  type VerifierKey,
  verifierKey,
} from '../../protocol/tlog/verifier-key.ts';
import type { Clock } from '../lib/clock.ts';
import { bytesOf, type SealedColumn, textOf } from '../signer/sealed-columns.ts';
import type { SealContext, Signer } from '../signer/signer.ts';
import { refused } from '../signer/stored-keys.ts';
import type { Database, Transaction } from '../storage/database.ts';
import type { WitnessKeysTable } from '../storage/tables/witness.ts';

/** A key that cosigns as a witness, and nothing else. */
export interface WitnessKey extends NoteSigner {
  readonly verifier: VerifierKey;
  /** What logs and verifiers configure: `name+id+key`. */
  readonly vkey: string;
}

/** The name of the witness that a bridge is: `bridge.acme.example/witness`. */
export function witnessName(issuer: string): string {
  return `${issuer.replace(/^https:\/\//, '')}/witness`;
}

/** A signing key as a witness's, under its name. */
export function witnessKey(name: string, key: SigningKey): WitnessKey {
  const publicKey = decodeBase64url(key.publicKey.x, 32);
  const verifier = verifierKey(name, ED25519_COSIGNATURE, publicKey);
  return {
    name,
    publicKey,
    verifier,
    vkey: formatVerifierKey(verifier),
    sign: async (message) => decodeBase64url(await signBytes(key, message), 64),
  };
}

/**
 * The witness key of this store, made the first time and never rotated by itself: others have it in their policies.
 * It is no online key, since what it signs is of other companies' logs. Throws `state_refused` for one that does not
 * open.
 */
export async function openWitnessKey(deps: {
  database: Database;
  signer: Pick<Signer, 'seal' | 'open'>;
  clock: Clock;
  name: string;
}): Promise<WitnessKey> {
  const { database, name } = deps;
  const stored =
    (await database.read((query) => findWitnessKey(query, name))) ?? (await createWitnessKey(deps));
  if (stored.sealed === null)
    throw refused(`The key of the witness ${name} rests in a file, not in this store.`);
  try {
    const d = encodeBase64url(await deps.signer.open(sealContext(stored), stored.sealed));
    const x = encodeBase64url(stored.public_key);
    return witnessKey(name, await importSigningKey({ kty: 'OKP', crv: 'Ed25519', x, d }));
  } catch (cause) {
    throw refused(`The key of the witness ${name} is damaged. Restore a backup.`, cause);
  }
}

/** What others configure of a stored key. */
export function vkeyOf({ name, public_key }: Pick<WitnessKeysTable, 'name' | 'public_key'>): string {
  return formatVerifierKey(verifierKey(name, ED25519_COSIGNATURE, public_key));
}

export async function findWitnessKey(
  query: Pick<Transaction, 'selectFrom'>,
  name: string,
): Promise<WitnessKeysTable | undefined> {
  return query.selectFrom('witness_keys').selectAll().where('name', '=', name).executeTakeFirst();
}

export async function insertWitnessKey(tx: Transaction, row: WitnessKeysTable): Promise<void> {
  await tx.insertInto('witness_keys').values(row).execute();
}

/** Replicas may start together: who comes second takes the first one's. */
async function createWitnessKey(deps: {
  database: Database;
  signer: Pick<Signer, 'seal'>;
  clock: Clock;
  name: string;
}): Promise<WitnessKeysTable> {
  const row = await freshKey(deps);
  return deps.database.transaction(async (tx) => {
    const present = await findWitnessKey(tx, deps.name);
    if (present !== undefined) return present;
    await insertWitnessKey(tx, row);
    return row;
  });
}

async function freshKey({
  signer,
  clock,
  name,
}: {
  signer: Pick<Signer, 'seal'>;
  clock: Clock;
  name: string;
}): Promise<WitnessKeysTable> {
  const { d, x } = await exportSigningKey(await generateSigningKey(true));
  const public_key = decodeBase64url(x, 32);
  const sealed = await signer.seal(sealContext({ name, public_key }), decodeBase64url(d, 32));
  return { name, public_key, sealed, created_at: clock.now() };
}

/**
 * Puts another key in the place of a witness's, under the same name, and answers both as others configure them. A witness's
 * word is its key's: the new one has cosigned nothing yet. The old private half is gone. Throws `state_refused` where there is none.
 */
export async function replaceWitnessKey(
  deps: { signer: Pick<Signer, 'seal'>; clock: Clock; name: string },
  tx: Transaction,
): Promise<{ readonly before: string; readonly now: string }> {
  const before = await findWitnessKey(tx, deps.name);
  if (before === undefined || before.sealed === null)
    throw refused(`This store has no key of the witness ${deps.name}.`);
  const row = await freshKey(deps);
  await tx.deleteFrom('witness_keys').where('name', '=', deps.name).execute();
  await insertWitnessKey(tx, row);
  return { before: vkeyOf(before), now: vkeyOf(row) };
}

/** The private halves of the witness keys that rest in the store. */
export const WITNESS_KEYS: SealedColumn = {
  ...{ table: 'witness_keys', column: 'sealed', key: ['name'], reads: ['public_key'] },
  context: (row) => sealContext({ name: textOf(row, 'name'), public_key: bytesOf(row, 'public_key') }),
};

function sealContext({ name, public_key }: Pick<WitnessKeysTable, 'name' | 'public_key'>): SealContext {
  return { kind: 'witness-key', name, public_key: encodeBase64url(public_key) };
}
