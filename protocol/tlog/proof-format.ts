import { CountersignError } from '../errors.ts';
import { decodeBase64, encodeBase64 } from './base64.ts';
import { formatHashLines, parseDecimal, parseHashLines } from './note-lines.ts';

/** That an entry stands in a log, for verification offline (C2SP tlog-proof). Nothing of it is verified. */
export interface TlogProof {
  /** Of the entry. */
  readonly index: number;
  /** The proof that it is included in the tree of the checkpoint. */
  readonly hashes: readonly Uint8Array[];
  /** The note of the checkpoint, as its log and cosigners signed it. */
  readonly checkpoint: string;
  /** What the application adds; no signature covers it. */
  readonly extra?: Uint8Array;
}

const HEADER = 'c2sp.org/tlog-proof@v1';

/** The text of a proof. */
export function formatTlogProof({ index, hashes, checkpoint, extra }: TlogProof): string {
  const extraLine = extra === undefined ? '' : `extra ${encodeBase64(extra)}\n`;
  return `${HEADER}\n${extraLine}index ${index}\n${formatHashLines(hashes)}\n${checkpoint}`;
}

/** The proof that a text is. Throws `log_proof`; the checkpoint is not looked into. */
export function parseTlogProof(text: string): TlogProof {
  const gap = text.indexOf('\n\n');
  if (gap < 0) refuse('it has no checkpoint');
  const [header, ...lines] = text.slice(0, gap).split('\n');
  if (header !== HEADER) refuse('it does not say that it is one');
  const extra = lines[0]?.startsWith('extra ') ? decodeExtra(lines.shift()) : undefined;
  const [indexLine = '', ...hashLines] = lines;
  const index = indexLine.startsWith('index ') ? parseDecimal(indexLine.slice('index '.length)) : undefined;
  const hashes = parseHashLines(hashLines);
  if (index === undefined) refuse('its index is malformed');
  if (hashes === undefined) refuse('its hashes are malformed');
  return { index, hashes, checkpoint: text.slice(gap + 2), ...(extra === undefined ? {} : { extra }) };
}

function decodeExtra(line = ''): Uint8Array {
  const extra = decodeBase64(line.slice('extra '.length));
  if (extra === undefined || extra.length === 0) refuse('its extra data is malformed');
  return extra;
}

function refuse(reason: string): never {
  throw new CountersignError('log_proof', `the proof is malformed: ${reason}`);
}
