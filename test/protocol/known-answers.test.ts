import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { codeOf } from './codes.ts';
import { testKey } from './company.ts';
import { KNOWN_ANSWERS, knownAnswer } from './known-answers.ts';
import { everyObject } from './signed-objects/every-object.ts';
import { nameOf, sign, signAgain } from './signed-objects/signed-object.ts';

const objects = await everyObject();
const named = objects.map((object) => [nameOf(object), object] as const);

describe('the known answers', () => {
  it('are there for every type of signed object, and for nothing else', () => {
    const source = readFileSync(new URL('../../protocol/jws.ts', import.meta.url), 'utf8');
    const types = source.match(/(?<=\| ')[a-z-]+\+jwt/g) ?? [];
    expect(types.length).toBeGreaterThan(30);
    expect([...new Set(objects.map(({ type }) => type))].sort()).toEqual([...new Set(types)].sort());
    expect(Object.keys(KNOWN_ANSWERS)).toEqual(named.map(([name]) => name));
  });
});

describe.each(named)('%s', (name, object) => {
  it('comes out of the fixed keys byte by byte, and is taken', async () => {
    expect(KNOWN_ANSWERS[name]).toBe(await sign(object));
    await object.verify(knownAnswer(name));
  });

  it('is refused with a signature of somebody else', async () => {
    const forged = await signAgain(knownAnswer(name), await testKey('mallory'));
    expect(await codeOf(() => object.verify(forged))).toBe('jws_signature');
  });

  it('is refused under another type', async () => {
    const typ = object.type === 'key-binding+jwt' ? 'device-binding+jwt' : 'key-binding+jwt';
    const retyped = await signAgain(knownAnswer(name), object.by, { typ });
    expect(await codeOf(() => object.verify(retyped))).toBe('jws_type');
  });

  it('has exactly its members', async () => {
    const { claims, optional = [], extensible = false, malformed = 'claims_invalid' } = object;
    const wider = await sign(object, { ...claims, more: 1 });
    if (extensible) await object.verify(wider);
    else expect(await codeOf(() => object.verify(wider))).toBe(malformed);
    for (const member of Object.keys(claims).filter((each) => !optional.includes(each))) {
      const { [member as keyof typeof claims]: _, ...rest } = claims;
      const narrower = await sign(object, rest);
      expect([member, await codeOf(() => object.verify(narrower))]).toEqual([member, malformed]);
    }
    for (const member of optional) {
      const { [member as keyof typeof claims]: _, ...rest } = claims;
      await object.verify(await sign(object, rest));
    }
  });
});
