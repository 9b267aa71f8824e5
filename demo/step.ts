import type { Stage } from './stage/stage.ts';

/** One line of evidence: what it is, and the artefact itself, whole (the text report shortens it). */
export interface Finding {
  readonly what: string;
  readonly value: string;
}

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

export function finding(what: string, value: string | number): Finding {
  return { what, value: String(value) };
}

/** What the story claims turned out otherwise. */
export class StoryFault extends Error {
  override readonly name = 'StoryFault';
}

/** Ends the step unless `claim` holds. */
export function must(claim: boolean, otherwise: string): asserts claim {
  if (!claim) throw new StoryFault(otherwise);
}
