import { describe, expect, it } from 'vitest';
import { emptyPins, type PinnedGroup, type Pins } from '../../client/pin-store.ts';
import { decodePins, encodePins } from '../../client/pins-format.ts';
import { generateSigningKey } from '../../protocol/ed25519.ts';

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
    const fresh = await pinned({ members: null, kind: 'meeting' });
    expect(decodePins(encodePins(fresh))).toEqual(fresh);
  });

  it('may be absent from what was stored before there were groups', () => {
    expect(decodePins(encodePins(PINS))).toEqual(PINS);
  });

  it.each([
    ['a number that goes back below nothing', { seq: -1 }],
    ['no hash', { hash: '' }],
    ['a member of no version', { more: 1 }],
  ])('are refused whole with %s', async (_, changes) => {
    const text = encodePins(await pinned(changes as Partial<PinnedGroup>));
    expect(() => decodePins(text)).toThrow(/pin_store_invalid/);
  });
});
