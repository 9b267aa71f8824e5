import { CountersignError } from '../../protocol/errors.ts';
import type { VerifierKey } from '../../protocol/tlog/verifier-key.ts';
import type { Outbound } from '../lib/outbound.ts';
import { type OwnedLog, readSeenCheckpoint, type SeenCheckpoint } from './seen-checkpoint.ts';
import { askWitness } from './witness-exchange.ts';

/** A witness, asked whether it has seen more of the log than the store has. */
export interface HeadWitness {
  readonly name: string;
  /**
   * What it has cosigned last. `signed` is the newest signed checkpoint of the store, if there is one. Signs nothing.
   *
   * Throws when it cannot be reached; `witness_unproven` where it claims to have seen more, or another history, and
   * does not show it.
   */
  ask(signed: { readonly size: number; readonly note: string } | undefined): Promise<HeadAnswer>;
}

export type HeadAnswer =
  /** Signed by our own log, it can be believed, whatever the witness is. */
  | { readonly kind: 'shows'; readonly checkpoint: SeenCheckpoint }
  /** By its word alone that it has seen no more than this; 0: nothing. */
  | { readonly kind: 'says'; readonly size: number };

/** The witnesses as they are asked before anything is signed. */
export function headWitnesses(
  outbound: Pick<Outbound, 'request'>,
  witnesses: readonly { readonly key: VerifierKey; readonly url: string }[],
  log: OwnedLog,
): HeadWitness[] {
  const never = new AbortController().signal;
  return witnesses.map((witness) => ({
    name: witness.key.name,
    async ask(signed) {
      const checkpoint = await readSeenCheckpoint(outbound, witness, log, never);
      if (checkpoint !== undefined) return { kind: 'shows', checkpoint };
      if (signed === undefined) return { kind: 'says', size: 0 };
      return askByCosigning(outbound, witness, signed);
    },
  }));
}

/**
 * For witnesses that do not show what they have: the newest signed checkpoint as one that it has cosigned
 * (`add-checkpoint` from its own size, without a proof) makes it say its size. What it says against us is a mere claim.
 */
async function askByCosigning(
  outbound: Pick<Outbound, 'request'>,
  { key, url }: { readonly key: VerifierKey; readonly url: string },
  { size, note }: { readonly size: number; readonly note: string },
): Promise<HeadAnswer> {
  const request = { oldSize: size, proof: [], checkpoint: note };
  const said = await askWitness(outbound, url, request, new AbortController().signal);
  if (said.kind === 'refused') throw unproven(key.name, 'another history');
  if (said.kind === 'stale' && said.size > size) throw unproven(key.name, `${said.size} entries`);
  return { kind: 'says', size: said.kind === 'stale' ? said.size : size };
}

/** Any witness could say so, and so could whatever answers at a wrong URL: it is no reason to stop. */
export function unproven(name: string, seen: string): CountersignError {
  return new CountersignError(
    'witness_unproven',
    `${name} claims to have seen ${seen}, and shows no checkpoint of it that this log has signed.`,
  );
}
