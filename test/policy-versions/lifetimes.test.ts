import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { seconds } from '../../bridge/lib/clock.ts';
import type { Policy } from '../../bridge/policy/policy.ts';
import { deviceBindingSchema } from '../../protocol/device.ts';
import { signGroupKey } from '../../protocol/groups/group-key.ts';
import { decodeClaims } from '../../protocol/jws.ts';
import { keyBindingSchema } from '../../protocol/key-binding.ts';
import type { PolicyContent } from '../../protocol/policy-bundle.ts';
import { expectCode } from '../binding/expect-code.ts';
import { type BridgeParts, bridgeParts } from '../fakes/bridge-parts.ts';
import { contextOf, type Enrolled, enrol } from '../fakes/client-side.ts';
import { beginGroup, groupsOf, makeGroup, nextGroupKey } from '../fakes/group-side.ts';
import { withLifetimes } from '../fakes/test-lifetimes.ts';
import { testPolicy } from '../fakes/test-policy.ts';

const HOUR = 3_600;
const ALICE = 'alice@acme.example';

let inForce: Policy;
let parts: BridgeParts;
let alice: Enrolled;

/** Another policy comes into force, under services that go on. */
function activate(lifetimes: PolicyContent['data']): void {
  inForce = testPolicy({ change: withLifetimes(lifetimes) });
}

beforeEach(async () => {
  inForce = testPolicy();
  // The target stands for nothing: what is read is read of the policy in force.
  const policy = new Proxy(inForce, { get: (_, name) => Reflect.get(inForce, name) });
  parts = await bridgeParts({ replace: () => ({ policy }) });
  alice = await enrol(parts, await parts.addPerson({ addresses: [ALICE] }));
});

afterEach(() => parts.remove());

describe('what the bridge signs', () => {
  const lives = async () => {
    const answer = await parts.credentials.forAddress(ALICE);
    if (answer.status !== 'credential') throw new Error(answer.status);
    const device = (await parts.credentials.deviceBinding(alice.who.deviceId)) ?? '';
    const key = decodeClaims(answer.credential.binding, 'key-binding+jwt', keyBindingSchema);
    const bound = decodeClaims(device, 'device-binding+jwt', deviceBindingSchema);
    return { key: key.exp - key.iat, device: bound.exp - bound.iat };
  };

  it('lives as long as the policy in force says for such a person, also what was signed just before', async () => {
    expect(await lives()).toEqual({ key: 24 * HOUR, device: 24 * HOUR });
    activate({ binding: { default: 2 * HOUR }, device_binding: { default: 3 * HOUR } });
    expect(await lives()).toEqual({ key: 2 * HOUR, device: 3 * HOUR });
    activate({
      binding: { default: 2 * HOUR, member: 4 * HOUR, room: HOUR },
      device_binding: { default: 3 * HOUR, member: 5 * HOUR },
    });
    expect(await lives()).toEqual({ key: 4 * HOUR, device: 5 * HOUR });
  });
});

describe('a meeting', () => {
  const endsIn = (after: number) => seconds(parts.clock) + after;
  const meeting = (ends: number) => ({ kind: 'meeting' as const, ends, admins: [alice.who.sub] });

  it('ends within the time that policy gives meetings', async () => {
    const on = { parts, groups: groupsOf(parts) };
    activate({ meeting: 2 * HOUR });
    await expectCode(beginGroup(on, alice, meeting(endsIn(2 * HOUR + 1))), 'malformed_request');
    const { offer } = await beginGroup(on, alice, meeting(endsIn(2 * HOUR)));
    expect(offer.group_key.crv).toBe('recrypt-256');
  });

  it('of before may keep its end, and does not go on beyond it', async () => {
    const on = { parts, groups: groupsOf(parts) };
    const made = await makeGroup(on, alice, meeting(endsIn(24 * HOUR)));
    activate({ meeting: 2 * HOUR });
    const renew = async (ends: number) => {
      const iat = seconds(parts.clock);
      const token = await signGroupKey(alice.device.sig, nextGroupKey(made, { label: 'Sync', ends, iat }));
      return on.groups.keys.renew(alice.who, made.group, { token }, contextOf(alice.who));
    };
    await expectCode(renew(endsIn(24 * HOUR) + 1), 'malformed_request');
    expect((await renew(endsIn(24 * HOUR))).tokens).toHaveLength(2);
  });
});
