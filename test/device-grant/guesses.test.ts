import { describe, expect, it } from 'vitest';
import { USER_CODE_GUESSES } from '../../bridge/lib/limits.ts';
import { createDeviceSignIns } from '../../bridge/oauth/device-sign-ins.ts';
import { MemoryCache } from '../../bridge/storage/memory-cache.ts';
import { isCountersignError } from '../../protocol/errors.ts';

const clock = { now: () => 1_800_000_000_000 };
const RIGHT = 'BCDF-GHJK';

function deviceSignIns() {
  const looked: string[] = [];
  const app = { id: 'rooms', name: 'Rooms' };
  const deps = {
    ...{ cache: new MemoryCache({ clock }), clock },
    deviceCodes: {
      find: async (typed: string) => {
        looked.push(typed);
        return typed === RIGHT ? { userCode: typed, app } : undefined;
      },
    },
    signIns: { choices: async () => [] },
  };
  const signIns = createDeviceSignIns(deps as never);
  const type = async (typed: string, address: string) => {
    const cookie = await signIns.open();
    const form = { typed, address: 'room@acme.example', connection: undefined };
    const context = { actor: { kind: 'anonymous', address }, requestId: 'r' } as const;
    return signIns.begin(cookie, form, context).then(
      ({ next }): string => next,
      (error: unknown) => (isCountersignError(error) ? error.code : String(error)),
    );
  };
  return { looked, type };
}

describe('a user code', () => {
  it('is guessed only so often from a whole IPv6 network, also at once', async () => {
    const { looked, type } = deviceSignIns();
    const codes = await Promise.all(
      Array.from({ length: 500 }, (_, index) => type('ZZZZ-ZZZZ', `2001:db8:0:1::${index.toString(16)}`)),
    );
    expect(looked).toHaveLength(USER_CODE_GUESSES);
    expect(codes.filter((code) => code === 'rate_limited')).toHaveLength(500 - USER_CODE_GUESSES);
    await type(RIGHT, '2001:db8:0:2::1');
    expect(looked.at(-1)).toBe(RIGHT);
  });

  it('does not count the right ones', async () => {
    const { looked, type } = deviceSignIns();
    for (let count = 0; count < 3 * USER_CODE_GUESSES; count += 1) await type(RIGHT, '192.0.2.1');
    expect(looked).toHaveLength(3 * USER_CODE_GUESSES);
    for (let count = 0; count < USER_CODE_GUESSES; count += 1) await type('ZZZZ-ZZZZ', '192.0.2.1');
    expect(await type(RIGHT, '192.0.2.1')).toBe('rate_limited');
  });
});
