import { expect } from 'vitest';
import type { ErrorCode } from '../../protocol/errors.ts';

/** That `work` fails with exactly this code. */
export async function expectCode(work: Promise<unknown>, code: ErrorCode): Promise<void> {
  await expect(work).rejects.toMatchObject({ name: 'CountersignError', code });
}
