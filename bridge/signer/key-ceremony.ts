import type { SigningKey } from '../../protocol/ed25519.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { CLOCK_SKEW } from '../../protocol/jws.ts';
import {
  type KeyPurpose,
  type OnlineKey,
  type OnlineKeysClaims,
  signOnlineKeys,
} from '../../protocol/online-keys.ts';
import { thumbprint } from '../../protocol/public-key.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import { ONLINE_KEYS_LIFE_DAYS } from '../lib/limits.ts';
import type { Transaction } from '../storage/database.ts';
import { type GivenKeys, KeyRing } from './key-ring.ts';
import { PURPOSES, ROTATED_BY_DEFAULT } from './purposes.ts';
import { createKey, findSigner, keyInForce, readState, refused } from './stored-keys.ts';

const DAY = 86_400;

/** How long a retired key may still have signed: other replicas learn of a rotation within seconds. */
const OVERLAP = 3_600;

/**
 * How long a retired key of short-lived objects stays published: longer than any of them lives. Keys of statements,
 * log and events stay, because what they signed is verified for as long as it exists.
 */
const RETIRED_PUBLISHED = 30 * DAY;
const SHORT_LIVED: ReadonlySet<KeyPurpose> = new Set(['binding', 'federation', 'record']);

/** What the format takes (PROTOCOL §6). */
const KEYS_PUBLISHED = 64;

interface Ceremony extends GivenKeys {
  /** The offline root, brought for this. */
  readonly root: SigningKey;
  readonly clock: Clock;
  readonly onlineKeysDays?: number | undefined;
}

export interface IssuedKeys {
  readonly serial: number;
  /** Those that got a new key. */
  readonly purposes: readonly KeyPurpose[];
}

/**
 * Makes the first online keys: one per purpose, serial 1, signed by the root. The caller reports the event in the
 * same transaction. Throws `conflict` where there are keys already.
 */
export async function initializeKeys(
  tx: Transaction,
  options: Ceremony & { iss: string },
): Promise<IssuedKeys> {
  if ((await findSigner(tx)) !== undefined)
    throw new CountersignError('conflict', 'This store has its keys already.');
  const kek = new KeyRing(options).configured;
  const now = seconds(options.clock);
  const exp = expiry(options);
  const keys: OnlineKey[] = [];
  for (const purpose of PURPOSES) {
    keys.push({ jwk: await createKey(tx, kek, purpose, options.clock.now()), purpose, nbf: now, exp });
  }
  const claims = { iss: options.iss, serial: 1, iat: now, exp, keys, compromised: [] };
  await tx
    .insertInto('signer')
    .values({
      id: 1,
      iss: options.iss,
      root_thumbprint: options.root.kid,
      kek_id: kek.id,
      previous_kek_id: null,
      serial: 1,
      online_keys: await signOnlineKeys(options.root, claims),
    })
    .execute();
  return { serial: 1, purposes: PURPOSES };
}

export interface Rotation extends Ceremony {
  /** Which get a new key; by default all but those of the logs, none to renew the old ones' time. */
  readonly purposes?: readonly KeyPurpose[] | undefined;
  /** Thumbprints. Nothing that these signed counts from now on; their purposes get a new key at once. */
  readonly compromised?: readonly string[] | undefined;
  /** Seconds for which a new key is published before it signs, so that partners know it in time. 0 by default. */
  readonly lead?: number | undefined;
}

/**
 * Issues the next online keys (serial + 1). A replaced key signs until the new one begins and stays published with
 * its end; its private half is deleted as soon as it is of no use. A running bridge takes the new keys up with
 * `Signer.refresh`. The caller reports the event in the same transaction.
 *
 * Throws `root_mismatch` for another root, `jws_unknown_key` for a compromised key that is not published,
 * `state_refused` for a store that cannot be rotated.
 */
