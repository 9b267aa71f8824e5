import { expect, it } from 'vitest';
import { CONTENTS_COMPILED } from '../../bridge/lib/limits.ts';
import { compilePolicy } from '../../bridge/policy/content/compile-policy.ts';
import { createCompiledContents } from '../../bridge/policy/content/compiled-contents.ts';
import { readDefaultContent } from '../../bridge/policy/content/default-content.ts';
import { replaceText } from '../fakes/test-policy.ts';

const contentOf = (devices: number) =>
  replaceText(readDefaultContent(), 'context.devices < 20', `context.devices < ${devices}`);

it('compiles the same content once, and forgets the one that was not asked for longest', () => {
  let compiled = 0;
  const compile = createCompiledContents((content) => {
    compiled += 1;
    return compilePolicy(content);
  });
  const first = compile(contentOf(1));
  expect(compile(structuredClone(contentOf(1)))).toBe(first);
  expect(compiled).toBe(1);
  for (let devices = 2; devices <= CONTENTS_COMPILED; devices += 1) compile(contentOf(devices));
  expect(compile(contentOf(1))).toBe(first);
  compile(contentOf(CONTENTS_COMPILED + 1));
  expect(compile(contentOf(1))).toBe(first);
  compile(contentOf(2));
  expect(compiled).toBe(CONTENTS_COMPILED + 2);
});

it('keeps nothing of a content that does not compile', () => {
  const compile = createCompiledContents();
  const invalid = { ...contentOf(1), policies: { 'a.cedar': 'permit (' } };
  for (let time = 0; time < 2; time += 1) {
    expect(() => compile(invalid)).toThrow(expect.objectContaining({ code: 'policy_invalid' }));
  }
});
