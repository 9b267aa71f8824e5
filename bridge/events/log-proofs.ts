import { encodeBase64url } from '../../protocol/base64url.ts';
import { concatBytes } from '../../protocol/bytes.ts';
import { CountersignError } from '../../protocol/errors.ts';
import type { EventProof } from '../../protocol/events/event-proof.ts';
import { completeSubtrees } from '../../protocol/tlog/compact-range.ts';
import type { Signer } from '../signer/signer.ts';
import type { Database, Query } from '../storage/database.ts';
import type { SignedCheckpoint } from '../tlog/checkpoint-store.ts';
import type { Checkpoints } from '../tlog/checkpoints.ts';
import { readNodeHashes } from '../tlog/log-tree.ts';
import { EVENT_TREE, eventTreeEntries } from './log-tree.ts';

/** Events by their `seq`, both included. */
export interface EventRange {
  readonly from: number;
  readonly to: number;
}

/** What proves copies of events, long after their content was pruned. */
export interface EventProofs {
  /** The newest signed checkpoint, as a note. Throws `checkpoint_unknown` before the first. */
  checkpoint(): Promise<string>;
  /** That a range stands in the log, up to the newest checkpoint. Throws `checkpoint_unknown` where it does not reach. */
  prove(range: EventRange): Promise<EventProof>;
  /** The hashes of a range, 32 bytes each, one behind the other. Throws `checkpoint_unknown` likewise. */
  hashes(range: EventRange): Promise<Uint8Array>;
}

export function createEventProofs(deps: {
  readonly database: Database;
  readonly signer: Pick<Signer, 'iss' | 'onlineKeysToken'>;
  readonly signed: Checkpoints;
}): EventProofs {
  const { database, signer, signed } = deps;

  async function covering(query: Query, { from, to }: EventRange): Promise<SignedCheckpoint> {
    if (from > to) throw new CountersignError('malformed_request', 'the first event is behind the last one');
    const newest = await signed.newest(query);
    if (newest === undefined || newest.size < to) {
      throw new CountersignError(
        'checkpoint_unknown',
        `The newest signed checkpoint covers the events up to ${newest?.size ?? 0}; one more is signed each minute.`,
      );
    }
    return newest;
  }

  return {
    checkpoint: () =>
      database.read(async (query) => {
        const newest = await signed.newest(query);
        if (newest === undefined) throw new CountersignError('checkpoint_unknown');
        return signed.noteOf(newest);
      }),

    prove: ({ from, to }) =>
      database.read(async (query) => {
        const newest = await covering(query, { from, to });
        const [before, after] = [completeSubtrees(0, from - 1), completeSubtrees(to, newest.size)];
        const hashOf = await readNodeHashes(query, EVENT_TREE, [...before, ...after]);
        return {
          ...{ iss: signer.iss, online_keys: signer.onlineKeysToken(), checkpoint: signed.noteOf(newest) },
          ...{ from, to },
          before: before.map((node) => encodeBase64url(hashOf(node))),
          after: after.map((node) => encodeBase64url(hashOf(node))),
        };
      }),

    hashes: ({ from, to }) =>
      database.read(async (query) => {
        await covering(query, { from, to });
        return concatBytes(...(await eventTreeEntries(query, from, to)));
      }),
  };
}
