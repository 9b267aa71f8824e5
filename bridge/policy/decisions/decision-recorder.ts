import { isDeepStrictEqual } from 'node:util';
import { findPersons } from '../../directory/persons.ts';
import { startLoop } from '../../lib/background.ts';
import type { Clock } from '../../lib/clock.ts';
import { newId } from '../../lib/ids.ts';
import { DECISION_FLUSH_MS, DECISIONS_OF_ACTION, DECISIONS_PER_FLUSH } from '../../lib/limits.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Database, Transaction } from '../../storage/database.ts';
import type { Action, Decide, Decision, DecisionRequest } from '../decision.ts';
import type { Policy } from '../policy.ts';
import { insertDecisions, purgeDecisions, type RecordedDecision } from './decision-store.ts';

export interface DecisionRecorderDeps {
  readonly database: Database;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Keeps what was decided lately, for explanations and trial runs of drafts: in memory first, written once a second.
 * What was not written when a process is killed is lost, which is why no event depends on it.
 */
export interface DecisionRecorder {
  /** Decides as `policy` does, and remembers it. A denial is answered with the id under which it will be kept. */
  watch<Watched extends Policy>(policy: Watched): Watched;
  /** Decisions of this process since its start of which no row is kept or will be. */
  readonly leftOut: number;
  /** Writes what is in memory. Of more than DECISIONS_PER_FLUSH it leaves out, first of all what was allowed. */
  flush(): Promise<void>;
  /** Forgets what is too old or too much; answers how many rows. */
  purge(): Promise<number>;
  /** Flushes from time to time. */
  start(): void;
  /** Flushes a last time. */
  stop(): Promise<void>;
}

/** A denial, and those since that were equal to it. */
interface Denial extends RecordedDecision {
  times: number;
}

interface Allowed {
  readonly request: DecisionRequest;
  readonly decision: Decision;
}

/** What was decided of one action since the last flush: no action may crowd the others out. */
interface OfAction {
  /** By what finds equal ones quickly; those of one key may differ all the same. */
  readonly denials: Map<string, Denial[]>;
  denialsKept: number;
  readonly allowed: Allowed[];
  /** Of which `allowed` is a fair sample. */
  allowedSeen: number;
}

export function createDecisionRecorder(deps: DecisionRecorderDeps): DecisionRecorder {
  const { database, clock, logger } = deps;
  let collected = new Map<Action, OfAction>();
  let leftOut = 0;
  let loop: ReturnType<typeof startLoop> | undefined;

  function ofAction(action: Action): OfAction {
    let found = collected.get(action);
    if (found === undefined) {
      found = { denials: new Map(), denialsKept: 0, allowed: [], allowedSeen: 0 };
      collected.set(action, found);
    }
    return found;
  }

  /** Runs with every decision: it holds on to the request, and leaves all work to the flush. */
  function noteAllowed(of: OfAction, request: DecisionRequest, decision: Decision): void {
    of.allowedSeen += 1;
    if (of.allowed.length < DECISIONS_OF_ACTION) {
      of.allowed.push({ request, decision });
      return;
    }
    // Reservoir sampling (Vitter's algorithm R): each of the second has the same chance, not only its first.
    const place = Math.floor(Math.random() * of.allowedSeen);
    if (place < DECISIONS_OF_ACTION) of.allowed[place] = { request, decision };
  }

  function noteDenial(of: OfAction, request: DecisionRequest, decision: Decision): Decision {
    const { principal, resource } = request;
    const key = `${principal.id} ${resource.kind} ${resource.id} ${decision.policy}`;
    const alike = of.denials.get(key) ?? [];
    const equal = alike.find(
      (each) => each.decision.hash === decision.hash && isDeepStrictEqual(each.request, request),
    );
    if (equal !== undefined) {
      equal.times += 1;
      return equal.decision;
    }
    if (of.denialsKept === DECISIONS_OF_ACTION) {
      leftOut += 1;
      return decision;
    }
    const id = newId();
    const denial = { id, decided: clock.now(), request, decision: named(decision, id), times: 1 };
    of.denials.set(key, [...alike, denial]);
    of.denialsKept += 1;
    return denial.decision;
  }

  async function flush(): Promise<void> {
    if (collected.size === 0) return;
    const taken = collected;
    collected = new Map();
    const rows = rowsOf(taken, clock.now());
    let kept: readonly RecordedDecision[] = [];
    try {
      kept = await database.transaction(async (tx) => {
        const decisions = await withoutErased(tx, rows);
        await insertDecisions(tx, decisions);
        return decisions;
      });
    } finally {
      const missing = seen(taken) - kept.reduce((sum, { times }) => sum + times, 0);
      leftOut += missing;
      if (missing > 0) logger.debug({ left_out: missing }, 'not every decision of this second is kept');
    }
  }

  return {
    get leftOut() {
      return leftOut;
    },
    watch(policy) {
      const decide: Decide = (request) => {
        const decision = policy.decide(request);
        const of = ofAction(request.action);
        if (decision.effect === 'deny') return noteDenial(of, request, decision);
        noteAllowed(of, request, decision);
        return decision;
      };
      // Everything else is as the policy has it at that moment.
      return Object.create(policy, { decide: { value: decide, enumerable: true } });
    },
    flush,
    purge: () => purgeDecisions(database, clock.now()),
    start() {
      loop = startLoop('record-decisions', DECISION_FLUSH_MS, flush, { logger });
    },
    async stop() {
      await loop?.stop();
      await flush();
    },
  };
}

/** Which permits came nearest is looked for when somebody wants to know, and not before. */
function named(decision: Decision, id: string): Decision {
  const { effect, policy, reason, hash, policies } = decision;
  return {
    ...{ effect, policy, reason, hash, policies, id },
    get nearest() {
      return decision.nearest ?? [];
    },
  };
}

/** Denials first, and equal ones that were allowed as one row. */
function rowsOf(collected: ReadonlyMap<Action, OfAction>, now: number): RecordedDecision[] {
  const all = [...collected.values()];
  const denials = all.flatMap((of) => [...of.denials.values()].flat());
  const allowed = new Map<string, RecordedDecision & { times: number }>();
  for (const { request, decision } of all.flatMap((of) => of.allowed)) {
    const key = JSON.stringify([request, decision.policy, decision.hash]);
    const same = allowed.get(key);
    if (same !== undefined) same.times += 1;
    else allowed.set(key, { id: newId(), decided: now, request, decision, times: 1 });
  }
  return [...denials, ...allowed.values()].slice(0, DECISIONS_PER_FLUSH);
}

function seen(collected: ReadonlyMap<Action, OfAction>): number {
  let sum = 0;
  for (const of of collected.values()) {
    sum += of.allowedSeen;
    for (const denial of [...of.denials.values()].flat()) sum += denial.times;
  }
  return sum;
}

/** A UUIDv7, as every `sub` of ours is. */
const SUB = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/**
 * Without those that name a person who is none (any more): somebody may have been erased after the decision, and in the
 * same transaction it shows.
 */
async function withoutErased(
  tx: Transaction,
  decisions: readonly RecordedDecision[],
): Promise<RecordedDecision[]> {
  const named = new Set(decisions.flatMap(personsIn));
  const found = await findPersons(tx, [...named]);
  const known = new Set(found.map(({ sub }) => sub));
  return decisions.filter((each) => personsIn(each).every((sub) => known.has(sub)));
}

function personsIn({ request: { principal, resource } }: RecordedDecision): string[] {
  const ids = [
    principal.kind === 'person' ? principal.id : undefined,
    resource.kind === 'person' ? resource.id : undefined,
    resource.owner,
  ];
  return ids.filter((id) => id !== undefined && SUB.test(id)).map(String);
}
