import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { POLICY_LEVELS, POLICY_RULES, POLICY_TOKENS } from '../../bridge/lib/limits.ts';
import { compilePolicy } from '../../bridge/policy/content/compile-policy.ts';
import { readDefaultContent } from '../../bridge/policy/content/default-content.ts';
import { PolicyFaults } from '../../bridge/policy/content/policy-faults.ts';
import { readPolicyFolder } from '../../bridge/policy/content/policy-folder.ts';
import { formatFaults, formatted } from '../../bridge/policy/content/policy-format.ts';
import { isCountersignError } from '../../protocol/errors.ts';
import { POLICY_FILES, POLICY_LENGTH, type PolicyContent } from '../../protocol/policy-bundle.ts';
import { onlyFile, policyText, withFile } from './policy-texts.ts';

const ENROL = 'permit (principal is Countersign::Person, action == Countersign::Action::"enrol", resource)';

/** Each line of the detail of `policy_invalid`. */
function faultsOf(work: () => unknown): string[] {
  try {
    work();
  } catch (error) {
    if (!isCountersignError(error, 'policy_invalid')) throw error;
    expect(error.cause).toBeInstanceOf(PolicyFaults);
    return (error.detail ?? '').split('\n');
  }
  throw new Error('nothing is wrong with it');
}

const faultsIn = (content: PolicyContent) => faultsOf(() => compilePolicy(content));

describe('a policy is refused', () => {
  it.each([
    [
      'without an id',
      '@reason("x")\npermit (principal, action, resource);',
      'own.cedar:1: the policy has no `@id`',
    ],
    [
      'with an id that is no name',
      '@id("All of it!")\n@reason("x")\npermit (principal, action, resource);',
      'own.cedar:1: “All of it!” is no id for a policy',
    ],
    [
      'with an id that the engine answers under itself',
      '@id("no-permit")\n@reason("x")\npermit (principal, action, resource);',
      'own.cedar:1: “no-permit” is no id for a policy',
    ],
    [
      'without a reason',
      '@id("all")\npermit (principal, action, resource);',
      'own.cedar:1: policy “all”: it has no `@reason` of one line',
    ],
    [
      'with a reason of two lines',
      '@id("all")\n@reason("a\\nb")\npermit (principal, action, resource);',
      'policy “all”: it has no `@reason` of one line',
    ],
    ['that is a template', 'permit (principal == ?principal, action, resource);', 'a template (`?principal`'],
    ['that is no Cedar, at its line', '\n\npermit (principal, action);', 'own.cedar:3: '],
    [
      'that asks for an attribute which nobody has, at its line',
      policyText('typo', `${ENROL}\nwhen { context.own &&\n  context.devics < 3 }`),
      'own.cedar:5: policy “typo”: attribute `devics` in context for Countersign::Action::"enrol" not found. Did you mean `devices`?',
    ],
    [
      'that relies on what is not always known',
      policyText('unsure', `${ENROL} when { context.signIn.multiFactor }`),
      'policy “unsure”: ',
    ],
    [
      'that compares what cannot be equal',
      policyText('types', `${ENROL} when { context.devices == "3" }`),
      'policy “types”: the types Long and String are not compatible',
    ],
    [
      'for an action that there is not',
      policyText('typo', 'permit (principal, action == Countersign::Action::"enrole", resource)'),
      'policy “typo”: unrecognized action `Countersign::Action::"enrole"`. Did you mean `Countersign::Action::"enrol"`?',
    ],
    [
      'that can never apply',
      policyText('never', `${ENROL} when { context.devices < 3 && false }`),
      'policy “never”: policy is impossible',
    ],
    [
      'whose letters only look like what they are not',
      policyText('looks', `${ENROL} when { principal.assurance == "memb\u0435r" }`),
      'policy “looks”: ',
    ],
  ])('%s', (_, text, fault) => {
    const faults = faultsIn(onlyFile(text));
    expect(faults[0]).toContain(fault);
    expect(faults[0]).toMatch(/^own\.cedar:\d+: /);
  });

  it('whose id another file has, and the fault names both places', () => {
    const [fault] = faultsIn(withFile(policyText('enrol-self', ENROL)));
    expect(fault).toMatch(
      /^own\.cedar:1: policy “enrol-self”: the id stands at enrolment\.cedar:\d+ already\. /,
    );
  });

  it('that is for what this version of the bridge does not know, though its own schema does', () => {
    const { schema } = readDefaultContent();
    const wider = schema.replace('action "look-up" appliesTo', 'action "levitate", "look-up" appliesTo');
    const text = policyText('up', 'permit (principal, action == Countersign::Action::"levitate", resource)');
    const [fault] = faultsIn({ ...onlyFile(text), schema: wider });
    expect(fault).toContain('(under the schema of this version of the bridge)');
    expect(() => compilePolicy({ ...onlyFile(policyText('ok', ENROL)), schema: wider })).not.toThrow();
  });

  it('whose own schema does not parse', () => {
    const content = readDefaultContent();
    const faults = faultsIn({
      ...content,
      schema: `${content.schema}\nnamespace X { entity A = { a: B }; }`,
    });
    expect(faults[0]).toMatch(/^countersign\.cedarschema:\d+: failed to resolve type: B/);
  });
});

