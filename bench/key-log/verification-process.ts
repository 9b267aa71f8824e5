import { label, vrfInput } from '../../protocol/keytrans/label.ts';
import { ladderVersions } from '../../protocol/keytrans/ladder.ts';
import { type LogClaim, verifyLogStaple } from '../../protocol/keytrans/log-proof.ts';
import { parseLogStaple } from '../../protocol/keytrans/log-staple.ts';
import { vrfVerify } from '../../protocol/keytrans/vrf.ts';
import { answerParent } from '../processes/child.ts';

/** Milliseconds of one, means of one round. */
export interface VerificationTimes {
  readonly stapleMs: number;
  /** Of the VRF proofs in it, all of them, alone. */
  readonly vrfMs: number;
}

const REPEATED = 8;

const handlers = {
  /** Claims of different names, one round: each whole, and by turns the VRF proofs of each. */
  verify: async (claims: readonly LogClaim[]): Promise<VerificationTimes> => {
    const times = { stapleMs: 0, vrfMs: 0 };
    const proofs = claims.map(vrfProofsOf);
    for (let repeated = 0; repeated < REPEATED; repeated += 1) {
      for (const [index, claim] of claims.entries()) {
        const started = performance.now();
        for (const { key, input, proof } of proofs[index] ?? []) vrfVerify(key, input, proof);
        const between = performance.now();
        const { level } = await verifyLogStaple(claim);
        if (level !== 'witnessed') throw new Error(`the log proof shows no more than ${level}`);
        times.vrfMs += between - started;
        times.stapleMs += performance.now() - between;
      }
    }
    const count = REPEATED * claims.length;
    return { stapleMs: times.stapleMs / count, vrfMs: times.vrfMs / count };
  },
};
export type VerificationProcess = typeof handlers;

function vrfProofsOf({ staple, kind, name, version }: LogClaim) {
  const { rungs, vrfPublicKey } = parseLogStaple(staple);
  const ladder = ladderVersions(version);
  return rungs.map(({ proof }, index) => ({
    ...{ key: vrfPublicKey, proof },
    input: vrfInput(label(kind, name), ladder[index] ?? 0),
  }));
}

answerParent(handlers);
