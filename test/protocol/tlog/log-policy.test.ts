import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { meetsQuorum, parseLogPolicy } from '../../../protocol/tlog/log-policy.ts';
import { formatVerifierKey } from '../../../protocol/tlog/verifier-key.ts';
import { codeOf } from '../codes.ts';
import { noteSigner } from './note-signer.ts';

const NAMES = ['X1', 'X2', 'X3', 'Y1', 'Y2', 'Y3'] as const;
const LOG = formatVerifierKey((await noteSigner('log.example')).logKey);
const witnessKeys = new Map<string, string>();
for (const name of NAMES) {
  witnessKeys.set(name, formatVerifierKey((await noteSigner(`${name}.example`)).witnessKey));
}
const witness = (name: (typeof NAMES)[number]) => `witness ${name} ${witnessKeys.get(name)}`;

const POLICY = `# two organizations
log ${LOG} https://log.example/

\t ${NAMES.map(witness).join('\n')}
group X 2 X1  X2\tX3
group Y any Y1 Y2 Y3
  # both
group X-and-Y all X Y
quorum X-and-Y
`;

describe('A log policy', () => {
  it('says which logs and witnesses there are', () => {
    const policy = parseLogPolicy(POLICY);
    expect(policy.logs.map(({ key, url }) => [formatVerifierKey(key), url])).toEqual([
      [LOG, 'https://log.example/'],
    ]);
    expect([...policy.witnesses.keys()]).toEqual(NAMES);
    expect(policy.witnesses.get('X1')).not.toHaveProperty('url');
    expect(policy.groups.get('X')).toEqual({ threshold: 2, members: ['X1', 'X2', 'X3'] });
    expect(policy.groups.get('X-and-Y')).toEqual({ threshold: 2, members: ['X', 'Y'] });
  });

  it('is met by every set of witnesses that its groups take, and by no other', () => {
    const policy = parseLogPolicy(POLICY);
    fc.assert(
      fc.property(fc.subarray([...NAMES, 'stranger', 'X', 'Y', 'X-and-Y']), (names) => {
        const count = (letter: string) =>
          names.filter((name) => new RegExp(`^${letter}[123]$`).test(name)).length;
        expect(meetsQuorum(policy, names)).toBe(count('X') >= 2 && count('Y') >= 1);
      }),
    );
  });

  it('counts a witness once', () => {
    expect(meetsQuorum(parseLogPolicy(POLICY), ['X1', 'X1', 'Y1'])).toBe(false);
  });

  it('may want one witness, or none', () => {
    const one = parseLogPolicy(`${witness('X1')}\nquorum X1`);
    expect(meetsQuorum(one, ['X1'])).toBe(true);
    expect(meetsQuorum(one, [])).toBe(false);
    expect(meetsQuorum(parseLogPolicy('quorum none\n'), [])).toBe(true);
  });

  it.each([
    ['no quorum', ''],
    ['two quorums', 'quorum none\nquorum none'],
    ['a quorum of two names', 'quorum none none'],
    ['a quorum without a name', 'quorum'],
    ['a quorum that is not defined', 'quorum X1'],
    ['a quorum that is defined below', `quorum X1\n${witness('X1')}`],
    ['an unknown keyword', 'mirror a\nquorum none'],
    ['a keyword in capitals', 'Quorum none'],
    ['a log without a key', 'log\nquorum none'],
    ['a log with a key that is none', `log ${LOG}x\nquorum none`],
    ['a log with the key of a witness', `log ${witnessKeys.get('X1')}\nquorum none`],
    ['more behind the URL', `log ${LOG} https://log.example/ more\nquorum none`],
    ['one log twice', `log ${LOG}\nlog ${LOG}\nquorum none`],
    ['a witness without a key', 'witness X1\nquorum X1'],
    ['a witness with the key of a log', `witness X1 ${LOG}\nquorum X1`],
    ['one key under two names', `${witness('X1')}\n${witness('X1').replace('X1', 'X2')}\nquorum X1`],
    ['one name for two keys', `${witness('X1')}\n${witness('X2').replace('X2', 'X1')}\nquorum X1`],
    ['a witness named none', `${witness('X1').replace('X1', 'none')}\nquorum none`],
    ['a group named as a witness', `${witness('X1')}\ngroup X1 any X1\nquorum X1`],
    ['a group without members', `group g any\nquorum g`],
    ['a group without a threshold', `${witness('X1')}\ngroup g X1\nquorum g`],
    ['a group of none', 'group g any none\nquorum g'],
    ['a group of itself', `${witness('X1')}\ngroup g any g X1\nquorum g`],
    ['a group of one defined below', `group g any X1\n${witness('X1')}\nquorum g`],
    ['a member twice in a group', `${witness('X1')}\ngroup g 2 X1 X1\nquorum g`],
    ['a member of two groups', `${witness('X1')}\ngroup g any X1\ngroup h any X1\nquorum g`],
    ['a threshold of 0', `${witness('X1')}\ngroup g 0 X1\nquorum g`],
    ['a threshold that nobody can meet', `${witness('X1')}\ngroup g 2 X1\nquorum g`],
    ['a threshold with a zero before it', `${witness('X1')}\ngroup g 01 X1\nquorum g`],
    ['a carriage return', 'quorum none\r\n'],
    ['a null', 'quorum none\0\n'],
    ['too many lines', `quorum none${'\n'.repeat(1000)}`],
  ])('is refused with %s', async (_, text) => {
    expect(await codeOf(() => parseLogPolicy(text))).toBe('log_policy_invalid');
  });

  it('says in which line the fault is', () => {
    expect(() => parseLogPolicy('\n# a comment\nquorum nobody\n')).toThrow(
      'line 3: nobody is not defined before',
    );
  });
});
