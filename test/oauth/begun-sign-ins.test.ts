import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SIGN_IN_RATE_PER_MINUTE } from '../../bridge/lib/limits.ts';
import { type SignInFixture, signInFixture } from '../identity/sign-in-fixture.ts';

let bridge: SignInFixture;
beforeAll(async () => {
  bridge = await signInFixture();
});
afterAll(() => bridge.remove());

describe('Sign-ins that somebody begins', () => {
  it('are counted where the browser opens them too', async () => {
    const open = async () => {
      const answer = await bridge.fetch(`${bridge.issuer}/oauth/authorize`, { redirect: 'manual' });
      await answer.body?.cancel();
      return answer.status;
    };
    const statuses: number[] = [];
    for (let count = 0; count <= SIGN_IN_RATE_PER_MINUTE; count += 1) statuses.push(await open());
    expect(new Set(statuses.slice(0, -1))).toEqual(new Set([400]));
    expect(statuses.at(-1)).toBe(429);
  });
});
