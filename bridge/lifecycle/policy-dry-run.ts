import { setImmediate as nextTurn } from 'node:timers/promises';
import { assurance } from '../../protocol/claims.ts';
import type { PolicyContent } from '../../protocol/policy-bundle.ts';
import { TRIAL_DECISIONS, TRIAL_MS, TRIAL_PAGE, TRIAL_RECENT, TRIAL_SLICE_MS } from '../lib/limits.ts';
import { type CompiledPolicy, compilePolicy } from '../policy/compile-policy.ts';
import type { DecisionRequest } from '../policy/decision.ts';
import { listDecisions, type RecordedDecision } from '../policy/decision-store.ts';
import type { Lifetimes } from '../policy/policy.ts';
import { type PopulationDeps, populationQuestions } from './policy-population.ts';
import { type TrialFinding, TrialFindings } from './trial-findings.ts';
import type { Looked, TrialQuestion } from './trial-question.ts';

/** What would change if a content came into force now. */
export interface DryRun {
  readonly hash: string;
  /** Who and what is there at present. */
  readonly present: readonly TrialFinding[];
  /** What was decided lately, decided again. */
  readonly recent: readonly TrialFinding[];
  /** Seconds; `of`: the assurance, where it is for one. */
  readonly lifetimes: readonly { name: string; of: string | null; before: number; after: number }[];
  readonly looked: Omit<Looked, 'notLookedAt'> & { readonly decisions: number; readonly recent: number };
  readonly notLookedAt: readonly string[];
}

export interface DryRunDeps extends PopulationDeps {
  /** The policy in force. */
  readonly policy: { readonly current: { readonly compiled: Judged } | undefined };
}

type Judged = Pick<CompiledPolicy, 'decide' | 'policies' | 'lifetimes'>;

/**
 * Tries a content out beside the policy in force. It changes nothing, decides nothing for anybody, and leaves the event
 * loop to others all the while. Throws `policy_invalid`.
 */
export type TryPolicy = (
  content: PolicyContent,
  options: { readonly withExamples: boolean },
) => Promise<DryRun>;

export function createDryRun(deps: DryRunDeps): TryPolicy {
  return async (content, { withExamples }) => {
    const after = compilePolicy(content);
    const before = deps.policy.current?.compiled ?? DENIES_ALL;
    const looked: Looked = {
      ...{ people: 0, groups: 0, partners: 0, administrators: 0, connections: 0 },
      notLookedAt: [],
    };
    const trial = createTrial(before, after, withExamples);
    const present = await trial.run(populationQuestions(deps, looked));
    if (!present.complete) looked.notLookedAt.push(`people and groups beyond ${looked.people} people`);
    const decided = { rows: 0 };
    const recent = await trial.run(recentQuestions(deps, decided));
    if (!recent.complete) looked.notLookedAt.push(`decisions older than the last ${decided.rows}`);
    looked.notLookedAt.push('decisions of which no record is kept: of many at once, a sample is');
    const { notLookedAt, ...counted } = looked;
    return {
      ...{ hash: after.hash, present: present.findings, recent: recent.findings },
      lifetimes: changedLifetimes(before.lifetimes, after.lifetimes),
      looked: { ...counted, decisions: trial.decisions, recent: decided.rows },
      notLookedAt,
    };
  };
}

interface Asked extends TrialQuestion {
  readonly times?: number;
}

/** Asks both policies, question by question, within bounds of time and number. */
function createTrial(before: Judged, after: Judged, withExamples: boolean) {
  const begun = performance.now();
  let decisions = 0;
  /** What both answer to requests that are alike. */
  const known = new Map<string, { before: boolean; after: boolean }>();
  const named = new Set([...before.policies, ...after.policies].flatMap(({ json }) => textsIn(json)));
  /** An id counts only where a policy names it: nothing else can be done with ids than to compare them. */
  const byName = (id: string) => (named.has(id) ? id : '');

  function judge(request: DecisionRequest, facts: string) {
    const { action, principal, resource } = request;
    const key = JSON.stringify([action, facts, byName(principal.id), byName(resource.id)]);
    const found = facts === '' ? undefined : known.get(key);
    if (found !== undefined) return found;
    decisions += 2;
    const judged = {
      before: before.decide(request).effect === 'allow',
      after: after.decide(request).effect === 'allow',
    };
    if (facts !== '') known.set(key, judged);
    return judged;
  }

  return {
    get decisions() {
      return decisions;
    },
    async run(batches: AsyncIterable<Iterable<Asked>>): Promise<Found> {
      const findings = new TrialFindings();
      let slice = performance.now();
      for await (const batch of batches) {
        for (const { topic, request, facts, example, times } of batch) {
          const judged = judge(request, facts);
          if (judged.before !== judged.after) {
            const side = judged.after ? 'gained' : 'lost';
            findings.note(topic, side, withExamples ? example : undefined, times);
          }
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

interface Found {
  readonly findings: readonly TrialFinding[];
  readonly complete: boolean;
}

/** The last decisions that are kept, as they would be decided now. */
async function* recentQuestions(
  { database }: PopulationDeps,
  decided: { rows: number },
): AsyncGenerator<Asked[]> {
  let before: string | undefined;
  while (decided.rows < TRIAL_RECENT) {
    const page = await database.read((query) => listDecisions(query, { before, limit: TRIAL_PAGE }));
    decided.rows += page.length;
    yield page.map(ofDecision);
    before = page.at(-1)?.id;
    if (before === undefined) return;
  }
}

const WORDS: Readonly<Record<DecisionRequest['principal']['kind'], string>> = {
  person: 'people',
  partner: 'partners',
  administrator: 'administrators',
  anonymous: 'whoever signs in',
};

function ofDecision({ request, times }: RecordedDecision): Asked {
  const { action, principal, resource } = request;
  const by = `of ${WORDS[principal.kind]} for “${action}”`;
  return {
    topic: {
      ...{ action, noun: [`recent request ${by}`, `recent requests ${by}`], doing: 'be made' },
      verbs: { lost: 'would be refused', gained: 'would be allowed' },
    },
    ...{ request, facts: '', times },
    example: `${principal.id} → ${resource.id}`,
  };
}

function changedLifetimes(before: Lifetimes, after: Lifetimes): DryRun['lifetimes'] {
  const one = (name: 'personKeys' | 'groupKeys' | 'lookUpMaxAge' | 'meeting') => ({
    ...{ name, of: null, before: before[name], after: after[name] },
  });
  const each = (name: 'binding' | 'deviceBinding') =>
    assurance.options.map((of) => ({ name, of, before: before[name](of), after: after[name](of) }));
  return [
    ...each('binding'),
    ...each('deviceBinding'),
    ...[one('personKeys'), one('groupKeys'), one('lookUpMaxAge'), one('meeting')],
  ].filter((lifetime) => lifetime.before !== lifetime.after);
}

/** Where no policy is in force, everything is refused. */
const DENIES_ALL: Judged = {
  decide: () => ({ effect: 'deny', policy: 'engine-failed', reason: '', hash: '', policies: [] }),
  policies: [],
  lifetimes: {
    ...{ binding: () => 0, deviceBinding: () => 0 },
    ...{ personKeys: 0, groupKeys: 0, lookUpMaxAge: 0, meeting: 0 },
  },
};
