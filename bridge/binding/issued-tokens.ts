import type { Json } from '../../protocol/canonical-json.ts';
import type { ObjectType } from '../../protocol/jws.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import { sha256Base64url } from '../lib/hash.ts';
import { newId } from '../lib/ids.ts';
import { BINDING_RENEWAL_PART } from '../lib/limits.ts';
import type { Signer } from '../signer/signer.ts';

/** Short-lived objects by the `binding` key: signed once, and handed out until half of their life is over. */
export interface IssuedTokens {
  /**
   * A token over `body`, with its id and times added. Another body, another audience or another signing key makes
   * another token, and so does another life (seconds): a shorter one counts at once. A body that was given before as the
   * same object is not looked at again: it must not change.
   */
  issue(
    type: IssuedType,
    body: IssuedBody,
    how: { readonly life: number; readonly audience?: string },
  ): Promise<string>;
}

export type IssuedBody = { readonly [name: string]: Json };

export type IssuedType = Extract<
  ObjectType,
  'key-binding+jwt' | 'device-binding+jwt' | 'identity-attributes+jwt'
>;

interface Kept {
  readonly token: Promise<string>;
  readonly iat: number;
}

/** Some 3 KB each. What was asked for longest ago makes room, and is signed anew when it is asked for again. */
const KEPT_TOKENS = 20_000;

export function createIssuedTokens(deps: { signer: Signer; clock: Clock }): IssuedTokens {
  const { signer, clock } = deps;
  const kept = new Map<string, Kept>();

  const hashes = new WeakMap<IssuedBody, string>();

  function hashOf(body: IssuedBody): string {
    const hash = hashes.get(body) ?? sha256Base64url(JSON.stringify(body));
    hashes.set(body, hash);
    return hash;
  }

  function sign(
    type: IssuedType,
    body: IssuedBody,
    { life, audience }: Parameters<IssuedTokens['issue']>[2],
    iat: number,
  ): Promise<string> {
    const times = { jti: newId(), iat, exp: iat + life };
    const notBefore = type === 'identity-attributes+jwt' ? {} : { nbf: iat };
    return signer.sign('binding', type, { ...body, aud: audience, ...times, ...notBefore });
  }

  function keep(name: string, entry: Kept): void {
    kept.delete(name);
    kept.set(name, entry);
    for (const oldest of kept.keys()) {
      if (kept.size <= KEPT_TOKENS) break;
      kept.delete(oldest);
    }
  }

  return {
    async issue(type, body, how) {
      const { life, audience } = how;
      const now = seconds(clock);
      const signedBy = `${signer.onlineKeys().serial} ${signer.currentKey('binding').x}`;
      const name = `${type} ${signedBy} ${hashOf(body)} ${life} ${audience ?? ''}`;
      const known = kept.get(name);
      if (known !== undefined && isFresh(known.iat, now, life)) {
        keep(name, known);
        return known.token;
      }
      const token = sign(type, body, how, now);
      keep(name, { token, iat: now });
      // A failure is not kept: the next one who asks tries again.
      token.catch(() => kept.delete(name));
      return token;
    },
  };
}

/** Also false when the clock was set back: a token from the future is of no use. */
function isFresh(iat: number, now: number, life: number): boolean {
  return now >= iat && now < iat + life * (1 - BINDING_RENEWAL_PART);
}
