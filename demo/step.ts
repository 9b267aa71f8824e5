import type { Finding } from './finding.ts';
import type { Stage } from './stage/stage.ts';

/** One step of the story. It throws when what it shows is not so; then the story ends there. */
export interface Step {
  /** Stable: named in `--json` and in the exit message. */
  readonly name: string;
  readonly title: string;
  /** What happens and why it matters, in plain words. */
  readonly story: string;
  run(stage: Stage): Promise<readonly Finding[]>;
}

/** How a step ended. */
export type StepResult = {
  readonly number: number;
  readonly step: Step;
  readonly ms: number;
} & (
  | { readonly ok: true; readonly findings: readonly Finding[] }
  | { readonly ok: false; readonly error: unknown }
);
