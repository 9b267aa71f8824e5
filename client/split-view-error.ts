import { CountersignError } from '../protocol/errors.ts';
import type { SplitView } from '../protocol/tlog/split-view.ts';

/** `log_split_view`: two checkpoints that the log signed contradict each other. */
export class SplitViewError extends CountersignError {
  /** For anybody to check (`verifySplitView`); null where the keys that signed the earlier one are not at hand any more. */
  readonly evidence: SplitView | null;

  constructor(evidence: SplitView | null, issuer: string) {
    super('log_split_view', `the log of ${issuer} signed two trees that contradict each other`);
    this.evidence = evidence;
  }
}
