import { CountersignError } from '../../../protocol/errors.ts';
import type { Query } from '../../storage/database.ts';
import { boundaryAt } from '../event-positions.ts';
import { newestSeq } from '../event-store.ts';
import type { ReplayRange } from './sinks.ts';

interface Seqs {
  readonly from_seq: number;
  readonly to_seq: number;
}

/**
 * The `seq`s of a range, both inclusive; by time, those between the boundaries of its two moments. `malformed_request`
 * for one with nothing in it, `events_pruned` where the content of its first is not kept.
 */
export async function replayedSeqs(query: Query, range: ReplayRange): Promise<Seqs> {
  const newest = await newestSeq(query);
  const { from_seq, to_seq } = 'from_seq' in range ? range : await seqsBetween(query, range);
  const found = { from_seq, to_seq: Math.min(to_seq, newest) };
  if (!Number.isSafeInteger(from_seq) || from_seq < 1 || found.to_seq < from_seq) {
    throw new CountersignError('malformed_request', 'there is no event in this range');
  }
  await assertKept(query, from_seq);
  return found;
}

async function assertKept(query: Query, from: number): Promise<void> {
  const oldest = await query
    .selectFrom('events')
    .select('seq')
    .where('seq', '>=', from)
    .orderBy('seq')
    .limit(1)
    .executeTakeFirst();
  if (oldest?.seq === from) return;
  throw new CountersignError('events_pruned', `The oldest event that is kept has the seq ${oldest?.seq}.`);
}

async function seqsBetween(query: Query, { from, to }: { from: string; to: string }): Promise<Seqs> {
  const [begin, end] = [Date.parse(from), Date.parse(to)];
  if (Number.isNaN(begin) || Number.isNaN(end)) {
    throw new CountersignError('malformed_request', 'from and to are times as RFC 3339 has them');
  }
  return { from_seq: (await boundaryAt(query, begin)).seq, to_seq: (await boundaryAt(query, end)).seq - 1 };
}