describe('a content is refused', () => {
  it('with all that is wrong with it, not with the first fault alone', () => {
    const { schema, data } = readDefaultContent();
    const faults = faultsIn({
      schema,
      data: { ...data, colour: 'red' },
      policies: { 'a.cedar': 'permit (', 'b.cedar': 'permit (principal, action, resource);' },
    });
    expect(faults.map((fault) => fault.split(':')[0])).toEqual(['a.cedar', 'b.cedar', 'data.json']);
  });

  it.each(['notes.txt', '../a.cedar', 'A.cedar', '.cedar', 'a/b.cedar'])('with a file named %s', (name) => {
    const [fault] = faultsIn({ ...readDefaultContent(), policies: { [name]: '' } });
    expect(fault?.startsWith(`${name}: `)).toBe(true);
  });

  it('with more text, or more files, than there may be', () => {
    expect(faultsIn(onlyFile(`// ${'x'.repeat(POLICY_LENGTH)}`))[0]).toContain('too long');
    const files = Array.from({ length: POLICY_FILES + 1 }, (_, index) => [`f${index}.cedar`, '']);
    const policies: Record<string, string> = Object.fromEntries(files);
    expect(faultsIn({ ...readDefaultContent(), policies })[0]).toContain('too many files');
  });

  it.each([
    ['a life beyond a week', { binding: { default: 604_801 } }, 'data.json: lifetimes.binding.default: '],
    ['a life of part of a second', { meeting: 3_600.5 }, 'data.json: lifetimes.meeting: '],
    [
      'a life for an assurance that there is not',
      { binding: { default: 3_600, alien: 3_600 } },
      'data.json: ',
    ],
  ])('with %s', (_, changed, fault) => {
    const content = readDefaultContent();
    const { lifetimes } = content.data;
    if (typeof lifetimes !== 'object' || lifetimes === null) throw new Error('no lifetimes');
    const data = { lifetimes: { ...lifetimes, ...changed } };
    expect(faultsIn({ ...content, data }).join('\n')).toContain(fault);
  });
});

describe('a content whose text nests so deeply that Cedar would not survive it', () => {
  const nested = (open: string, inner: string, close: string, times = 4_000) =>
    `${open.repeat(times)}${inner}${close.repeat(times)}`;
  const conditions = {
    parentheses: nested('(', 'true', ')'),
    sets: `${nested('[', '1', ']')} == 1`,
    records: `${nested('{a: ', '1', '}')} == 1`,
    ifs: nested('if true then ', 'true', ' else true', 2_000),
    'ifs after each other': nested('if true then true else ', 'true', ''),
    negations: nested('!(', 'true', ')'),
    calls: `context${nested('.contains(1)', '', '')}`,
    members: `context${nested('.a', '', '')}`,
    'what is had': `context has a${nested('.a', '', '')}`,
    sums: `${nested('1 + ', '1', '')} == 1`,
    conjunctions: nested('true && ', 'true', ''),
    'conditions after each other': `true }${nested(' when { true }', '', '')} when { true`,
    'what only a comment parts': nested('(//)"\n', 'true', ')'),
    'what stands after a string that only seems to end': `"\\"" == ${nested('[', '1', ']')}`,
  };

  it.each(Object.entries(conditions))('is refused before Cedar sees it: %s', (_, condition) => {
    const [fault] = faultsIn(withFile(policyText('deep', `${ENROL} when { ${condition} }`)));
    expect(fault).toMatch(/^own\.cedar:\d+: .*(nested more than 24 deep|more than 80 operators)/);
  });

  it.each([
    ['records', `entity Deep = { a: ${nested('{ a: ', 'Long', '}')} };`],
    ['sets', `entity Deep = { a: ${nested('Set<', 'Long', '>')} };`],
    ['namespaces', nested('namespace Deep {', '', '}')],
  ])('is refused for its schema: %s', (_, more) => {
    const content = readDefaultContent();
    const [fault] = faultsIn({ ...content, schema: `${content.schema}\n${more}` });
    expect(fault).toMatch(/^countersign\.cedarschema:\d+: .*(nested more than|operators)/);
  });

  it('leaves the engine as it was: what is decided, and what compiles', () => {
    const request = {
      action: 'enrol',
      principal: { kind: 'person', id: 'alice', assurance: 'member', endorsed: false },
      resource: { kind: 'address', id: 'alice@acme.example', owner: 'alice' },
      context: { devices: 3 },
    } as const;
    const policy = compilePolicy(readDefaultContent(), { remembered: 0 });
    for (const condition of Object.values(conditions)) {
      faultsIn(withFile(policyText('deep', `${ENROL} when { ${condition} }`)));
    }
    expect(policy.decide(request)).toMatchObject({ effect: 'allow', policy: 'enrol-self' });
    expect(() => compilePolicy(withFile('\n'))).not.toThrow();
  });
});

