import { type CountersignError, type ErrorCode, isCountersignError } from '../../protocol/errors.ts';
import { PASSING } from '../watch.ts';

/** What a bridge, or the one behind it, says when it may be better in a while. */
const MAY_PASS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  ...PASSING,
  'overloaded',
  'partner_unreachable',
  'partner_slow',
]);

export function mayPass(error: unknown): error is CountersignError {
  return isCountersignError(error) && MAY_PASS.has(error.code);
}
