import { isCountersignError } from '../../protocol/errors.ts';

/**
 * Why the sequencer logs nothing, in words for an operator; nothing where it does, or where it is to try again soon. A
 * doubt is among `others` already.
 */
export function logReasons(failure: unknown, others: readonly string[]): string[] {
  if (!isCountersignError(failure)) return [...others];
  const { code, detail } = failure;
  const reason = reasonOf(code, detail);
  if (reason === undefined || others.includes(detail ?? '')) return [...others];
  return [...others, reason];
}

function reasonOf(code: string, detail: string | undefined): string | undefined {
  switch (code) {
    case 'clock_back':
      return (
        'The clock of this machine is behind the newest epoch of the key log: nothing is logged until it is right. Set ' +
        'it by NTP; where it was ahead before, wait until that time has passed.'
      );
    case 'clock_ahead':
      return detail;
    // the database's own have no detail: they are named elsewhere
    case 'unavailable':
    case 'storage_full':
    case 'state_refused':
      return detail === undefined ? undefined : `Nothing is logged: ${detail}`;
    default:
      return undefined;
  }
}
