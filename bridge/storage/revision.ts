import {
  type CompiledQuery,
  DeleteQueryNode,
  InsertQueryNode,
  type OperationNode,
  SelectQueryNode,
  TableNode,
  UpdateQueryNode,
} from 'kysely';
import type { Tables } from './tables.ts';

/**
 * Tables whose changes do not count as a revision of the records: they change with every look-up, or with everybody who
 * comes into a meeting, and nothing that is remembered is read from them. A table that is not named here counts.
 */
const UNCOUNTED: ReadonlySet<string> = new Set<keyof Tables>([
  'events',
  'sink_states',
  'sink_dead_letters',
  'sink_replays',
  'log_heads',
  'one_time',
  'policy_decisions',
  'meetings',
  'meeting_messages',
  'meeting_participants',
  'meeting_places',
  'meeting_progress',
  'signal_contacts',
  'signal_progress',
  'signal_queues',
  'signal_outbox',
  'signal_levels',
]);

/** Whether a statement may change what counts. Whatever is not plainly a read, or a write to one uncounted table, may. */
export function revises({ query }: CompiledQuery): boolean {
  if ('with' in query && query.with !== undefined) return true;
  if (SelectQueryNode.is(query)) return false;
  if (InsertQueryNode.is(query)) return !isUncounted(query.into);
  if (UpdateQueryNode.is(query)) return !isUncounted(query.table);
  if (DeleteQueryNode.is(query)) {
    const { froms } = query.from;
    return froms.length !== 1 || !isUncounted(froms[0]);
  }
  return true;
}

function isUncounted(node: OperationNode | undefined): boolean {
  return node !== undefined && TableNode.is(node) && UNCOUNTED.has(node.table.identifier.name);
}
