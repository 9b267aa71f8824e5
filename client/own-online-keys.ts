import { CountersignError, isCountersignError } from '../protocol/errors.ts';
import { readHeader } from '../protocol/jws.ts';
import { type OnlineKeys, verifyOnlineKeys } from '../protocol/online-keys.ts';
import { problemError } from './bridge-api.ts';
import type { ClientContext } from './context.ts';
import type { Pins } from './pin-store.ts';

/** The own bridge's online keys, verified under its pinned root. */
export interface OwnOnlineKeys {
  current(): Promise<OnlineKeys>;
  /**
   * Verifies with the keys at hand, and again with fresh ones if that throws `jws_unknown_key`: the bridge may have
   * signed with a key that is new to us. `fresh` says that there is no second time.
   */
  verifying<Result>(verify: (keys: OnlineKeys, fresh: boolean) => Promise<Result>): Promise<Result>;
}

const PATH = '/.well-known/countersign/online-keys';

/** Keys at hand are used this long, seconds, so that a key declared compromised is noticed. */
const REUSE = 600;

export function createOwnOnlineKeys(context: ClientContext): OwnOnlineKeys {
  let held: { keys: OnlineKeys; fetched: number } | null = null;

  async function current(): Promise<OnlineKeys> {
    const now = context.now();
    const age = held === null ? Number.POSITIVE_INFINITY : now - held.fetched;
    if (held !== null && age >= 0 && age < REUSE && now < held.keys.exp) return held.keys;
    held = { keys: await fetchAndPin(context), fetched: now };
    return held.keys;
  }

  return {
    current,
    async verifying(verify) {
      const before = held;
      const keys = await current();
      const fresh = held !== before;
      try {
        return await verify(keys, fresh);
      } catch (error) {
        if (fresh || !isCountersignError(error, 'jws_unknown_key')) throw error;
        held = null;
        return verify(await current(), true);
      }
    },
  };
}

/** Throws `root_mismatch` for another root than pinned, `serial_rollback`, and what does not verify. */
async function fetchAndPin(context: ClientContext): Promise<OnlineKeys> {
  const token = await fetchOnlineKeys(context, context.issuer);
  return context.pins.update(async (pins) => {
    const keys = await verifyOnlineKeys(
      token,
      {
        iss: context.issuer,
        rootThumbprint: ownRoot(context, pins, token),
        leastSerial: pins.own?.serial ?? 0,
      },
      context.now(),
    );
    const own = { root_thumbprint: keys.rootThumbprint, serial: keys.serial };
    const same = pins.own?.root_thumbprint === own.root_thumbprint && pins.own.serial === own.serial;
    return { pins: same ? pins : { ...pins, own }, result: keys };
  });
}

/** The root that must have signed: pinned, or handed out by the company, or else the first one seen. */
function ownRoot(context: ClientContext, pins: Pins, token: string): string {
  const pinned = pins.own?.root_thumbprint ?? null;
  if (context.ownRoot !== null && pinned !== null && pinned !== context.ownRoot) {
    throw new CountersignError('root_mismatch', 'the pinned root is not the one that the company hands out');
  }
  return context.ownRoot ?? pinned ?? readHeader(token).kid;
}

/** The online keys of any bridge, as it publishes them. Throws `bridge_unreachable`, and what it answers. */
export async function fetchOnlineKeys(context: ClientContext, issuer: string): Promise<string> {
  try {
    const response = await context.fetch(`${issuer}${PATH}`, { redirect: 'error' });
    const text = await response.text();
    if (!response.ok) throw problemError(response.status, text);
    return text.trim();
  } catch (error) {
    if (isCountersignError(error)) throw error;
    throw new CountersignError('bridge_unreachable', undefined, { cause: error });
  }
}
