import { describe, expect, it } from 'vitest';
import type { RecipientGroup, Recipients } from '../../protocol/recipients/api.ts';
import { recipientsBodySchema } from '../../protocol/recipients/api.ts';
import { readAnnotatedPolicies } from '../../protocol/recipients/cedar-annotations.ts';
import { assertNamedByPolicy } from '../../protocol/recipients/named-by-policy.ts';
import { nameRecipients, parseRecipientTerms } from '../../protocol/recipients/terms.ts';
import { expectCode } from '../binding/expect-code.ts';

const ISS = 'https://bridge.acme.example';
const HR = 'H'.repeat(43);
const BOARD = 'B'.repeat(43);
const NAMES = { iss: ISS, asker: 'ada@acme.example', dataSubject: 'bob@acme.example' };

async function codeOf(act: () => unknown, code: Parameters<typeof expectCode>[1]): Promise<void> {
  await expectCode((async () => act())(), code);
}

describe('the recipients of a policy', () => {
  it('are groups, the person whom the data is about, and whoever asks', () => {
    const terms = parseRecipientTerms(`group:${HR}, %USER%,%LOGGED_IN_USER% `);
    expect(nameRecipients(terms, NAMES)).toEqual([
      { iss: ISS, group: HR },
      { address: 'bob@acme.example' },
      { address: 'ada@acme.example' },
    ]);
  });

  it('are named once, whoever asks about themselves', () => {
    const terms = parseRecipientTerms('%USER%, %LOGGED_IN_USER%');
    expect(nameRecipients(terms, { ...NAMES, dataSubject: 'Ada@ACME.example' })).toEqual([
      { address: 'ada@acme.example' },
    ]);
  });

  it('cannot be named without the person whom they are about', async () => {
    const terms = parseRecipientTerms('%USER%');
    await codeOf(() => nameRecipients(terms, { ...NAMES, dataSubject: undefined }), 'malformed_request');
  });

  it.each([
    ['nobody', ''],
    ['an empty place', '%USER%,'],
    ['an unknown placeholder', '%ADMIN%'],
    ['a placeholder in small letters', '%user%'],
    ['a group without an id', 'group:'],
    ['a group by its label', 'group:Personnel'],
    ['a group with more behind its id', `group:${HR}:${HR}`],
    ['an address', 'ada@acme.example'],
    ['somebody twice', '%USER%, %USER%'],
    [
      'too many',
      Array.from({ length: 17 }, (_, at) => `group:${String.fromCharCode(65 + at).repeat(43)}`).join(),
    ],
  ])('are refused where they name %s', async (_, text) => {
    await codeOf(() => parseRecipientTerms(text), 'claims_invalid');
  });
});

describe('the annotations of a Cedar text', () => {
  it('are read beside comments, strings and line ends that look like other things', () => {
    const policies = readAnnotatedPolicies(
      [
        '// @id("hidden") permit (principal, action, resource);\r@id("first") // @order("9")',
        '@recipients("%USER%")@bare @path("C:\\\\\\"; forbid")',
        'permit (principal, action, resource) when { resource.category == "a; // \\" @id(" };',
        '@id("second") forbid(principal,action,resource);',
      ].join('\n'),
    );
    expect(policies.map(({ effect, annotations }) => [effect, Object.fromEntries(annotations)])).toEqual([
      ['permit', { id: 'first', recipients: '%USER%', bare: '', path: 'C:\\\\\\"; forbid' }],
      ['forbid', { id: 'second' }],
    ]);
    expect(policies[1]?.text).toBe('@id("second") forbid(principal,action,resource);');
  });

  it.each([
    ['a text that is cut short', '@id("a") permit (principal, action, resource)'],
    ['a string without an end', '@id("a") permit (principal, action, resource) when { "a };'],
    ['an annotation without an end', '@id("a" permit (principal, action, resource);'],
    ['an annotation twice', '@id("a") @id("b") permit (principal, action, resource);'],
    ['another word', '@id("a") allow (principal, action, resource);'],
    ['a value that is no string', '@id(a) permit (principal, action, resource);'],
  ])('are not read from %s', async (_, text) => {
    await codeOf(() => readAnnotatedPolicies(text), 'policy_bundle_invalid');
  });
});

const FILES = {
  'recipients.cedar': `
    @id("staff") @order("10") @recipients("group:${HR}, %USER%")
    permit (principal, action == Countersign::Action::"receive", resource);
    @id("nobody") forbid (principal, action, resource);
    @id("unnamed") permit (principal, action, resource);`,
};

function group(id: string, iss = ISS): { group: RecipientGroup } {
  // What stands in it is for others to judge.
  return { group: { iss, group: id } as RecipientGroup };
}

const BOB = { address: 'bob@acme.example' };

describe('a bridge’s choice of recipients', () => {
  const hold = (recipients: Recipients['recipients'], policy = 'staff', files = FILES) =>
    assertNamedByPolicy(files, { policy, recipients }, NAMES);

  it('counts where it is what the policy names, in any order', () => {
    expect(hold([group(HR), BOB]).annotations.get('order')).toBe('10');
    expect(hold([BOB, group(HR)]).effect).toBe('permit');
  });

  it.each<[string, Recipients['recipients']]>([
    ['has another group', [group(BOARD), BOB]],
    ['has a group of another bridge', [group(HR, 'https://bridge.evil.example'), BOB]],
    ['has another person', [group(HR), { address: 'eve@acme.example' }]],
    ['has somebody more', [group(HR), BOB, { address: 'eve@acme.example' }]],
    ['leaves somebody out', [BOB]],
    ['names somebody twice in the place of another', [BOB, BOB]],
  ])('is refused where it %s', async (_, recipients) => {
    await codeOf(() => hold(recipients), 'bridge_invalid');
  });

  it.each([
    ['is not there', 'absent', FILES],
    ['forbids', 'nobody', FILES],
    ['names nobody', 'unnamed', FILES],
    ['is there twice', 'staff', { ...FILES, 'more.cedar': FILES['recipients.cedar'] }],
  ])('is refused under a policy that %s', async (_, policy, files) => {
    await codeOf(() => hold([group(HR), BOB], policy, files), 'policy_bundle_invalid');
  });
});

describe('a question for recipients', () => {
  it.each([
    ['a category with a space', { category: 'a b' }],
    ['a category in capitals', { category: 'Personal' }],
    ['an empty category', { category: '' }],
    ['a category of letters that look like others', { category: 'реrsonal' }],
    ['a long sensitivity', { sensitivity: 'a'.repeat(65) }],
    ['no sensitivity', { sensitivity: undefined }],
    ['a member that nobody knows', { owner: 'ada' }],
  ])('is refused with %s', (_, change) => {
    const body = { category: 'personal', sensitivity: 'high', ...change };
    expect(recipientsBodySchema.safeParse(body).success).toBe(false);
    expect(recipientsBodySchema.safeParse({ category: 'personal', sensitivity: 'high' }).success).toBe(true);
  });
});
