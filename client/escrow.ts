import type { Me } from '../protocol/api.ts';
import { encodeBase64url } from '../protocol/base64url.ts';
import { CountersignError } from '../protocol/errors.ts';
import {
  type Escrow,
  type EscrowRecord,
  escrowBox,
  escrowContext,
  signEscrow,
  verifyEscrow,
} from '../protocol/escrow/escrow-record.ts';
import { verifyOrganizationEscrow } from '../protocol/escrow/organization-escrow.ts';
import { makePassphrase } from '../protocol/escrow/passphrase.ts';
import { unwrapRecoveryKey, wrapRecoveryKey } from '../protocol/escrow/recovery-key.ts';
import { sha256Base64url } from '../protocol/hash.ts';
import type { KeyStatement } from '../protocol/key-statement.ts';
import { encodeVault, type VaultContent } from '../protocol/vault.ts';
import { preFromJwk, preToJwk } from '../recrypt/encoding.ts';
import { openSealed, sealTo } from '../recrypt/sealed-box.ts';
import type { TransformEngine } from '../recrypt/transform-engine.ts';
import type { PassphraseEscrow } from './client.ts';
import { sealToOrganization, succeedingHalves, trustedHalves } from './organization-escrow.ts';
import type { ClientParts } from './own-account.ts';
import { readVault } from './own-vault.ts';
import type { PersonKeys } from './person-keys.ts';
import type { OrganizationEscrow } from './rotation-answers.ts';

/** Nobody transforms what is sealed to a recovery key. */
const HOPS = 0;

/** A recovery key under a new passphrase, which the person has been shown. */
export interface RecoveryKey {
  readonly recovery_key: EscrowRecord['recovery_key'];
  readonly wrapped: EscrowRecord['wrapped'];
}

/** Seals keys that were made meanwhile, as it was prepared. */
export type SealEscrow = (
  person: Pick<PersonKeys, 'sig' | 'vault'>,
  statement: KeyStatement,
) => Promise<Escrow>;

/** All of an escrow that comes before the keys: what is to be trusted, or shown to the person. */
export async function beginEscrow(
  parts: ClientParts,
  { iss, sub, recovery_key }: Me,
  escrow: PassphraseEscrow | OrganizationEscrow,
): Promise<SealEscrow> {
  const { engine, now } = parts.context;
  if ('organization' in escrow) {
    const halves = await trustedHalves(parts, recovery_key, escrow);
    return (person, statement) => sealToOrganization(engine, person, statement, halves, now());
  }
  const recoveryKey = await prepareEscrow(engine, { iss, sub }, escrow);
  return (person, statement) => sealEscrow(engine, person, statement, recoveryKey, now());
}

/**
 * Makes a passphrase and a recovery key under it, and shows the passphrase, before anything is asked of the bridge: people
 * write slowly, and an offer does not wait. What `showPassphrase` throws ends the enrolment.
 */
export async function prepareEscrow(
  engine: TransformEngine,
  owner: { iss: string; sub: string },
  { showPassphrase }: PassphraseEscrow,
): Promise<RecoveryKey> {
  const passphrase = makePassphrase();
  await showPassphrase(passphrase);
  const { privateKey, publicKey } = engine.generateKeyPair();
  const recovery_key = preToJwk(publicKey);
  const wrapped = await wrapRecoveryKey({ ...owner, recovery_key }, privateKey, passphrase);
  privateKey.fill(0);
  return { recovery_key, wrapped };
}

/** Seals the person's private halves to the recovery key; their `sig` vouches for it. */
export async function sealEscrow(
  engine: TransformEngine,
  person: Pick<PersonKeys, 'sig' | 'vault'>,
  { iss, sub, key_version }: KeyStatement,
  { recovery_key, wrapped }: RecoveryKey,
  now: number,
): Promise<Escrow> {
  const named = { iss, sub, key_version, recovery_key };
  const to = preFromJwk(engine, recovery_key);
  const box = await sealTo(engine, to, encodeVault(person.vault), escrowContext(named));
  const token = await signEscrow(person.sig, {
    ...{ v: 1, ...named, method: 'passphrase', wrapped },
    ...{ box: sha256Base64url(box), iat: now },
  });
  return { token, box: encodeBase64url(box) };
}

/** What a rotation escrows, and to what: the escrow of before, and what the bridge says of the recovery key. */
export interface EscrowedBefore {
  readonly token: string | undefined;
  /** `recovery-key+jwt`. */
  readonly recoveryKey: string | undefined;
  /** What the app knows of the organization's key; absent where the person was never asked. */
  readonly organization: OrganizationEscrow | undefined;
  /** Whether the keys are rotated because the recovery key was replaced. */
  readonly isReplaced: boolean;
}

/**
 * The same for the keys that a rotation brings: the recovery key stays, if the keys before vouch for it, or is the
 * organization's that took its place. The bridge could put in one of its own otherwise. Throws `escrow_mismatch`, and what
 * `verifyEscrow` and, where the escrow begins, `trustedHalves` throw.
 */
export async function escrowAnew(
  parts: ClientParts,
  fresh: Pick<PersonKeys, 'sig' | 'vault'>,
  { current, next }: { readonly current: KeyStatement; readonly next: KeyStatement },
  { token, recoveryKey, organization, isReplaced }: EscrowedBefore,
): Promise<Escrow> {
  const { engine, now } = parts.context;
  if (next.escrow === 'organization' && current.escrow !== 'organization') {
    const halves = await trustedHalves(parts, recoveryKey, organization ?? { organization: true });
    return sealToOrganization(engine, fresh, next, halves, now());
  }
  if (token === undefined) throw new CountersignError('escrow_mismatch', 'the bridge has lost the escrow');
  if (current.escrow === 'organization') {
    const { halves: vouched } = await verifyOrganizationEscrow(token, current);
    const halves = await succeedingHalves(parts, recoveryKey, vouched, {
      ...{ told: organization?.fingerprint, isReplaced },
    });
    return sealToOrganization(engine, fresh, next, halves, now());
  }
  return sealEscrow(engine, fresh, next, await verifyEscrow(token, current), now());
}

/**
 * The person's private halves, as they were escrowed. What comes out is still to be held against the statement. Throws
 * `escrow_mismatch`, `passphrase_invalid`, `passphrase_wrong`, `recrypt_decrypt_failed`, `vault_mismatch`.
 */
export async function openEscrow(
  engine: TransformEngine,
  escrow: Escrow,
  statement: KeyStatement,
  passphrase: string,
): Promise<VaultContent> {
  const claims = await verifyEscrow(escrow.token, statement);
  const box = escrowBox(claims, escrow.box);
  const privateKey = await unwrapRecoveryKey(claims, claims.wrapped, passphrase);
  try {
    const opened = await openSealed(engine, privateKey, box, escrowContext(claims), HOPS);
    const content = readVault(opened);
    opened.fill(0);
    return content;
  } finally {
    privateKey.fill(0);
  }
}
