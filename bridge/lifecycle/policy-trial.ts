import { setImmediate as nextTurn } from 'node:timers/promises';
import { TRIAL_DECISIONS, TRIAL_MS, TRIAL_SLICE_MS } from '../lib/limits.ts';
import { ACTIONS, type Action, type DecisionRequest } from '../policy/decision.ts';
import { answerOf, type Judged } from './policy-answer.ts';
import { type TrialFinding, TrialFindings } from './trial-findings.ts';
import { SOMEBODY, type TrialQuestion } from './trial-question.ts';

export interface Asked extends TrialQuestion {
  readonly times?: number;
}

export interface Found {
  readonly findings: readonly TrialFinding[];
  readonly complete: boolean;
}

interface Answers {
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/** Asks both policies, question by question, within bounds of time and number. */
export function createTrial(before: Judged, after: Judged, withExamples: boolean) {
  const begun = performance.now();
  let decisions = 0;
  const asked = new Set<Action>();
  /** Asked about somebody or something in particular by no more than one in the place of all. */
  const bySample = new Set<Action>();
  /** What both answer to requests that are alike. */
  const known = new Map<string, Answers>();
  const named = new Set([...before.policies, ...after.policies].flatMap(({ json }) => textsIn(json)));
  /** An id counts only where a policy names it: nothing else can be done with ids than to compare them. */
  const byName = (id: string) => (named.has(id) ? id : '');

  function judge(request: DecisionRequest, facts: string): Answers {
    const { action, principal, resource } = request;
    const key = JSON.stringify([action, facts, byName(principal.id), byName(resource.id)]);
    const found = facts === '' ? undefined : known.get(key);
    if (found !== undefined) return found;
    asked.add(action);
    if (principal.id === SOMEBODY || resource.id === SOMEBODY) bySample.add(action);
    decisions += 2;
    const judged = { before: answerOf(before, request), after: answerOf(after, request) };
    if (facts !== '') known.set(key, judged);
    return judged;
  }

  function note(findings: TrialFindings, { topic, request, facts, example, times }: Asked): void {
    const answers = judge(request, facts);
    if (answers.before === answers.after) return;
    const shown = withExamples ? example : undefined;
    if (answers.before === undefined) findings.note(topic, 'gained', shown, times);
    else if (answers.after === undefined) findings.note(topic, 'lost', shown, times);
    else {
      const verbs = {
        lost: `would no longer be for ${answers.before}`,
        gained: `would be for ${answers.after}`,
      };
      findings.note({ ...topic, verbs }, 'lost', shown, times);
      findings.note({ ...topic, verbs }, 'gained', shown, times);
    }
  }

  return {
    get decisions() {
      return decisions;
    },
    /** Actions that none of the questions was about. */
    get unasked(): readonly Action[] {
      return ACTIONS.filter((action) => !asked.has(action));
    },
    /** Actions for which a policy tells somebody from others who are alike, and not everybody was asked about. */
    get sampled(): readonly Action[] {
      return [...bySample].filter((action) => before.readsIds(action) || after.readsIds(action));
    },
    async run(batches: AsyncIterable<Iterable<Asked>>): Promise<Found> {
      const findings = new TrialFindings();
      let slice = performance.now();
      for await (const batch of batches) {
        for (const question of batch) {
          note(findings, question);
          const now = performance.now();
          if (now - slice < TRIAL_SLICE_MS) continue;
          if (decisions > TRIAL_DECISIONS || now - begun > TRIAL_MS) {
            return { findings: findings.list(), complete: false };
          }
          await nextTurn();
          slice = performance.now();
        }
      }
      return { findings: findings.list(), complete: true };
    },
  };
}

/** Every text in a value of JSON. */
function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(textsIn);
}
