import { CountersignError } from '../../protocol/errors.ts';

/** One step of the start that depends on no other. */
export type StartStep<T> = () => T | Promise<T>;

/**
 * Runs independent steps of the start, all of them, so that an operator sees every fault at once. Throws what failed,
 * or one error that says all of it; an error that is not ours is thrown on as it is.
 */
export async function allOrFaults<const Steps extends Readonly<Record<string, StartStep<unknown>>>>(
  steps: Steps,
): Promise<{ [Name in keyof Steps]: Awaited<ReturnType<Steps[Name]>> }> {
  const names = Object.keys(steps);
  const outcomes = await Promise.allSettled(names.map(async (name) => steps[name]?.()));
  const faults = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
  const foreign = faults.find((fault) => !(fault instanceof CountersignError));
  if (foreign !== undefined) throw foreign;
  const [first, ...others] = faults.filter((fault) => fault instanceof CountersignError);
  if (first !== undefined) {
    if (others.length === 0) throw first;
    const detail = [first, ...others].map((fault) => fault.detail ?? fault.message).join('\n');
    throw new CountersignError(first.code, detail, { cause: first });
  }
  const values = outcomes.map((outcome, index) => [
    names[index],
    outcome.status === 'fulfilled' ? outcome.value : undefined,
  ]);
  return Object.fromEntries(values) as { [Name in keyof Steps]: Awaited<ReturnType<Steps[Name]>> };
}
