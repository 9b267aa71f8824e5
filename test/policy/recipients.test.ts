import { describe, expect, it } from 'vitest';
import { compilePolicy } from '../../bridge/policy/content/compile-policy.ts';
import { readDefaultContent } from '../../bridge/policy/content/default-content.ts';
import { decideRecipients } from '../../bridge/policy/content/recipients.ts';
import { isCountersignError } from '../../protocol/errors.ts';
import type { PolicyContent } from '../../protocol/policy-bundle.ts';
import { readAnnotatedPolicies } from '../../protocol/recipients/cedar-annotations.ts';
import { testPolicy, uncomment } from '../fakes/test-policy.ts';

const HR = 'H'.repeat(43);
const BOARD = 'B'.repeat(43);

/** A permit of `receive`, as an administrator writes it. */
function permit(id: string, annotations: string, when: string): string {
  return `@id("${id}")
@reason("A test.")
${annotations}
permit (
  principal is Countersign::Person,
  action == Countersign::Action::"receive",
  resource is Countersign::Data
)
when { ${when} };
`;
}

const withRecipients =
  (text: string) =>
  (content: PolicyContent): PolicyContent => ({
    ...content,
    policies: { ...content.policies, 'recipients.cedar': text },
  });

const STAFF = `@order("20") @recipients("group:${HR}, %USER%")`;
const SECRET = `@order("3") @recipients("group:${BOARD}")`;
const ANY = `@order("100") @recipients("%LOGGED_IN_USER%")`;
const FORBID = permit('guests-nothing', '', 'principal.assurance == "guest"').replace('permit (', 'forbid (');

const RULES = [
  permit('any', ANY, 'true'),
  permit('staff', STAFF, 'resource.category == "staff"'),
  permit('secret', SECRET, 'resource.sensitivity == "secret"'),
  FORBID,
].join('\n');

function decide(
  { category, sensitivity }: { category: string; sensitivity: string },
  assurance: 'member' | 'guest' = 'member',
  policy = testPolicy({ change: withRecipients(RULES) }),
) {
  const principal = { kind: 'person', id: 'ada', assurance, endorsed: true } as const;
  return decideRecipients(policy, { principal, context: {} }, { category, sensitivity });
}

describe('the recipients of data', () => {
  it('are those of the first permit that fits, by order and not by place', () => {
    expect(decide({ category: 'staff', sensitivity: 'secret' }).rule?.policy).toBe('secret');
    expect(decide({ category: 'staff', sensitivity: 'low' }).rule?.policy).toBe('staff');
    expect(decide({ category: 'recipe', sensitivity: 'low' }).rule?.policy).toBe('any');
  });

  it('are ordered by number, not by letters', () => {
    const { decision, rule } = decide({ category: 'staff', sensitivity: 'secret' });
    expect([...decision.policies].sort()).toEqual(['any', 'secret', 'staff']);
    expect(rule?.order).toBe(3);
  });

  it('are nobody where a forbid fits, whatever permits', () => {
    const { decision, rule } = decide({ category: 'staff', sensitivity: 'low' }, 'guest');
    expect(rule).toBeUndefined();
    expect(decision).toMatchObject({ effect: 'deny', policy: 'guests-nothing' });
  });

  it('are nobody where no permit fits', () => {
    const { decision, rule } = decide({ category: 'recipe', sensitivity: 'low' }, 'member', testPolicy());
    expect(rule).toBeUndefined();
    expect(decision).toMatchObject({ effect: 'deny', policy: 'no-permit' });
  });

  it('are, as shipped, for personal data, the person whom it is about and whoever encrypts it', () => {
    const { rule } = decide({ category: 'personal', sensitivity: 'low' }, 'member', testPolicy());
    expect(rule).toMatchObject({
      policy: 'personal-data-to-whom-it-is-about',
      terms: [{ kind: 'data-subject' }, { kind: 'asker' }],
    });
  });

  it('may be as the examples in the shipped file are', () => {
    const policy = testPolicy({
      change: (content) =>
        uncomment(
          uncomment(content, 'recipients.cedar', 'guests-encrypt-nothing-secret'),
          'recipients.cedar',
          'staff-files-to-personnel',
        ),
    });
    expect(decide({ category: 'staff', sensitivity: 'low' }, 'guest', policy).rule?.policy).toBe(
      'staff-files-to-personnel',
    );
    expect(decide({ category: 'staff', sensitivity: 'secret' }, 'guest', policy).rule).toBeUndefined();
  });
});

