import type { Assurance } from '../../protocol/claims.ts';
import { ownersOfDevices } from '../directory/devices.ts';
import { findPersons } from '../directory/persons.ts';
import type { SignIn } from '../identity/sign-in.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import { sha256Base64url } from '../lib/hash.ts';
import type { Database, Query } from '../storage/database.ts';
import { rememberReadsOfOne } from '../storage/remembered-reads.ts';
import { API_SCOPE } from './provider-configuration.ts';
import { findTokenEnd, findTokens } from './record-store.ts';

/** Who holds an access token: what `Holder` of bridge/binding demands. */
export interface TokenHolder {
  readonly sub: string;
  /** Thumbprint of the DPoP key that the token is bound to: the device's `sig`. */
  readonly deviceId: string;
  /** Whether that device is endorsed, read now. */
  readonly endorsed: boolean;
  readonly assurance: Assurance;
  readonly connectionId: string;
  readonly signIn: SignIn;
  /** sha256, base64url. */
  readonly accessTokenHash: string;
}

const TOKEN_LENGTH = 128;

/** Some 1 KB each. Devices that ask within the life of a token. */
const REMEMBERED = 20_000;

/**
 * Finds who holds a token bound to the key `jkt`. Every call answers what is true then, by the records and the clock: a
 * token ends with its grant, its person and its time, and a device is endorsed only as long as it is one of this very
 * person.
 */
export function createFindHolder({ database, clock }: { database: Database; clock: Clock }) {
  const findRemembered = rememberReadsOfOne(database, findHolders, { room: REMEMBERED });
  return async (accessToken: string, jkt: string): Promise<TokenHolder | undefined> => {
    if (accessToken.length > TOKEN_LENGTH) return undefined;
    const hash = sha256Base64url(accessToken);
    const token = await findRemembered(hash);
    if (token === undefined || token.expires <= seconds(clock)) return undefined;
    // Both are thumbprints of public keys: no secrets.
    return token.holder.deviceId === jkt ? token.holder : undefined;
  };
}

interface HeldToken {
  /** Seconds. */
  readonly expires: number;
  readonly holder: TokenHolder;
}

/** Of the tokens, by hash, that are bound to a key and open the API for somebody active. */
async function findHolders(query: Query, hashes: readonly string[]): Promise<Map<string, HeldToken>> {
  const tokens = await findTokens(query, hashes);
  const facts = [...tokens.values()];
  const found = await findPersons(
    query,
    facts.map(({ sub }) => sub),
  );
  const persons = new Map(found.map((person) => [person.sub, person]));
  const owners = await ownersOfDevices(
    query,
    facts.flatMap(({ jkt }) => jkt ?? []),
  );
  const held = new Map<string, HeldToken>();
  for (const [hash, { sub, jkt, expires, payload, connection_id, sign_in }] of tokens) {
    const person = persons.get(sub);
    if (jkt === null || person?.status !== 'active' || !scopesOf(payload).includes(API_SCOPE)) continue;
    const holder = {
      sub,
      deviceId: jkt,
      endorsed: owners.get(jkt) === sub,
      assurance: person.assurance,
      connectionId: connection_id,
      signIn: JSON.parse(sign_in) as SignIn,
      accessTokenHash: hash,
    };
    held.set(hash, { expires, holder });
  }
  return held;
}

/** Finds when the access token of a hash ends, in seconds; nothing once it has, whatever ended it. */
export function createFindTokenEnd({ database, clock }: { database: Database; clock: Clock }) {
  return async (accessTokenHash: string): Promise<number | undefined> => {
    const ends = await database.read((query) => findTokenEnd(query, accessTokenHash));
    return ends !== undefined && ends > seconds(clock) ? ends : undefined;
  };
}

function scopesOf(payload: string): string[] {
  const { scope } = JSON.parse(payload) as { scope?: unknown };
  return typeof scope === 'string' ? scope.split(' ') : [];
}
