import type { Assurance } from '../../protocol/claims.ts';
import type { SignIn } from '../identity/sign-in.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import { sha256Base64url } from '../lib/hash.ts';
import { equalSecrets } from '../lib/ids.ts';
import type { Database } from '../storage/database.ts';
import { rememberReads } from '../storage/remembered-reads.ts';
import { API_SCOPE } from './provider-configuration.ts';
import { findTokenEnd, findTokens, type TokenFacts } from './record-store.ts';

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
  const findRemembered = rememberReads(
    database,
    async (query, hashes) => parsedTokens(await findTokens(query, hashes)),
    { room: REMEMBERED },
  );
  return async (accessToken: string, jkt: string): Promise<TokenHolder | undefined> => {
    if (accessToken.length > TOKEN_LENGTH) return undefined;
    const hash = sha256Base64url(accessToken);
    const token = (await findRemembered([hash])).get(hash);
    if (token === undefined || token.expires <= seconds(clock)) return undefined;
    return equalSecrets(token.holder.deviceId, jkt) ? token.holder : undefined;
  };
}

interface ParsedToken {
  /** Seconds. */
  readonly expires: number;
  readonly holder: TokenHolder;
}

/** Of those that open the API for somebody active. */
function parsedTokens(tokens: ReadonlyMap<string, TokenFacts>): Map<string, ParsedToken> {
  const parsed = new Map<string, ParsedToken>();
  for (const [hash, { jkt, expires, ...facts }] of tokens) {
    if (jkt === null || facts.status !== 'active' || !scopesOf(facts.payload).includes(API_SCOPE)) continue;
    const holder = {
      sub: facts.sub,
      deviceId: jkt,
      endorsed: facts.device_sub === facts.sub,
      assurance: facts.assurance,
      connectionId: facts.connection_id,
      signIn: JSON.parse(facts.sign_in) as SignIn,
      accessTokenHash: hash,
    };
    parsed.set(hash, { expires, holder });
  }
  return parsed;
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
