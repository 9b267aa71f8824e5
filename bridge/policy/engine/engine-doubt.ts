import { CountersignError } from '../../../protocol/errors.ts';

/** What went wrong in this process's engine; `undefined` while it can be relied on. It stays until the process ends. */
let doubt: string | undefined;

/**
 * Calls the engine. One that was ended amid its work (a trap of WebAssembly, a stack that was too small) leaves its memory
 * as it happened to be, so nothing that it says from then on counts.
 *
 * The function throws `policy_unavailable` for such an end and in every later call; other errors are the engine's answer.
 */
export function guardEngine<Input extends unknown[], Answer>(
  call: (...input: Input) => Answer,
): (...input: Input) => Answer {
  return (...input) => {
    requireSoundEngine();
    try {
      return call(...input);
    } catch (error) {
      if (!(error instanceof RangeError || error instanceof WebAssembly.RuntimeError)) throw error;
      doubt ??= error.message;
      throw new CountersignError('policy_unavailable', `the policy engine broke off: ${error.message}`, {
        cause: error,
      });
    }
  };
}

/** Throws `policy_unavailable` when the engine cannot be relied on any more: what it answered before is in doubt as well. */
export function requireSoundEngine(): void {
  if (doubt === undefined) return;
  throw new CountersignError('policy_unavailable', `the policy engine broke off before: ${doubt}`);
}

/** Why the engine cannot be relied on, and what to do; for the readiness page. */
export function engineReasons(): readonly string[] {
  if (doubt === undefined) return [];
  return [`The policy engine broke off (${doubt}), so everything is refused: restart this process.`];
}
