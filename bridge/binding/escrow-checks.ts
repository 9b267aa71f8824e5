import { utf8 } from '../../protocol/bytes.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { type Escrow, escrowBox, escrowSchema, verifyEscrow } from '../../protocol/escrow/escrow-record.ts';
import {
  organizationBoxes,
  organizationEscrowSchema,
  verifyOrganizationEscrow,
} from '../../protocol/escrow/organization-escrow.ts';
import { organizationKeyFingerprint } from '../../protocol/escrow/organization-key.ts';
import { decodeClaims } from '../../protocol/jws.ts';
import type { KeyStatement } from '../../protocol/key-statement.ts';
import { preFromJwk } from '../../recrypt/encoding.ts';
import type { TransformEngine } from '../../recrypt/transform-engine.ts';
import type { Signer } from '../signer/signer.ts';
import { assertUntransformed } from './transform-keys.ts';

/**
 * Holds what a client escrows against its statement: exactly if that declares one, by the person's `sig`, for this key
 * version. Whether it opens is between the person and their passphrase, or the organization's two administrators. Throws `escrow_mismatch`,
 * `recrypt_input_invalid`, `malformed_request`.
 */
export async function checkEscrow(
  engine: TransformEngine,
  statement: KeyStatement,
  escrow: Escrow | undefined,
): Promise<void> {
  if ((statement.escrow === 'none') !== (escrow === undefined)) {
    throw new CountersignError('escrow_mismatch', 'the statement and what comes with it do not agree');
  }
  if (escrow === undefined) return;
  if (statement.escrow === 'organization') {
    const claims = await verifyOrganizationEscrow(escrow.token, statement);
    for (const half of claims.halves) preFromJwk(engine, half);
    for (const box of organizationBoxes(claims, escrow)) assertUntransformed(box);
    return;
  }
  const claims = await verifyEscrow(escrow.token, statement);
  preFromJwk(engine, claims.recovery_key);
  assertUntransformed(escrowBox(claims, escrow.box));
}

/** At rest also under the bridge's own key: a stolen disk alone gives nobody anything to guess at. */
export async function sealEscrow(
  signer: Signer,
  name: { sub: string; keyVersion: number },
  escrow: Escrow | undefined,
): Promise<Uint8Array | null> {
  if (escrow === undefined) return null;
  return signer.seal(escrowContext(name), utf8(JSON.stringify(escrow)));
}

/** Throws `seal_broken` for one of another person or key version. */
export async function openEscrow(
  signer: Signer,
  name: { sub: string; keyVersion: number },
  sealed: Uint8Array,
): Promise<Escrow> {
  const bytes = await signer.open(escrowContext(name), sealed);
  return escrowSchema.parse(JSON.parse(new TextDecoder().decode(bytes)));
}

/** What a stored escrow is sealed in. */
export function escrowContext({ sub, keyVersion }: { sub: string; keyVersion: number }) {
  return { kind: 'escrow', sub, key_version: keyVersion };
}

/** The recovery key that an escrow is sealed to, by its fingerprint; null where it is not to the organization. */
export function escrowKeyOf(
  { escrow: method, iss }: KeyStatement,
  escrow: Escrow | undefined,
): string | null {
  if (method !== 'organization' || escrow === undefined) return null;
  const { halves } = decodeClaims(escrow.token, 'organization-escrow+jwt', organizationEscrowSchema);
  return organizationKeyFingerprint(iss, halves);
}