describe('a content that would take long to compile', () => {
  const named = (from: number, to: number, scope: string) =>
    Array.from({ length: to - from }, (_, index) =>
      policyText(`p-${from + index}`, `forbid (${scope}) when { context.own }`),
    ).join('');
  const SCOPE = 'principal is Countersign::Person, action == Countersign::Action::"enrol", resource';

  it('is refused when it has more policies than there may be', () => {
    const most = onlyFile(named(0, POLICY_RULES, SCOPE));
    const more = onlyFile(named(0, POLICY_RULES + 1, SCOPE));
    expect(compilePolicy(most).policies).toHaveLength(POLICY_RULES);
    expect(faultsIn(more)).toEqual([expect.stringContaining('there are 301 policies, more than 300')]);
  });

  it('is refused when too much of it is for every action', () => {
    const [fault, ...others] = faultsIn(onlyFile(named(0, 100, 'principal, action, resource')));
    expect(fault).toMatch(/^content: the policies have \d+ characters, counted once for each action/);
    expect(others).toEqual([]);
  });

  it('is refused when its texts have more words and signs than Cedar reads in time', () => {
    const wide = policyText('wide', `forbid (${SCOPE}) when { [${'1,'.repeat(POLICY_TOKENS)}].contains(2) }`);
    expect(faultsIn(onlyFile(wide))).toEqual([expect.stringMatching(/^content: the texts have \d+ words/)]);
  });

  it('takes no more than a moment of the processor as the largest that is taken', () => {
    const content = onlyFile(named(0, 50, 'principal, action, resource'));
    compilePolicy(content);
    const before = process.cpuUsage();
    compilePolicy({ ...content, policies: { ...content.policies, 'empty.cedar': '' } });
    const { user, system } = process.cpuUsage(before);
    // It is half a second, and several times that on a slow machine.
    expect((user + system) / 1_000).toBeLessThan(5_000);
  });
});

describe('a content is taken', () => {
  it.each([
    ['as deeply as it may be nested', `${'('.repeat(POLICY_LEVELS - 2)}true${')'.repeat(POLICY_LEVELS - 2)}`],
    [
      'with brackets in strings and comments',
      `context.own || "${'[('.repeat(99)}" == "a" // ${'{'.repeat(99)}\n`,
    ],
    [
      'with any number of things beside each other',
      `principal in [${'Countersign::Person::"a", '.repeat(500)}]`,
    ],
  ])('%s', (_, condition) => {
    const text = policyText('wide', `${ENROL} when { context.own && (${condition}) }`);
    expect(compilePolicy(onlyFile(text)).policies).toHaveLength(1);
  });
});

describe('a folder of policies', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'policies-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('is refused with every file that is missing, does not belong there, or is no JSON', () => {
    writeFileSync(join(folder, 'notes.txt'), 'x');
    writeFileSync(join(folder, 'data.json'), '[]');
    expect(faultsOf(() => readPolicyFolder(folder)).map((fault) => fault.split(':')[0])).toEqual([
      ...['notes.txt', 'countersign.cedarschema', 'data.json'],
    ]);
  });

  it('is refused when a file is not UTF-8', () => {
    const { schema, data } = readDefaultContent();
    writeFileSync(join(folder, 'countersign.cedarschema'), schema);
    writeFileSync(join(folder, 'data.json'), JSON.stringify(data));
    writeFileSync(join(folder, 'a.cedar'), new Uint8Array([0xff]));
    expect(faultsOf(() => readPolicyFolder(folder))[0]).toMatch(/^a\.cedar: cannot be read: /);
  });

  it('is refused when it is not there', () => {
    expect(() => readPolicyFolder(join(folder, 'none'))).toThrow(
      expect.objectContaining({ code: 'policy_invalid' }),
    );
  });
});

describe('the form of a file', () => {
  const text = formatted(`${policyText('a', ENROL)}\n// shown:\n// permit (;\n`);

  it('is that of Cedar’s formatter, and stays as it is', () => {
    expect(formatted(text)).toBe(text);
    expect(formatFaults(onlyFile(text))).toEqual([]);
    expect(text).toContain(';\n\n// shown');
  });

  it('is found wrong at the line where it is', () => {
    const wrong = text.replace('  action ==', 'action ==');
    expect(formatFaults(onlyFile(wrong))).toMatchObject([{ file: 'own.cedar', line: 5 }]);
  });
});
