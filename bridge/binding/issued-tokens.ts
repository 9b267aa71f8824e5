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

/** What was issued last over one and the same object, and how. */
interface Recent {
  readonly type: IssuedType;
  readonly serial: number;
  readonly key: string;
  readonly life: number;
  readonly audience: string | undefined;
  readonly entry: Kept;
}

/** Some 3 KB each. What was looked for here longest ago makes room, and is signed anew when it is asked for again. */
const KEPT_TOKENS = 20_000;

export function createIssuedTokens(deps: { signer: Signer; clock: Clock }): IssuedTokens {
  const { signer, clock } = deps;
  const kept = new Map<string, Kept>();

  const hashes = new WeakMap<IssuedBody, string>();
  const recent = new WeakMap<IssuedBody, Recent>();

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

  function find(name: string, now: number, life: number): Kept | undefined {
    const known = kept.get(name);
    return known !== undefined && isFresh(known.iat, now, life) ? known : undefined;
  }

  return {
    async issue(type, body, how) {
      const { life, audience } = how;
      const now = seconds(clock);
      const { serial } = signer.onlineKeys();
      const { x: key } = signer.currentKey('binding');
      const last = recent.get(body);
      const isSame =
        last?.type === type &&
        last.serial === serial &&
        last.key === key &&
        last.life === life &&
        last.audience === audience;
      if (isSame && isFresh(last.entry.iat, now, life)) return last.entry.token;
      const name = `${type} ${serial} ${key} ${hashOf(body)} ${life} ${audience ?? ''}`;
      const entry = find(name, now, life) ?? { token: sign(type, body, how, now), iat: now };
      keep(name, entry);
      recent.set(body, { type, serial, key, life, audience, entry });
      // A failure is not kept: the next one who asks tries again.
      entry.token.catch(() => {
        kept.delete(name);
        recent.delete(body);
      });
      return entry.token;
    },
  };
}

/** Also false when the clock was set back: a token from the future is of no use. */
function isFresh(iat: number, now: number, life: number): boolean {
  return now >= iat && now < iat + life * (1 - BINDING_RENEWAL_PART);
}
