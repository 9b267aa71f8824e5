import { CountersignError } from '../protocol/errors.ts';
import type { LogTrust } from '../protocol/keytrans/log-trust.ts';
import { type LogPolicy, parseLogPolicy } from '../protocol/tlog/log-policy.ts';
import { formatVerifierKey } from '../protocol/tlog/verifier-key.ts';

/** The group of a policy text that holds the auditors, with how many of them are needed. */
const AUDITORS = 'auditors';

interface Quorum {
  readonly keys: readonly string[];
  readonly needed: number;
}

/**
 * Whom to trust to have watched a log, from a C2SP policy text: `witness` lines, a `group` of some of them, and `quorum` with
 * its name. A group that is named `auditors` says who replays the log: they are listed by `witness` lines as well, since
 * they sign in the same form. Groups within groups cannot be told to this verifier. Throws `log_policy_invalid`.
 */
export function logTrustOf(text: string, { maxCheckpointAge }: { maxCheckpointAge?: number } = {}): LogTrust {
  const policy = parseLogPolicy(text);
  const witnesses = quorumOf(policy, policy.quorum);
  const auditors = policy.groups.has(AUDITORS) ? quorumOf(policy, AUDITORS) : { keys: [], needed: 0 };
  if (policy.quorum === AUDITORS || witnesses.keys.some((key) => auditors.keys.includes(key))) {
    throw new CountersignError(
      'log_policy_invalid',
      'auditors are no witnesses: name the quorum of the witnesses',
    );
  }
  return {
    witnesses: witnesses.keys,
    witnessQuorum: witnesses.needed,
    auditors: auditors.keys,
    auditorQuorum: auditors.needed,
    ...(maxCheckpointAge === undefined ? {} : { maxCheckpointAge }),
  };
}

function quorumOf({ witnesses, groups }: LogPolicy, name: string): Quorum {
  const group = groups.get(name);
  const members = group?.members ?? (name === 'none' ? [] : [name]);
  const keys = members.map((member) => {
    const witness = witnesses.get(member);
    if (witness === undefined) {
      throw new CountersignError('log_policy_invalid', `${member} is a group within a group`);
    }
    return formatVerifierKey(witness.key);
  });
  return { keys, needed: group?.threshold ?? keys.length };
}
