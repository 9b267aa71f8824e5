import { randomBytes } from 'node:crypto';
import { equalBytes } from '../../protocol/bytes.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { parseLogEntry } from '../../protocol/keytrans/log-entry.ts';
import { vrfKeyPair } from '../../protocol/keytrans/vrf-prove.ts';
import { decodeEntryBundle } from '../../protocol/tlog/tile.ts';
import type { SealedColumn } from '../signer/sealed-columns.ts';
import type { SealContext, Signer } from '../signer/signer.ts';
import type { Database, Query, Transaction } from '../storage/database.ts';
import { readHead } from '../tlog/log-heads.ts';
import { readEntryBundle } from '../tlog/log-tree.ts';

/** The key of the log's VRF, for the log's life: entry 0 fixes it. */
export interface VrfKey {
  readonly publicKey: Uint8Array;
  /** 32 bytes. Whoever has it can find out whose addresses the log holds. */
  readonly seed: Uint8Array;
}

const SEED_BYTES = 32;
const CONTEXT: SealContext = { kind: 'vrf-secret', log: 'keys' };

/** The secret of the log's VRF. */
export const LOG_SECRETS: SealedColumn = {
  ...{ table: 'log_secrets', column: 'sealed', key: ['name'] },
  context: () => CONTEXT,
};

/**
 * Opens the VRF key; makes it for a log that has no entry yet. Throws `state_refused` when the log has begun and its
 * key is missing or another one, `seal_broken` under another key-encryption key.
 */
export async function openVrfKey(deps: { database: Database; signer: Signer }): Promise<VrfKey> {
  const { database, signer } = deps;
  const sealed = (await database.read(readSealed)) ?? (await create(database, signer));
  const seed = await signer.open(CONTEXT, sealed);
  const { publicKey } = vrfKeyPair(seed);
  const fixed = await database.read(readPublicKey);
  if (fixed !== undefined && !equalBytes(fixed, publicKey)) {
    throw refused('The VRF key in the store is not the one that the key log began with.');
  }
  return { publicKey, seed };
}

/** Whether the store has one, whichever. */
export async function hasVrfKey(reader: Query | Transaction): Promise<boolean> {
  return (await readSealed(reader)) !== undefined;
}

/** Of two processes that make one at once, both get that of the first. */
async function create(database: Database, signer: Signer): Promise<Uint8Array> {
  const seed = new Uint8Array(randomBytes(SEED_BYTES));
  const sealed = await signer.seal(CONTEXT, seed);
  seed.fill(0);
  return database.transaction(async (tx) => {
    if (((await readHead(tx, 'keys'))?.size ?? 0) > 0 && (await readSealed(tx)) === undefined) {
      throw refused('The VRF key of the key log is missing from the store.');
    }
    await tx
      .insertInto('log_secrets')
      .values({ name: 'vrf', sealed })
      .onConflict((conflict) => conflict.column('name').doNothing())
      .execute();
    return (await readSealed(tx)) ?? sealed;
  });
}

async function readSealed(reader: Query | Transaction): Promise<Uint8Array | undefined> {
  const row = await reader
    .selectFrom('log_secrets')
    .select('sealed')
    .where('name', '=', 'vrf')
    .executeTakeFirst();
  return row?.sealed;
}

/** What entry 0 says; `undefined` before there is one. */
async function readPublicKey(query: Query): Promise<Uint8Array | undefined> {
  const bundle = await readEntryBundle(query, 'keys', 0, 1);
  const [first] = bundle === undefined ? [] : decodeEntryBundle(bundle);
  const entry = first === undefined ? undefined : parseLogEntry(first);
  return entry?.kind === 'start' ? entry.vrfPublicKey : undefined;
}

function refused(detail: string): CountersignError {
  return new CountersignError('state_refused', `${detail} Restore the newest backup of the database.`);
}
