import * as z from 'zod';
import { encodeBase64url } from '../../protocol/base64url.ts';
import { utf8 } from '../../protocol/bytes.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { escrowSchema } from '../../protocol/escrow/escrow-record.ts';
import { keptShareContext } from '../../protocol/escrow/kept-escrow.ts';
import { splitSecret, verifyOrganizationEscrow } from '../../protocol/escrow/organization-escrow.ts';
import type { KeyStatement } from '../../protocol/key-statement.ts';
import { thumbprint } from '../../protocol/public-key.ts';
import { preFromJwk } from '../../recrypt/encoding.ts';
import { sealTo } from '../../recrypt/sealed-box.ts';
import { devicesOf } from '../directory/devices.ts';
import type { PersonKeys } from '../directory/person-keys.ts';
import type { Signer } from '../signer/signer.ts';
import type { Transaction } from '../storage/database.ts';
import { openEscrow } from './escrow-checks.ts';
import type { StoredKeptEscrow } from './kept-escrow-store.ts';
import { isRecoveryKey } from './recovery-key-store.ts';
import type { BindingDeps } from './services.ts';
import { openShare } from './transform-keys.ts';

const contentSchema = z.strictObject({
  escrow: escrowSchema,
  /** The two shares of s, each sealed to the half of the same place. */
  boxes: z.tuple([z.string(), z.string()]),
  endorsements: z.array(z.string()),
});

/** What is kept, as it rests under the signer's seal. */
export type KeptEscrowContent = z.infer<typeof contentSchema>;

/**
 * What of a person's keys outlives their closing: the escrow as it is, and s split between the halves that the escrow is
 * sealed to. From then on the bridge alone, and whoever has its store and its keys, has no use of s any more. The person
 * chooses the halves of a rotation: with halves of their own they would be given s, so they must be the organization's.
 * Throws `escrow_mismatch`, `seal_broken` and `recrypt_input_invalid` for what nobody could read.
 */
export async function keptContent(
  { engine, signer }: Pick<BindingDeps, 'engine' | 'signer'>,
  tx: Transaction,
  { keys, sealed, statement }: { keys: PersonKeys; sealed: Uint8Array; statement: KeyStatement },
): Promise<KeptEscrowContent> {
  const { sub, key_version: keyVersion } = keys;
  const escrow = await openEscrow(signer, { sub, keyVersion }, sealed);
  const { halves } = await verifyOrganizationEscrow(escrow.token, statement);
  if (!(await isRecoveryKey(tx, [thumbprint(halves[0]), thumbprint(halves[1])]))) {
    throw new CountersignError('escrow_mismatch', 'it is sealed to halves that the organization never had');
  }
  const share = await openShare(signer, { sub, keyVersion }, keys.share);
  const [left, right] = splitSecret(share);
  const seal = async (part: Uint8Array, half: (typeof halves)[0]) => {
    const box = await sealTo(engine, preFromJwk(engine, half), part, keptShareContext(statement, half));
    return encodeBase64url(box);
  };
  const boxes: KeptEscrowContent['boxes'] = [await seal(left, halves[0]), await seal(right, halves[1])];
  for (const bytes of [share, left, right]) bytes.fill(0);
  const devices = await devicesOf(tx, sub);
  return { escrow, boxes, endorsements: devices.map(({ endorsement }) => endorsement) };
}

export function sealKept(signer: Signer, name: KeptName, content: KeptEscrowContent): Promise<Uint8Array> {
  return signer.seal(keptContext(name), utf8(JSON.stringify(content)));
}

/** Throws `seal_broken` for one of another person or key version. */
export async function openKept(signer: Signer, kept: StoredKeptEscrow): Promise<KeptEscrowContent> {
  const name = { sub: kept.sub, keyVersion: kept.key_version };
  const bytes = await signer.open(keptContext(name), kept.sealed);
  return contentSchema.parse(JSON.parse(new TextDecoder().decode(bytes)));
}

interface KeptName {
  readonly sub: string;
  readonly keyVersion: number;
}

/** What a kept escrow is sealed in. */
export function keptContext({ sub, keyVersion }: KeptName) {
  return { kind: 'kept-escrow', sub, key_version: keyVersion };
}
