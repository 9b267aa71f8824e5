import { CountersignError } from '../../../protocol/errors.ts';
import { parseLogPolicy } from '../../../protocol/tlog/log-policy.ts';

interface Cosigners {
  readonly witnesses: readonly { readonly vkey: string; readonly url: string }[];
  readonly quorum: number;
  readonly auditors: readonly string[];
  readonly auditor_quorum: number;
}

/**
 * The policy (C2SP tlog-policy) that a bridge itself goes by: its log, its witnesses and their quorum. Auditors cosign
 * in the form that witnesses do, and have a group of their own, `auditors`, as clients read it. Ends without a newline.
 */
export function formatPolicy(
  log: { readonly url: string; readonly vkeys: readonly string[] },
  { witnesses, quorum, auditors, auditor_quorum: auditorQuorum }: Cosigners,
): string {
  const witnessed = quorum > 0 && witnesses.length > 0;
  const audited = auditorQuorum > 0 && auditors.length > 0;
  const text = [
    ...log.vkeys.map((vkey) => `log ${vkey} ${log.url}`),
    ...witnesses.map(({ vkey, url }, index) => `witness w${index + 1} ${vkey} ${url}`),
    ...auditors.map((vkey, index) => `witness a${index + 1} ${vkey}`),
    ...(witnessed ? [`group witnesses ${quorum} ${names('w', witnesses)}`] : []),
    ...(audited ? [`group auditors ${auditorQuorum} ${names('a', auditors)}`] : []),
    `quorum ${witnessed ? 'witnesses' : 'none'}`,
  ].join('\n');
  // whoever pins it must be able to read it
  parseLogPolicy(text);
  if (log.vkeys.length === 0)
    throw new CountersignError('state_refused', 'This bridge has no log key in use.');
  return text;
}

function names(letter: string, members: readonly unknown[]): string {
  return members.map((_, index) => `${letter}${index + 1}`).join(' ');
}
