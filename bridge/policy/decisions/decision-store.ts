import { DECISION_LIFE_S, DECISIONS_KEPT_OF_EFFECT, DECISIONS_PURGED } from '../../lib/limits.ts';
import type { Database, Query, Transaction } from '../../storage/database.ts';
import type { PolicyDecisionsTable } from '../../storage/tables/policy.ts';
import type { Action, Decision, DecisionRequest } from '../decision.ts';

/** One decision, or several that were equal within a second. */
export interface RecordedDecision {
  readonly id: string;
  /** ms; of decisions that allowed, the second in which they were made. */
  readonly decided: number;
  readonly request: DecisionRequest;
  readonly decision: Decision;
  readonly times: number;
}

/** Which decisions of those that are kept. */
export interface DecisionFilter {
  readonly effect?: Decision['effect'] | undefined;
  readonly action?: Action | undefined;
  /** Id of who asked. */
  readonly principal?: string | undefined;
  /** Only older ones than the one of this id. */
  readonly before?: string | undefined;
  readonly limit: number;
}

/** Columns are searched by; the JSON beside them holds the same in full, escaped. */
const COLUMN_LENGTH = 512;

export async function insertDecisions(
  tx: Transaction,
  decisions: readonly RecordedDecision[],
): Promise<void> {
  if (decisions.length === 0) return;
  await tx.insertInto('policy_decisions').values(decisions.map(row)).execute();
}

function row({ id, decided, request, decision, times }: RecordedDecision): PolicyDecisionsTable {
  const { action, principal, resource } = request;
  return {
    ...{ id, decided, action, times },
    ...{ effect: decision.effect, policy: decision.policy, hash: decision.hash },
    principal: column(principal.id),
    resource: column(resource.id),
    owner: resource.owner === undefined ? null : column(resource.owner),
    request: JSON.stringify(request),
    answer: JSON.stringify(answerOf(decision)),
  };
}

/** Without the nearest permits: finding them takes long, and the policy of the hash tells them again. */
function answerOf({ effect, policy, reason, hash, policies, id }: Decision): Decision {
  return { effect, policy, reason, hash, policies, ...(id === undefined ? {} : { id }) };
}

/** Callers choose some ids, and a store refuses what is no text: one such must not keep the others from being written. */
function column(id: string): string {
  return id.toWellFormed().replaceAll('\0', '\ufffd').slice(0, COLUMN_LENGTH);
}

/** The decision of this id, or `undefined`. */
export async function findDecision(query: Query, id: string): Promise<RecordedDecision | undefined> {
  const row = await query.selectFrom('policy_decisions').selectAll().where('id', '=', id).executeTakeFirst();
  return row === undefined ? undefined : recorded(row);
}

/** The newest first. */
export async function listDecisions(query: Query, filter: DecisionFilter): Promise<RecordedDecision[]> {
  const { effect, action, principal, before, limit } = filter;
  let found = query.selectFrom('policy_decisions').selectAll().orderBy('id', 'desc').limit(limit);
  if (effect !== undefined) found = found.where('effect', '=', effect);
  if (action !== undefined) found = found.where('action', '=', action);
  if (principal !== undefined) found = found.where('principal', '=', principal);
  if (before !== undefined) found = found.where('id', '<', before);
  return (await found.execute()).map(recorded);
}

function recorded({ id, decided, request, answer, times }: PolicyDecisionsTable): RecordedDecision {
  return { id, decided, request: JSON.parse(request), decision: JSON.parse(answer), times };
}

/** Forgets what was decided by, about or for a person, or about an address of theirs: part of erasing. */
export async function deleteDecisionsOf(
  tx: Transaction,
  { sub, addresses }: { readonly sub: string; readonly addresses: readonly string[] },
): Promise<void> {
  await tx
    .deleteFrom('policy_decisions')
    .where((decision) =>
      decision.or([
        decision('principal', '=', sub),
        decision('owner', '=', sub),
        decision('resource', 'in', [sub, ...addresses]),
      ]),
    )
    .execute();
}

/** Forgets what is older than DECISION_LIFE_S, and the oldest of more than DECISIONS_KEPT_OF_EFFECT; `now` in ms. */
export async function purgeDecisions(database: Database, now: number): Promise<number> {
  const aged = await purgeAged(database, now - DECISION_LIFE_S * 1_000);
  return aged + (await purgeBeyond(database, 'allow')) + (await purgeBeyond(database, 'deny'));
}

async function purgeAged(database: Database, before: number): Promise<number> {
  return inBatches(database, (query) =>
    query
      .selectFrom('policy_decisions')
      .select('id')
      .where('decided', '<', before)
      .orderBy('decided')
      .limit(DECISIONS_PURGED)
      .execute(),
  );
}

/** Denials are counted by themselves: what is allowed many times a second must not push them out. */
async function purgeBeyond(database: Database, effect: Decision['effect']): Promise<number> {
  return inBatches(database, (query) =>
    query
      .selectFrom('policy_decisions')
      .select('id')
      .where('effect', '=', effect)
      .orderBy('id', 'desc')
      .offset(DECISIONS_KEPT_OF_EFFECT)
      .limit(DECISIONS_PURGED)
      .execute(),
  );
}

/** Others write in between. */
async function inBatches(
  database: Database,
  findNext: (query: Query) => Promise<readonly { readonly id: string }[]>,
): Promise<number> {
  let deleted = 0;
  for (;;) {
    const ids = (await database.read(findNext)).map(({ id }) => id);
    if (ids.length === 0) return deleted;
    await database.transaction((tx) => tx.deleteFrom('policy_decisions').where('id', 'in', ids).execute());
    deleted += ids.length;
  }
}
