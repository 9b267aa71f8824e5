import { describe, expect, it } from 'vitest';
import { encapsulate, generateEphemeralKey } from '../../../protocol/meetings/hpke.ts';
import { openPlacement, placementHash, sealPlacement } from '../../../protocol/meetings/placement.ts';
import { deriveKey, randomKey, unwrapKey, wrapKey } from '../../../protocol/meetings/tree-keys.ts';
import { nodeAt } from '../../../protocol/meetings/tree-shape.ts';
import { codeOf } from '../codes.ts';
import { testDigest } from '../company.ts';
import { GLOBEX, GROUP } from './meeting.ts';

const PLACE = {
  ...{ group: GROUP, term: 1, epoch: 5, challenge: testDigest('challenge') },
  ...{ leaf: 3, iss: GLOBEX, sub: 'sub-bob', device_id: testDigest('device bob') },
};
const KEYS = [randomKey(), randomKey(), randomKey()];

describe('a placement', () => {
  it('opens for the one place and the one key that it is for', async () => {
    const own = await generateEphemeralKey();
    const box = await sealPlacement(await encapsulate(own.publicKey), PLACE, KEYS);
    expect(await openPlacement(box, PLACE, 2, own)).toEqual({ leaf: 3, keys: KEYS });
    const others = [
      { ...PLACE, group: testDigest('other group') },
      { ...PLACE, term: 2 },
      { ...PLACE, epoch: 6 },
      { ...PLACE, challenge: testDigest('other challenge') },
      { ...PLACE, leaf: 2 },
      { ...PLACE, iss: 'https://bridge.acme.example' },
      { ...PLACE, sub: 'sub-carol' },
      { ...PLACE, device_id: testDigest('device carol') },
    ];
    for (const place of others) {
      expect(await codeOf(() => openPlacement(box, place, 2, own))).toBe('rekey_mismatch');
    }
    const another = await generateEphemeralKey();
    expect(await codeOf(() => openPlacement(box, PLACE, 2, another))).toBe('rekey_mismatch');
  });

  it('is refused with more or fewer keys than the tree has levels, and cut off', async () => {
    const own = await generateEphemeralKey();
    const box = await sealPlacement(await encapsulate(own.publicKey), PLACE, KEYS);
    for (const levels of [1, 3]) {
      expect(await codeOf(() => openPlacement(box, PLACE, levels, own))).toBe('rekey_mismatch');
    }
    for (const bad of [box.slice(0, 40), '', box.slice(0, -4)]) {
      expect(await codeOf(() => openPlacement(bad, PLACE, 2, own))).toBe('rekey_mismatch');
    }
    expect(await codeOf(() => placementHash('no base64url!'))).toBe('malformed_request');
  });
});

describe('keys derived from one of the tree', () => {
  it('differ by everything that they are derived for', () => {
    const [key = randomKey()] = KEYS;
    const node = nodeAt(1, 0);
    const names = [
      deriveKey(key, 'wrap', node, PLACE),
      deriveKey(key, 'parent', node, PLACE),
      deriveKey(key, 'advance', node, PLACE),
      deriveKey(key, 'epoch', node, PLACE),
      deriveKey(key, 'wrap', nodeAt(0, 1), PLACE),
      deriveKey(key, 'wrap', node, { ...PLACE, group: testDigest('other group') }),
      deriveKey(key, 'wrap', node, { ...PLACE, term: 2 }),
      deriveKey(key, 'wrap', node, { ...PLACE, epoch: 6 }),
      deriveKey(key, 'wrap', node, { ...PLACE, challenge: testDigest('other challenge') }),
      deriveKey(randomKey(), 'wrap', node, PLACE),
    ].map(String);
    expect(new Set(names).size).toBe(names.length);
  });

  it('wrap keys of 32 bytes and nothing else', async () => {
    const wrapping = randomKey();
    const key = randomKey();
    expect(await unwrapKey(wrapping, await wrapKey(wrapping, key))).toEqual(key);
    const short = await wrapKey(wrapping, key.subarray(16));
    expect(await codeOf(() => unwrapKey(wrapping, short))).toBe('rekey_mismatch');
    expect(await codeOf(async () => unwrapKey(randomKey(), await wrapKey(wrapping, key)))).toBe(
      'rekey_mismatch',
    );
  });
});
