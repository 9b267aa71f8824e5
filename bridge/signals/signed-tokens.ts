import { type Clock, seconds } from '../lib/clock.ts';
import { SIGNAL_POLL_SETS, SIGNAL_RECEIVERS, SIGNAL_TOKEN_LIFE_S } from '../lib/limits.ts';

/** Tokens by `jti`: signs each once in five minutes, however often a receiver asks for it, and however many at once. */
export function createSignedTokens({ clock }: { readonly clock: Clock }) {
  const kept = new Map<string, { readonly signed: number; readonly token: Promise<string> }>();

  return async (jti: string, sign: () => Promise<string>): Promise<string> => {
    const now = seconds(clock);
    const known = kept.get(jti);
    if (known !== undefined && now - known.signed < SIGNAL_TOKEN_LIFE_S) return known.token;
    kept.delete(jti);
    const [oldest] = kept.keys();
    if (oldest !== undefined && kept.size >= SIGNAL_RECEIVERS * SIGNAL_POLL_SETS) kept.delete(oldest);
    const entry = { signed: now, token: sign() };
    kept.set(jti, entry);
    return entry.token.catch((error: unknown) => {
      if (kept.get(jti) === entry) kept.delete(jti);
      throw error;
    });
  };
}
