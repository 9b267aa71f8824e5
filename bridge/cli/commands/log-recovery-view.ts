import { encodeBase64url } from '../../../protocol/base64url.ts';
import type { CopyVouchers } from '../../keylog/recovery/copy-age.ts';
import type { LostPlan } from '../../keylog/recovery/lost-plan.ts';
import type { VerifiedCopy } from '../../keylog/recovery/verified-copy.ts';
import type { RecoveredLog } from '../../lifecycle/log-recovery.ts';
import type { LogCause } from '../../tlog/log-survey.ts';
import { facts, table } from '../output.ts';

/** What a copy of the log would bring to a restored store. */
export interface FoundRecovery {
  readonly origin: string;
  readonly place: string;
  readonly copy: VerifiedCopy;
  readonly plan: LostPlan;
  readonly vouchedBy: CopyVouchers;
}

type Done = RecoveredLog & { readonly devices: 'kept' | 'withdrawn'; readonly cause: LogCause };

/** As JSON: times in milliseconds, versions as numbers of the first and the last that is lost. */
export function recoveryAnswer({ origin, place, copy, plan, vouchedBy }: FoundRecovery, done: Done | null) {
  const { checkpoint, epochs, from } = copy;
  const last = epochs.at(-1);
  return {
    origin,
    from: { size: from.size },
    copy: {
      ...{ place, size: checkpoint.size, root: encodeBase64url(checkpoint.root) },
      ...{ epoch: last?.epoch ?? null, time_ms: last?.time ?? null, vouched_by: vouchedBy },
    },
    lost: plan.lost.map(({ kind, name, from: first, entries }) => ({
      ...{ kind, name, first, last: first + entries.length - 1 },
    })),
    found: plan.found.length,
    unknown: plan.unknown,
    recovered: done,
  };
}

/** The same, for people. */
export function describeRecovery({ origin, place, copy, plan, vouchedBy }: FoundRecovery): string {
  const { checkpoint, epochs, from } = copy;
  const last = epochs.at(-1);
  return [
    facts({
      log: origin,
      store: `${from.size} entries`,
      copy: `${checkpoint.size} entries, epoch ${last?.epoch} of ${new Date(last?.time ?? 0).toISOString()} (${place})`,
      'its root': encodeBase64url(checkpoint.root),
      verified: 'signed by this log, every rule kept, begins with what the store has',
      newest: VOUCHED[vouchedBy],
      unknown: `${plan.unknown} versions of names that the backup has never heard of`,
    }),
    '',
    table(
      ['lost', 'name', 'versions'],
      plan.lost.map(({ kind, name, from: first, entries }) => [
        ...[kind, name],
        entries.length === 1 ? String(first) : `${first} to ${first + entries.length - 1}`,
      ]),
      'No name that the backup knows has lost a version.',
    ),
  ].join('\n');
}

const VOUCHED: Readonly<Record<CopyVouchers, string>> = {
  'head file': 'yes, by the head file',
  witnesses: 'yes, by the witnesses',
  nobody: 'NOBODY SAYS SO: there is neither head file nor witness',
};

export function recoveryQuestion({ plan, vouchedBy }: FoundRecovery, devices: 'kept' | 'withdrawn'): string {
  const addresses = plan.lost.filter(({ kind }) => kind === 'address').length;
  const trust = plan.lost.length - addresses;
  return [
    'The log in this store is extended to the end of the copy. What was decided after the backup is lost:',
    `  the keys of ${addresses} addresses above are withdrawn, with their devices; whoever held them enrols anew`,
    `  ${trust} policies and changes of trust above are taken back, until you make them again`,
    '  every access token, sign-in and unused link of an administrator ends',
    devices === 'kept'
      ? '  devices that were removed after the backup, and members of groups, COME BACK: remove them again'
      : '  EVERYBODY’s keys and devices are withdrawn, and their places in groups',
    ...(vouchedBy === 'nobody'
      ? ['If anything was signed after this copy, a second history will be signed, and provably so.']
      : []),
    'Is every bridge on this store stopped, and did you keep a copy of the store?',
  ].join('\n');
}
