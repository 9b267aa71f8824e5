import { CountersignError, type ErrorCode } from '../../../protocol/errors.ts';

/**
 * Ends a check with its code. `detail` is public, so it names the rule that failed and never repeats a value of the
 * message (personal data, and attacker-controlled).
 */
export function refuse(code: ErrorCode, detail: string, cause?: unknown): never {
  throw new CountersignError(code, detail, cause === undefined ? undefined : { cause });
}
