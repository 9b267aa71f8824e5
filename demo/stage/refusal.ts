import { isCountersignError } from '../../client/index.ts';
import { must } from '../finding.ts';

/** The code with which `attempt` is refused; ends the step when it is not. */
export async function codeOf(attempt: () => Promise<unknown>): Promise<string> {
  const answer = await attempt().catch((error: unknown) => error);
  must(isCountersignError(answer), 'what must be refused was done');
  return answer.code;
}
