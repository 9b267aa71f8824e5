import { decodeBase64url, encodeBase64url } from '../protocol/base64url.ts';
import { CountersignError } from '../protocol/errors.ts';
import type { Escrow } from '../protocol/escrow/escrow-record.ts';
import {
  escrowShareContext,
  signOrganizationEscrow,
  splitSecret,
} from '../protocol/escrow/organization-escrow.ts';
import {
  type OrganizationKey,
  organizationKeyFingerprint,
  type RecoveryHalves,
  successionTranscript,
  verifyOrganizationKey,
} from '../protocol/escrow/organization-key.ts';
import { sha256Base64url } from '../protocol/hash.ts';
import type { KeyStatement } from '../protocol/key-statement.ts';
import { encodeVault } from '../protocol/vault.ts';
import { preFromJwk } from '../recrypt/encoding.ts';
import { sealTo } from '../recrypt/sealed-box.ts';
import type { TransformEngine } from '../recrypt/transform-engine.ts';
import type { ClientParts } from './own-account.ts';
import type { PersonKeys } from './person-keys.ts';
import type { OrganizationEscrow } from './rotation-answers.ts';

/**
 * The halves to escrow to: signed by the bridge, and the ones that the company hands out or, without that, that this
 * device saw first; or those that took their place by the word of both halves of before. The bridge could offer halves of
 * its own otherwise. Where the company hands out an older key than this device has followed to, both must lead to the
 * halves: who has the old halves, and the bridge, could lead everybody elsewhere. Throws `escrow_unsupported`,
 * `recovery_key_changed`, and what does not verify.
 */
export async function trustedHalves(
  { context, ownKeys }: Pick<ClientParts, 'context' | 'ownKeys'>,
  token: string | undefined,
  { fingerprint: told }: OrganizationEscrow,
): Promise<RecoveryHalves> {
  if (token === undefined) throw new CountersignError('escrow_unsupported');
  const key = await ownKeys.verifying((keys) => verifyOrganizationKey(token, keys, context.now()));
  const fingerprint = organizationKeyFingerprint(context.issuer, key.halves);
  return context.pins.update(async (pins) => {
    const known = [told, pins.recovery_key].filter((one) => one !== undefined);
    const isFollowed = known.every((one) => leadsFrom(context, one, key));
    if (told !== fingerprint && !isFollowed) throw new CountersignError('recovery_key_changed');
    return { pins: { ...pins, recovery_key: fingerprint }, result: key.halves };
  });
}

/** Whether the key is the one of this fingerprint, or took its place, perhaps by way of others. */
export function leadsFrom(
  { engine, issuer }: ClientParts['context'],
  fingerprint: string,
  { halves, before = [] }: Pick<OrganizationKey, 'halves' | 'before'>,
): boolean {
  let next = halves;
  for (const { halves: previous, signatures } of before) {
    if (organizationKeyFingerprint(issuer, next) === fingerprint) return true;
    const transcript = successionTranscript(issuer, previous, next);
    const isSigned = previous.every((half, index) =>
      engine.schnorrVerify(
        preFromJwk(engine, half),
        transcript,
        decodeBase64url(signatures[index] ?? '', 64),
      ),
    );
    if (!isSigned) return false;
    next = previous;
  }
  return organizationKeyFingerprint(issuer, next) === fingerprint;
}

/**
 * The halves that a rotation seals to: those that the person's `sig` has vouched for, or the ones that took their place by
 * the word of both. `told`: what the company hands out, where the app has it. Others than these are left alone; throws
 * `recovery_key_changed` where the rotation was for these others (`isReplaced`).
 */
export async function succeedingHalves(
  { context, ownKeys }: Pick<ClientParts, 'context' | 'ownKeys'>,
  token: string | undefined,
  vouched: RecoveryHalves,
  { told, isReplaced }: { readonly told: string | undefined; readonly isReplaced: boolean },
): Promise<RecoveryHalves> {
  if (token === undefined) return vouched;
  const key = await ownKeys.verifying((keys) => verifyOrganizationKey(token, keys, context.now()));
  const isTold = told === organizationKeyFingerprint(context.issuer, key.halves);
  const follows = leadsFrom(context, organizationKeyFingerprint(context.issuer, vouched), key);
  if (isTold || follows) {
    await pinFollowed(context, key, isTold);
    return key.halves;
  }
  if (isReplaced) throw new CountersignError('recovery_key_changed');
  return vouched;
}

/**
 * What was followed is what counts on this device from then on, or an escrow that begins later could be led back to halves
 * that were replaced. Not by the word of the person's `sig` alone: a thief may have had that.
 */
async function pinFollowed(
  context: ClientParts['context'],
  key: OrganizationKey,
  isTold: boolean,
): Promise<void> {
  const fingerprint = organizationKeyFingerprint(context.issuer, key.halves);
  await context.pins.update(async (pins) => {
    const { recovery_key: pinned = fingerprint } = pins;
    const isNext = isTold || leadsFrom(context, pinned, key);
    return { pins: isNext ? { ...pins, recovery_key: fingerprint } : pins, result: undefined };
  });
}

/** Seals one share of the person's private halves to each half of the recovery key; their `sig` vouches for both. */
export async function sealToOrganization(
  engine: TransformEngine,
  person: Pick<PersonKeys, 'sig' | 'vault'>,
  statement: KeyStatement,
  halves: RecoveryHalves,
  now: number,
): Promise<Escrow> {
  const content = encodeVault(person.vault);
  const [left, right] = splitSecret(content);
  content.fill(0);
  const seal = (share: Uint8Array, half: RecoveryHalves[0]) =>
    sealTo(engine, preFromJwk(engine, half), share, escrowShareContext(statement, half));
  const [first, second] = [await seal(left, halves[0]), await seal(right, halves[1])];
  const { iss, sub, key_version } = statement;
  const token = await signOrganizationEscrow(person.sig, {
    ...{ v: 1, iss, sub, key_version, halves, iat: now },
    boxes: [sha256Base64url(first), sha256Base64url(second)],
  });
  return { token, box: encodeBase64url(first), second_box: encodeBase64url(second) };
}
