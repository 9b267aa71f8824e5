import { isMultiFactor } from '../../protocol/multi-factor.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import type { SignInFacts } from '../policy/decision.ts';
import type { Holder } from './holder.ts';

/** How the holder signed in, as policies may ask. */
export function signInFacts({ signIn }: Pick<Holder, 'signIn'>, clock: Clock): SignInFacts {
  const { protocol, acr, amr, authTime } = signIn;
  return {
    protocol,
    ...(acr === null ? {} : { acr }),
    amr,
    ...(authTime === null ? {} : { age: Math.max(0, seconds(clock) - authTime) }),
    multiFactor: isMultiFactor(signIn),
  };
}
