import * as z from 'zod/mini';
import { digest, entityId } from '../claims.ts';

const seq = z.int().check(z.positive());

/** Of a tree of 2^53 leaves a proof has at most two for each level. */
const subtrees = z.array(digest).check(z.maxLength(128));

/**
 * That the events `from` to `to`, and no others, stand there in the event log: with their hashes, the root of the
 * checkpoint comes out. Nothing of it is verified by being read.
 */
export const eventProofSchema = z.strictObject({
  iss: entityId,
  /** The `online-keys+jwt` of that time: whose key signed the checkpoint. */
  online_keys: z.string().check(z.maxLength(64 * 1024)),
  /** The signed note (C2SP tlog-checkpoint), of a size that includes `to`. */
  checkpoint: z.string().check(z.maxLength(8 * 1024)),
  from: seq,
  to: seq,
  /** Hashes of the complete subtrees over the events before `from`, left to right. */
  before: subtrees,
  /** And over those behind `to`, up to the size of the checkpoint. */
  after: subtrees,
});

export type EventProof = z.infer<typeof eventProofSchema>;