export async function rotateKeys(tx: Transaction, options: Rotation): Promise<IssuedKeys> {
  const { claims: before, rootThumbprint, sealing: kek } = await readState(tx, new KeyRing(options));
  if (options.root.kid !== rootThumbprint) throw new CountersignError('root_mismatch');

  const compromised = new Set(options.compromised);
  const purposes = purposesToRotate(before, compromised, options.purposes ?? ROTATED_BY_DEFAULT);
  const now = seconds(options.clock);
  // a compromised key must not go on signing until its successor begins
  const begin = compromised.size > 0 ? now : now + (options.lead ?? 0);
  const exp = expiry(options);
  const kept = before.keys
    .filter((key) => !compromised.has(thumbprint(key.jwk)))
    .map((key) => (purposes.includes(key.purpose) ? retired(key, before, begin) : renewed(key, before, exp)))
    .filter((key) => isWorthPublishing(key, now));
  const added: OnlineKey[] = [];
  for (const purpose of purposes) {
    const jwk = await createKey(tx, kek, purpose, options.clock.now());
    added.push({ jwk, purpose, nbf: begin, exp });
  }
  const claims: OnlineKeysClaims = {
    iss: before.iss,
    serial: before.serial + 1,
    iat: now,
    exp,
    keys: [...kept, ...added],
    compromised: [...new Set([...before.compromised, ...compromised])],
  };
  await store(tx, options.root, claims);
  await deleteUseless(tx, claims, now);
  return { serial: claims.serial, purposes };
}

function purposesToRotate(
  before: OnlineKeysClaims,
  compromised: ReadonlySet<string>,
  wanted: readonly KeyPurpose[],
): KeyPurpose[] {
  const purposes = new Set(wanted);
  for (const kid of compromised) {
    const key = before.keys.find(({ jwk }) => thumbprint(jwk) === kid);
    if (key === undefined) throw new CountersignError('jws_unknown_key', `no published key ${kid}`);
    purposes.add(key.purpose);
  }
  return PURPOSES.filter((purpose) => purposes.has(purpose));
}

/** Signs until its successor begins. What was retired before keeps its end: what lay outside stays outside. */
function retired(key: OnlineKey, before: OnlineKeysClaims, successorBegins: number): OnlineKey {
  const end = successorBegins + OVERLAP;
  return { ...key, exp: isLatest(key, before) ? end : Math.min(key.exp, end) };
}

/** A key that is not replaced goes on for as long as the new token. */
function renewed(key: OnlineKey, before: OnlineKeysClaims, exp: number): OnlineKey {
  return isLatest(key, before) ? { ...key, exp } : key;
}

/** Only a key that nothing replaces yet ends with its token; a retired one ends within the overlap. */
function isLatest(key: OnlineKey, { exp }: OnlineKeysClaims): boolean {
  return key.exp === exp;
}

function isWorthPublishing(key: OnlineKey, now: number): boolean {
  const neverUsed = key.nbf >= key.exp;
  const outlived = SHORT_LIVED.has(key.purpose) && key.exp + RETIRED_PUBLISHED < now;
  return !neverUsed && !outlived;
}

async function store(tx: Transaction, root: SigningKey, claims: OnlineKeysClaims): Promise<void> {
  if (claims.keys.length > KEYS_PUBLISHED || claims.compromised.length > KEYS_PUBLISHED) {
    throw refused(
      'There are more retired or compromised keys than can be published. Begin anew under a new root.',
    );
  }
  const { numUpdatedRows } = await tx
    .updateTable('signer')
    .set({ serial: claims.serial, online_keys: await signOnlineKeys(root, claims) })
    .where('id', '=', 1)
    .where('serial', '=', claims.serial - 1)
    .executeTakeFirstOrThrow();
  if (numUpdatedRows !== 1n)
    throw new CountersignError('conflict', 'Somebody else rotated the keys just now.');
}

/** Keeps the private halves of the keys that sign now or will; a bridge that restarts needs no others. */
async function deleteUseless(tx: Transaction, claims: OnlineKeysClaims, now: number): Promise<void> {
  const useful = claims.keys
    .filter((key) => key.nbf > now || keyInForce(claims.keys, key.purpose, now) === key)
    .map((key) => thumbprint(key.jwk));
  await tx.deleteFrom('signer_keys').where('thumbprint', 'not in', useful).execute();
}

function expiry(options: Ceremony): number {
  const days = options.onlineKeysDays ?? ONLINE_KEYS_LIFE_DAYS;
  if (!Number.isInteger(days) || days < 1 || days * DAY <= CLOCK_SKEW) {
    throw new CountersignError('config_invalid', 'Online keys live for a whole number of days.');
  }
  return seconds(options.clock) + days * DAY;
}
