import { expect } from 'vitest';
import { CountersignError, type ErrorCode } from '../../protocol/errors.ts';

/** The code with which `act` is refused; fails the test if it is not refused, or by something else. */
export async function codeOf(act: () => unknown): Promise<ErrorCode> {
  try {
    await act();
  } catch (error) {
    if (error instanceof CountersignError) return error.code;
    throw error;
  }
  return expect.fail('it was not refused');
}
