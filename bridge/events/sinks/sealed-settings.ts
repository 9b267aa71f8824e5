import { randomBytes } from 'node:crypto';
import type { Json } from '../../../protocol/canonical-json.ts';
import { type SealedColumn, textOf } from '../../signer/sealed-columns.ts';
import type { SealContext, Signer } from '../../signer/signer.ts';

export type SinkSettings = { readonly [name: string]: Json };

/** What of a sink is a secret, or may be. */
export interface SealedSettings {
  readonly settings: SinkSettings;
  /** 32 bytes, base64url: for the redaction by HMAC. Another one for each sink, so that receivers cannot compare. */
  readonly redaction_key: string;
}

export function newRedactionKey(): string {
  return randomBytes(32).toString('base64url');
}

export async function sealSettings(signer: Signer, id: string, sealed: SealedSettings): Promise<Uint8Array> {
  return signer.seal(sealContext(id), new TextEncoder().encode(JSON.stringify(sealed)));
}

/** `seal_broken` */
export async function openSettings(
  signer: Signer,
  { id, sealed }: { readonly id: string; readonly sealed: Uint8Array },
): Promise<SealedSettings> {
  return JSON.parse(new TextDecoder().decode(await signer.open(sealContext(id), sealed)));
}

/** What the receivers of sinks gave us to prove who we are, and where they are. */
export const SINK_SETTINGS: SealedColumn = {
  ...{ table: 'sinks', column: 'sealed', key: ['id'] },
  context: (row) => sealContext(textOf(row, 'id')),
};

function sealContext(id: string): SealContext {
  return { kind: 'sink-settings', sink: id };
}
