import { CountersignError } from '../errors.ts';
import { formatHashLines, parseDecimal, parseHashLines } from './note-lines.ts';

/** What a log asks of a witness: to cosign a checkpoint (C2SP tlog-witness). Nothing of it is verified. */
export interface AddCheckpointRequest {
  /** The size that the log believes the witness has cosigned last; 0 for none. */
  readonly oldSize: number;
  /** That the tree of the checkpoint begins with that one. */
  readonly proof: readonly Uint8Array[];
  /** The note of the checkpoint. */
  readonly checkpoint: string;
}

/** The media type in which a witness answers 409 with the size that it has. */
export const TREE_SIZE_TYPE = 'text/x.tlog.size';

/** The body of an add-checkpoint request. */
export function formatAddCheckpoint({ oldSize, proof, checkpoint }: AddCheckpointRequest): string {
  return `old ${oldSize}\n${formatHashLines(proof)}\n${checkpoint}`;
}

/** The request that a body is. Throws `malformed_request`; the checkpoint is not looked into. */
export function parseAddCheckpoint(body: string): AddCheckpointRequest {
  const gap = body.indexOf('\n\n');
  const [oldLine = '', ...hashLines] = body.slice(0, Math.max(gap, 0)).split('\n');
  const oldSize = oldLine.startsWith('old ') ? parseDecimal(oldLine.slice('old '.length)) : undefined;
  const proof = parseHashLines(hashLines);
  if (oldSize === undefined || proof === undefined) {
    throw new CountersignError('malformed_request', 'not a request to cosign a checkpoint');
  }
  return { oldSize, proof, checkpoint: body.slice(gap + 2) };
}

/** The body of a 409: the size that the witness has. */
export function formatTreeSize(size: number): string {
  return `${size}\n`;
}

/** The size in the body of a 409, or `undefined` when it is none. */
export function parseTreeSize(body: string): number | undefined {
  return body.endsWith('\n') ? parseDecimal(body.slice(0, -1)) : undefined;
}
