import { assurance } from '../../protocol/claims.ts';
import type { PolicyContent } from '../../protocol/policy-bundle.ts';
import { TRIAL_PAGE, TRIAL_RECENT } from '../lib/limits.ts';
import type { CompileContent } from '../policy/content/compiled-contents.ts';
import type { Action, DecisionRequest } from '../policy/decision.ts';
import { listDecisions, type RecordedDecision } from '../policy/decisions/decision-store.ts';
import type { Lifetimes } from '../policy/policy.ts';
import { DENIES_ALL, type Judged } from './policy-answer.ts';
import { type PopulationDeps, populationQuestions } from './policy-population.ts';
import { type Asked, createTrial } from './policy-trial.ts';
import { type ComparedData, comparedData } from './population-data.ts';
import type { TrialFinding } from './trial-findings.ts';
import type { Looked } from './trial-question.ts';

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
  readonly compile: CompileContent;
  /** The policy in force. */
  readonly policy: { readonly current: { readonly compiled: Judged } | undefined };
}

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
    const after = deps.compile(content);
    const before = deps.policy.current?.compiled ?? DENIES_ALL;
    const looked: Looked = {
      ...{ people: 0, groups: 0, partners: 0, administrators: 0, connections: 0 },
      notLookedAt: [],
    };
    const trial = createTrial(before, after, withExamples);
    const data = comparedData([...before.policies, ...after.policies]);
    const present = await trial.run(populationQuestions(deps, looked, data.kinds));
    if (!present.complete) looked.notLookedAt.push(`people and groups beyond ${looked.people} people`);
    looked.notLookedAt.push(...gapsOf(trial, data));
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

/** What the questions about who is there leave out. */
function gapsOf({ unasked, sampled }: ReturnType<typeof createTrial>, { left }: ComparedData): string[] {
  const named = (actions: readonly Action[]) => actions.map((action) => `“${action}”`).join(', ');
  return [
    ...(unasked.length === 0 ? [] : [`${named(unasked)}: there is nobody, or nothing, to ask about`]),
    ...(sampled.length === 0
      ? []
      : [`whom rules mean in particular, for ${named(sampled)}: one of each kind was asked about`]),
    ...(left === 0 ? [] : [`data of ${left} of the categories and sensitivities that rules name`]),
    'groups that are still to be made, under labels that rules may name',
  ];
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
