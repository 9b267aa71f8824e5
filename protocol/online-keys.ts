import * as z from 'zod/mini';
import { digest, entityId, seconds } from './claims.ts';
import type { SigningKey } from './ed25519.ts';
import { CountersignError } from './errors.ts';
import { assertTimes, CLOCK_SKEW, signJws, verifyJws } from './jws.ts';
import { signatureKeySchema, thumbprint } from './public-key.ts';

/** What an online key may sign; one key, one purpose. */
export const keyPurpose = z.enum(['binding', 'statement', 'federation', 'record', 'log', 'events']);
export type KeyPurpose = z.infer<typeof keyPurpose>;

/**
 * `online-keys+jwt` (PROTOCOL §6): the keys that a bridge signs with, vouched for by its offline root. `nbf` and
 * `exp` bound what a key may have signed: an object's `iat` must lie between them.
 */
export const onlineKeysSchema = z.strictObject({
  iss: entityId,
  /** Rises with every issue; a verifier refuses one lower than it has seen. */
  serial: z.int().check(z.positive()),
  iat: seconds,
  exp: seconds,
  keys: z
    .array(z.strictObject({ jwk: signatureKeySchema, purpose: keyPurpose, nbf: seconds, exp: seconds }))
    .check(z.minLength(1), z.maxLength(64)),
  compromised: z.array(digest).check(z.maxLength(64)),
});

export type OnlineKeysClaims = z.infer<typeof onlineKeysSchema>;

/** Signs the online keys with the offline root; the root's public key travels in the header, its thumbprint is pinned. */
export async function signOnlineKeys(root: SigningKey, claims: OnlineKeysClaims): Promise<string> {
  return signJws(root, 'online-keys+jwt', claims, { embedKey: true });
}

/** Online keys that were verified under a pinned root. */
export interface OnlineKeys {
  readonly iss: string;
  readonly serial: number;
  readonly exp: number;
  readonly rootThumbprint: string;
  /** Thumbprints that the root declares compromised. */
  readonly compromised: readonly string[];
  /**
   * The key of this thumbprint, if it may sign for `purpose`. Throws `jws_unknown_key` or `key_compromised`; what a
   * compromised key signed is refused whatever its `iat`.
   */
  find(purpose: KeyPurpose, kid: string): OnlineKey;
  /** The keys that may sign for `purpose`, without the compromised ones. */
  all(purpose: KeyPurpose): readonly OnlineKey[];
}

export type OnlineKey = OnlineKeysClaims['keys'][number];

/** Refuses a signature dated outside the key's time of use (seconds). Throws `jws_unknown_key`. */
export function assertKeyInUse(key: OnlineKey, iat: number): void {
  if (iat < key.nbf - CLOCK_SKEW || iat >= key.exp + CLOCK_SKEW) {
    throw new CountersignError('jws_unknown_key', `the ${key.purpose} key was not in use then`);
  }
}

/**
 * Verifies `online-keys+jwt` under the root of this thumbprint. `compromised`: what the root declared since, where the
 * token is an older one. Throws `root_mismatch`, `jws_issuer`,
 * `serial_rollback`, `jws_expired`, `claims_invalid` for a key with two purposes, and what `verifyJws` throws.
 */
export async function verifyOnlineKeys(
  token: string,
  expected: {
    readonly iss: string;
    readonly rootThumbprint: string;
    readonly leastSerial?: number;
    readonly compromised?: readonly string[];
  },
  now: number,
): Promise<OnlineKeys> {
  const { claims, byPurpose } = await underRoot(token, expected.rootThumbprint);
  if (claims.iss !== expected.iss) throw new CountersignError('jws_issuer', `expected ${expected.iss}`);
  assertTimes(claims, now);
  if (!(claims.serial >= (expected.leastSerial ?? 0))) {
    throw new CountersignError('serial_rollback', `serial ${claims.serial} is below ${expected.leastSerial}`);
  }
  const compromised = new Set([...claims.compromised, ...(expected.compromised ?? [])]);
  return {
    iss: claims.iss,
    serial: claims.serial,
    exp: claims.exp,
    rootThumbprint: expected.rootThumbprint,
    compromised: [...compromised],
    find: (purpose, kid) => {
      if (compromised.has(kid)) throw new CountersignError('key_compromised', 'declared by the root');
      const found = byPurpose.get(`${purpose} ${kid}`);
      if (found === undefined) throw new CountersignError('jws_unknown_key', `no such ${purpose} key`);
      return found;
    },
    all: (purpose) =>
      claims.keys.filter((key) => key.purpose === purpose && !compromised.has(thumbprint(key.jwk))),
  };
}

interface RootSigned {
  readonly claims: OnlineKeysClaims;
  /** By `<purpose> <thumbprint>`. */
  readonly byPurpose: ReadonlyMap<string, OnlineKey>;
}

/**
 * One token staples every credential of a bridge, and a look-up brings a thousand of them: the root's signature is
 * verified once for each token and root. Only what does not change is kept; times, serial and issuer are held
 * against each caller's expectations.
 */
async function underRoot(token: string, rootThumbprint: string): Promise<RootSigned> {
  const name = `${rootThumbprint} ${token}`;
  const known = rootSigned.get(name);
  if (known !== undefined) return known;
  const claims = await verifyJws(token, 'online-keys+jwt', onlineKeysSchema, ({ jwk, kid }) => {
    if (jwk === undefined || kid !== rootThumbprint || thumbprint(jwk) !== rootThumbprint)
      throw new CountersignError('root_mismatch');
    return jwk;
  });
  const verified = { claims, byPurpose: indexByPurpose(claims, rootThumbprint) };
  for (const oldest of rootSigned.keys()) {
    if (rootSigned.size < ROOT_SIGNED) break;
    rootSigned.delete(oldest);
  }
  rootSigned.set(name, verified);
  return verified;
}

/** Tokens kept: two for each of some hundred partners; only what a pinned root signed gets here. */
const ROOT_SIGNED = 256;
const rootSigned = new Map<string, RootSigned>();

function indexByPurpose(claims: OnlineKeysClaims, root: string): ReadonlyMap<string, OnlineKey> {
  const byPurpose = new Map<string, OnlineKey>();
  const seen = new Set([root]);
  for (const key of claims.keys) {
    const kid = thumbprint(key.jwk);
    if (seen.has(kid)) throw new CountersignError('claims_invalid', 'one key is listed for two purposes');
    seen.add(kid);
    byPurpose.set(`${key.purpose} ${kid}`, key);
  }
  return byPurpose;
}
