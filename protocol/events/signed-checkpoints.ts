import { decodeBase64url } from '../base64url.ts';
import { equalBytes } from '../bytes.ts';
import { isCountersignError } from '../errors.ts';
import { openCheckpoint } from '../tlog/checkpoint.ts';
import { CompactRange, completeSubtrees } from '../tlog/compact-range.ts';
import { HASH_BYTES, type Sha256 } from '../tlog/merkle.ts';
import type { VerifierKey } from '../tlog/verifier-key.ts';
import type { EventCopy } from './event-copy.ts';
import type { EventProof } from './event-proof.ts';

/** A checkpoint whose signature was verified. */
export interface ProvenCheckpoint {
  readonly size: number;
  readonly root: Uint8Array;
  /** Of which subtrees the root is made, where that is known and verified too; base64url. */
  readonly subtrees?: readonly string[] | undefined;
}

/** All that the keys of the log have signed, of what is at hand. */
export interface SignedCheckpoints {
  /** Those known from elsewhere. */
  readonly kept: readonly ProvenCheckpoint[];
  /** These and the ones that stand in events of the copy; one of each size and root, the smallest first. */
  readonly checkpoints: readonly ProvenCheckpoint[];
  readonly proofs: readonly { readonly proof: EventProof; readonly checkpoint: ProvenCheckpoint }[];
  /** Every root that was signed for a log of this size. */
  rootsAt(size: number): readonly Uint8Array[];
  /** Sizes for which different roots were signed: whoever has the key told different stories. */
  readonly forked: readonly number[];
  /** The largest size. */
  readonly covered: number;
}

/** The keys decide: notes that they did not sign say nothing, and are passed over. */
export async function openSigned(
  copy: EventCopy,
  trust: {
    readonly origin: string;
    readonly logKeys: readonly VerifierKey[];
    readonly checkpoints?: readonly string[];
    readonly sha256?: Sha256;
  },
): Promise<SignedCheckpoints> {
  const bySize = new Map<number, ProvenCheckpoint[]>();
  const roots = new Map<number, Uint8Array[]>();
  const open = async (note: string) => {
    const checkpoint = await verified(note, trust);
    if (checkpoint === undefined) return undefined;
    const known = roots.get(checkpoint.size) ?? [];
    const another = !known.some((root) => equalBytes(root, checkpoint.root));
    if (another) roots.set(checkpoint.size, [...known, checkpoint.root]);
    return checkpoint;
  };
  const take = (checkpoint: ProvenCheckpoint) => {
    const others = (bySize.get(checkpoint.size) ?? []).filter(
      ({ root }) => !equalBytes(root, checkpoint.root),
    );
    bySize.set(checkpoint.size, [...others, checkpoint]);
  };

  const kept: ProvenCheckpoint[] = [];
  for (const note of trust.checkpoints ?? []) {
    const checkpoint = await open(note);
    if (checkpoint === undefined) continue;
    kept.push(checkpoint);
    take(checkpoint);
  }
  for (const { note, subtrees } of copy.checkpoints()) {
    const checkpoint = await open(note);
    if (checkpoint === undefined) continue;
    const opened = opens(checkpoint, subtrees, trust.sha256);
    const known = (bySize.get(checkpoint.size) ?? []).some(({ root }) => equalBytes(root, checkpoint.root));
    if (opened || !known) take(opened ? { ...checkpoint, subtrees } : checkpoint);
  }
  const proofs: SignedCheckpoints['proofs'][number][] = [];
  for (const proof of copy.proofs) {
    const checkpoint = await open(proof.checkpoint);
    if (checkpoint !== undefined) proofs.push({ proof, checkpoint });
  }
  const sizes = [...roots.keys()].sort((left, right) => left - right);
  return {
    kept,
    checkpoints: [...bySize.values()].flat().sort((left, right) => left.size - right.size),
    proofs,
    rootsAt: (size) => roots.get(size) ?? [],
    forked: sizes.filter((size) => (roots.get(size)?.length ?? 0) > 1),
    covered: sizes.at(-1) ?? 0,
  };
}

async function verified(
  note: string,
  { origin, logKeys }: { readonly origin: string; readonly logKeys: readonly VerifierKey[] },
): Promise<ProvenCheckpoint | undefined> {
  try {
    const { checkpoint } = await openCheckpoint(note, { origin, logKeys });
    return { size: checkpoint.size, root: checkpoint.root };
  } catch (error) {
    if (isCountersignError(error)) return undefined;
    throw error;
  }
}

/** Whether the subtrees that an event names are those of the root that was signed. */
function opens({ size, root }: ProvenCheckpoint, subtrees: readonly string[], sha256?: Sha256): boolean {
  try {
    const range = new CompactRange(sha256);
    range.append(
      completeSubtrees(0, size),
      subtrees.map((hash) => decodeBase64url(hash, HASH_BYTES)),
    );
    return equalBytes(range.root(), root);
  } catch (error) {
    if (isCountersignError(error)) return false;
    throw error;
  }
}
