/** One line of evidence: what it is, and the artefact itself, whole (the text report shortens it). */
export interface Finding {
  readonly what: string;
  readonly value: string;
}

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
