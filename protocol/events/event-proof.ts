import * as z from 'zod/mini';
import { decodeBase64url } from '../base64url.ts';
import { digest, entityId } from '../claims.ts';
import { CountersignError } from '../errors.ts';
import { CompactRange, completeSubtrees } from '../tlog/compact-range.ts';
import { HASH_BYTES, hashLeaf, type Sha256 } from '../tlog/merkle.ts';

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

/**
 * The root that comes out of these events and the proof. Throws `log_proof` where the proof is not of this range and
 * size.
 *
 * @param hashes - of the events `from` to `to`, 32 bytes each
 * @param size - of the checkpoint
 */
export function rootOfEvents(
  proof: Pick<EventProof, 'from' | 'to' | 'before' | 'after'>,
  hashes: readonly Uint8Array[],
  size: number,
  sha256?: Sha256,
): Uint8Array {
  if (hashes.length !== proof.to - proof.from + 1) {
    throw new CountersignError('log_proof', 'there are not as many events as the proof is of');
  }
  const range = new CompactRange(sha256);
  const decode = (hash: string) => decodeBase64url(hash, HASH_BYTES);
  range.append(completeSubtrees(0, proof.from - 1), proof.before.map(decode));
  for (const hash of hashes) range.appendLeaf(hashLeaf(hash, sha256));
  range.append(completeSubtrees(proof.to, size), proof.after.map(decode));
  return range.root();
}
