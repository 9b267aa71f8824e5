import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createWatches, type Watches } from '../../bridge/binding/watches.ts';
import { type BridgeParts, bridgeParts } from '../fakes/bridge-parts.ts';
import { type ChangeablePolicy, changeablePolicy } from '../fakes/changeable-policy.ts';
import { enrol } from '../fakes/client-side.ts';
import { testPolicy } from '../fakes/test-policy.ts';
import { policyText, withFile } from '../policy/policy-texts.ts';

const noGuests = testPolicy({
  change: () =>
    withFile(
      policyText(
        'no-guests',
        `forbid (principal is Countersign::Person, action == Countersign::Action::"look-up", resource)
         when { principal.assurance == "guest" }`,
      ),
    ),
});

let parts: BridgeParts;
let watches: Watches;
let inForce: ChangeablePolicy;

beforeEach(async () => {
  inForce = changeablePolicy(testPolicy());
  parts = await bridgeParts({ replace: () => ({ policy: inForce.policy }) });
  watches = createWatches({
    ...{ ...parts, tokenEnd: async () => Number.MAX_SAFE_INTEGER },
    foreignChanges: async () => [],
  });
  watches.start();
});
afterEach(async () => {
  await watches.stop();
  await parts.remove();
});

async function watching(assurance: 'guest' | 'member') {
  const sub = await parts.addPerson({ addresses: [`${assurance}@acme.example`] });
  const { who } = await enrol(parts, sub);
  const ending = new AbortController();
  const told = watches.watch({ ...who, assurance }, { addresses: ['bob@acme.example'] })(ending.signal);
  expect((await told.next()).value?.changes).toEqual([]);
  let ended = false;
  const next = told.next().finally(() => {
    ended = true;
  });
  return { next, isOver: () => ended, stop: () => ending.abort() };
}

describe('a watch', () => {
  it('ends where another policy does not let its holder look up, and only there', async () => {
    const [guest, member] = [await watching('guest'), await watching('member')];
    inForce.enforce(noGuests);
    expect(await guest.next).toEqual({ done: true, value: undefined });
    expect(member.isOver()).toBe(false);
    member.stop();
    await member.next;
  });
});
