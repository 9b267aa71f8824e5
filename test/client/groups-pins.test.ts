import { describe, expect, it } from 'vitest';
import { createContext } from '../../client/context.ts';
import { pinGroup } from '../../client/groups/group-pins.ts';
import { createMemoryKeyStore, createMemoryPinStore } from '../../client/memory-stores.ts';
import { emptyPins, type PinnedGroup, type Pins } from '../../client/pin-store.ts';
import { decodePins, encodePins } from '../../client/pins-format.ts';
import { generateSigningKey } from '../../protocol/ed25519.ts';
import { loadTransformEngine } from '../../recrypt/load-node.ts';
import { DAY, NOW } from '../protocol/company.ts';
import { makeGroup } from '../protocol/groups/group-fixture.ts';

const PINS = emptyPins('https://bridge.acme.example');
const ID = 'g'.repeat(43);

async function pinned(changes: Partial<PinnedGroup> = {}): Promise<Pins> {
  const group: PinnedGroup = {
    ...{ iss: 'https://bridge.globex.example', group: ID, kind: 'durable', creator: 'sub-gwen' },
    admins: [{ sub: 'sub-gwen', address: 'gwen@globex.example' }],
    ...{ seq: 2, key_version: 1, signer: (await generateSigningKey(false)).publicKey },
    ...{ hash: 'h'.repeat(43), expected: 'gwen@globex.example' },
    members: { seq: 7, hash: 'm'.repeat(43) },
    ...changes,
  };
  return { ...PINS, groups: { [ID]: group } };
}

describe('pins of groups', () => {
  it('are stored and read as they were', async () => {
    const pins = await pinned();
    expect(decodePins(encodePins(pins))).toEqual(pins);
    const fresh = await pinned({ members: null, kind: 'meeting', ends: 1_800_000_000 });
    expect(decodePins(encodePins(fresh))).toEqual(fresh);
  });

  it('of meetings are forgotten a month after their end, and of durable groups never', async () => {
    const store = createMemoryPinStore();
    const engine = await loadTransformEngine();
    let now = NOW;
    const context = createContext({
      ...{ issuer: PINS.issuer, clientId: 'test-app', engine, pinStore: store },
      ...{ keyStore: createMemoryKeyStore(), clock: { now: () => now * 1000 } },
    });
    const claims = (await makeGroup()).first();
    const seen = (group: string, ends: number | null) => {
      const verified = { claims: { ...claims, group, ends }, token: '', hash: 'h'.repeat(43) };
      return pinGroup(context, verified, 'gwen@globex.example');
    };
    await seen('durable', null);
    await seen('soon', NOW + 3600);
    await seen('later', NOW + 40 * DAY);
    const known = async () => Object.keys((await store.read())?.groups ?? {});
    now = NOW + 30 * DAY;
    await seen('another', now + 3600);
    expect(await known()).toEqual(['durable', 'soon', 'later', 'another']);
    now += 2 * DAY;
    await seen('next', now + 3600);
    expect(await known()).toEqual(['durable', 'later', 'another', 'next']);
  });

  it('may be absent from what was stored before there were groups', () => {
    expect(decodePins(encodePins(PINS))).toEqual(PINS);
  });

  it.each([
    ['a number that goes back below nothing', { seq: -1 }],
    ['no hash', { hash: '' }],
    ['an end that is no time', { ends: -1 }],
    ['a member of no version', { more: 1 }],
  ])('are refused whole with %s', async (_, changes) => {
    const text = encodePins(await pinned(changes as Partial<PinnedGroup>));
    expect(() => decodePins(text)).toThrow(/pin_store_invalid/);
  });
});
