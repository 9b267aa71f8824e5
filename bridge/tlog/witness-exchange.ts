import { CountersignError } from '../../protocol/errors.ts';
import { type NoteSignature, parseSignatureLines } from '../../protocol/tlog/signed-note.ts';
import {
  type AddCheckpointRequest,
  formatAddCheckpoint,
  parseTreeSize,
  TREE_SIZE_TYPE,
} from '../../protocol/tlog/witness-protocol.ts';
import { WITNESS_ANSWER_BYTES, WITNESS_TIMEOUT_MS } from '../lib/limits.ts';
import type { Outbound, OutboundResponse } from '../lib/outbound.ts';

/** What a witness said; nothing of it is verified. */
export type WitnessSaid =
  | { readonly kind: 'signed'; readonly signatures: readonly NoteSignature[] }
  /** It has cosigned a checkpoint of another size than the one we started from. */
  | { readonly kind: 'stale'; readonly size: number }
  /** It claims that our checkpoint does not continue what it has seen: only a checkpoint of ours can prove that. */
  | { readonly kind: 'refused' };

/**
 * Asks a witness to cosign (C2SP tlog-witness `add-checkpoint`). `url` is its submission prefix.
 *
 * Throws what `outbound` throws; `outbound_failed` for every other status, `note_malformed` for lines that are none.
 */
export async function askWitness(
  outbound: Pick<Outbound, 'request'>,
  url: string,
  request: AddCheckpointRequest,
  signal: AbortSignal,
): Promise<WitnessSaid> {
  const answer = await outbound.request(`${url.replace(/\/$/, '')}/add-checkpoint`, {
    method: 'POST',
    headers: { 'content-type': 'text/plain; charset=utf-8' },
    body: formatAddCheckpoint(request),
    maxBytes: WITNESS_ANSWER_BYTES,
    timeoutMs: WITNESS_TIMEOUT_MS,
    signal,
  });
  if (answer.status === 200) return { kind: 'signed', signatures: parseSignatureLines(textOf(answer)) };
  if (answer.status === 409) {
    // Version 1.0.0 of the protocol says 409 for another root of the same size too, then without a size.
    const size = isTreeSize(answer) ? parseTreeSize(textOf(answer)) : undefined;
    return size === undefined ? { kind: 'refused' } : { kind: 'stale', size };
  }
  if (answer.status === 422) return { kind: 'refused' };
  const { hostname } = new URL(url);
  throw new CountersignError('outbound_failed', `${hostname} answered with status ${answer.status}.`);
}

function isTreeSize({ headers }: OutboundResponse): boolean {
  return headers.get('content-type')?.split(';')[0]?.trim().toLowerCase() === TREE_SIZE_TYPE;
}

/** Throws `note_malformed` for what is not UTF-8. */
export function textOf({ body }: OutboundResponse): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch (cause) {
    throw new CountersignError('note_malformed', 'the witness’s answer is not UTF-8', { cause });
  }
}
