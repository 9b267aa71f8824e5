import { TRIAL_EXAMPLES } from '../lib/limits.ts';
import type { Action } from '../policy/decision.ts';

/** What a draft would change for some of those who are alike: `gained` and `lost` are how many of them. */
export interface TrialFinding {
  readonly action: Action;
  /** Whom it concerns, as it would stand in a sentence. */
  readonly who: string;
  readonly gained: number;
  readonly lost: number;
  /** The first of them, by address or name; at most TRIAL_EXAMPLES of each. */
  readonly examples: { readonly gained: readonly string[]; readonly lost: readonly string[] };
  /** The same for people to read. */
  readonly sentences: readonly string[];
}

/** What a question is about, in words: `people`, `be found by members`. */
export interface Topic {
  readonly action: Action;
  /** One of them, and several. */
  readonly noun: readonly [one: string, several: string];
  /** What they could, or could no longer, do. */
  readonly doing: string;
  /** In the place of “could (no longer) `doing`”, where these words do not fit. */
  readonly verbs?: { readonly gained: string; readonly lost: string };
}

interface Group {
  readonly topic: Topic;
  gained: number;
  lost: number;
  readonly examples: { readonly gained: string[]; readonly lost: string[] };
}

/** Collects what differs between two policies, by what it is about. */
export class TrialFindings {
  readonly #groups = new Map<string, Group>();

  note(topic: Topic, side: 'gained' | 'lost', example: string | undefined, times = 1): void {
    const key = JSON.stringify(topic);
    const group = this.#groups.get(key) ?? {
      ...{ topic, gained: 0, lost: 0 },
      examples: { gained: [], lost: [] },
    };
    this.#groups.set(key, group);
    group[side] += times;
    const examples = group.examples[side];
    if (example === undefined || examples.length === TRIAL_EXAMPLES || examples.includes(example)) return;
    examples.push(example);
  }

  /** What most lose first. */
  list(): TrialFinding[] {
    return [...this.#groups.values()]
      .sort((a, b) => b.lost - a.lost || b.gained - a.gained)
      .map(({ topic, gained, lost, examples }) => ({
        ...{ action: topic.action, who: topic.noun[1], gained, lost, examples },
        sentences: [
          ...(lost === 0 ? [] : [sentence(topic, 'lost', lost)]),
          ...(gained === 0 ? [] : [sentence(topic, 'gained', gained)]),
        ],
      }));
  }
}

function sentence({ noun, doing, verbs }: Topic, side: 'gained' | 'lost', count: number): string {
  const subject = `${count} ${count === 1 ? noun[0] : noun[1]}`;
  if (verbs !== undefined) return `${subject} ${verbs[side]}.`;
  return side === 'lost' ? `${subject} could no longer ${doing}.` : `${subject} could newly ${doing}.`;
}
