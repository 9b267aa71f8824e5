import type * as z from 'zod';
import { CountersignError } from '../../protocol/errors.ts';

/** What an administrator gave, checked. Throws `config_invalid` with every fault and its path, never the values. */
export function checkInput<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const faults = result.error.issues.map(
    (issue) => `${issue.path.map(String).join('.') || '(all)'}: ${issue.message}`,
  );
  throw new CountersignError('config_invalid', faults.join('; '));
}
