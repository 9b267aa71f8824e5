import { utf8 } from '../../protocol/bytes.ts';
import { type SealedColumn, textOf } from '../signer/sealed-columns.ts';
import type { SealContext, Signer } from '../signer/signer.ts';
import type { StoredStream } from './stream-store.ts';

/** Seals the `Authorization` header that a receiver wants to be pushed with. */
export async function sealAuthorization(
  signer: Pick<Signer, 'seal'>,
  stream: string,
  header: string | undefined,
): Promise<Uint8Array | null> {
  return header === undefined ? null : signer.seal(sealContext(stream), utf8(header));
}

/** The header itself. Throws `seal_broken`. */
export async function openAuthorization(
  signer: Pick<Signer, 'open'>,
  { stream_id, authorization }: StoredStream,
): Promise<string | undefined> {
  if (authorization === null) return undefined;
  return new TextDecoder().decode(await signer.open(sealContext(stream_id), authorization));
}

/** What receivers gave us to prove that it is us. */
export const STREAM_SECRETS: SealedColumn = {
  ...{ table: 'signal_streams', column: 'authorization', key: ['id'] },
  context: (row) => sealContext(textOf(row, 'id')),
};

function sealContext(stream: string): SealContext {
  return { kind: 'signal-stream-authorization', stream };
}
