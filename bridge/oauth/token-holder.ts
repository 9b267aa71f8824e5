import type { Assurance } from '../../protocol/claims.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import { findDevice } from '../directory/devices.ts';
import { findPerson } from '../directory/persons.ts';
import type { SignIn } from '../identity/sign-in.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import { equalSecrets } from '../lib/ids.ts';
import type { Database } from '../storage/database.ts';
import { API_SCOPE } from './provider-configuration.ts';
import { findToken, findTokenEnd } from './record-store.ts';

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

/**
 * Finds who holds a token bound to the key `jkt`. Everything is read anew each time: a token ends with its grant, its
 * person and its time, and a device is endorsed only as long as it is one of this very person.
 */
export function createFindHolder({ database, clock }: { database: Database; clock: Clock }) {
  return async (accessToken: string, jkt: string): Promise<TokenHolder | undefined> => {
    if (accessToken.length > TOKEN_LENGTH) return undefined;
    return database.read(async (query) => {
      const token = await findToken(query, accessToken);
      if (token === undefined || token.expires <= seconds(clock)) return undefined;
      if (token.jkt === null || !equalSecrets(token.jkt, jkt)) return undefined;
      if (!scopesOf(token.payload).includes(API_SCOPE)) return undefined;
      const person = await findPerson(query, token.sub);
      if (person?.status !== 'active') return undefined;
      const device = await findDevice(query, jkt);
      return {
        sub: person.sub,
        deviceId: jkt,
        endorsed: device?.sub === person.sub,
        assurance: person.assurance,
        connectionId: token.connection_id,
        signIn: JSON.parse(token.sign_in) as SignIn,
        accessTokenHash: sha256Base64url(accessToken),
      };
    });
  };
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