/** Every fault, without the file and the line. */
function faultsOf(text: string): string[] {
  try {
    compilePolicy(withRecipients(text)(readDefaultContent()));
    return [];
  } catch (error) {
    if (!isCountersignError(error, 'policy_invalid')) throw error;
    return (error.detail ?? '').split('\n');
  }
}

describe('a policy for recipients does not validate', () => {
  it.each([
    ['without an order', permit('staff', '@recipients("%USER%")', 'true'), 'it has no `@order`'],
    [
      'with a word for an order',
      permit('staff', '@order("first") @recipients("%USER%")', 'true'),
      '“first” is no order',
    ],
    [
      'with a negative order',
      permit('staff', '@order("-1") @recipients("%USER%")', 'true'),
      '“-1” is no order',
    ],
    [
      'with an order that has two forms',
      permit('staff', '@order("01") @recipients("%USER%")', 'true'),
      '“01” is no order',
    ],
    ['without recipients', permit('staff', '@order("1")', 'true'), 'it has no `@recipients`'],
    [
      'with an unknown placeholder',
      permit('staff', '@order("1") @recipients("%ADMIN%")', 'true'),
      '"%ADMIN%"',
    ],
    [
      'with a group that has no id',
      permit('staff', '@order("1") @recipients("group:personnel")', 'true'),
      '"group:personnel"',
    ],
    [
      'with the order of another',
      permit('staff', STAFF, 'true') + permit('also-staff', STAFF, 'true'),
      '`@order("20")` is that of “staff”, too',
    ],
    [
      'that forbids and names recipients',
      FORBID.replace('forbid (', `${ANY}\nforbid (`),
      '`@recipients` is for permits of "receive" alone',
    ],
    [
      'that is for other actions, too',
      permit('staff', STAFF, 'true').replace(
        'action == Countersign::Action::"receive"',
        'action in [Countersign::Action::"receive", Countersign::Action::"resolve-recipients"]',
      ),
      'it is for "receive" and for other actions',
    ],
    [
      'that is for another action, and names recipients',
      permit('staff', STAFF, 'true').replace('"receive"', '"resolve-recipients"'),
      '`@order` is for permits of "receive" alone',
    ],
  ])('%s', (_, text, fault) => {
    expect(faultsOf(permit('sound', '@order("7") @recipients("%USER%")', 'true'))).toEqual([]);
    const faults = faultsOf(text);
    expect(faults.join('\n')).toContain(fault);
    expect(faults[0]).toMatch(/^recipients\.cedar:\d+: policy “/);
  });

  it('and says all that is wrong at once', () => {
    expect(
      faultsOf(permit('one', '', 'true') + permit('two', '@order("x") @recipients("")', 'true')),
    ).toHaveLength(4);
  });
});

describe('what a client reads of policies without an engine', () => {
  it('is what the engine reads, in every file that is shipped', () => {
    const content = readDefaultContent();
    const read = Object.values(content.policies).flatMap(readAnnotatedPolicies);
    const known = read.map(({ effect, annotations }) => ({
      effect,
      annotations: Object.fromEntries(annotations),
    }));
    const { policies } = compilePolicy(content);
    const byId = (left: { annotations: Readonly<Record<string, string>> }) => left.annotations.id ?? '';
    const sorted = <Each extends { annotations: Readonly<Record<string, string>> }>(list: readonly Each[]) =>
      [...list].sort((left, right) => byId(left).localeCompare(byId(right)));
    expect(sorted(known)).toEqual(
      sorted(policies.map(({ effect, annotations }) => ({ effect, annotations: { ...annotations } }))),
    );
  });
});
