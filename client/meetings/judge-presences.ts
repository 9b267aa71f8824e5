import { parseAddress } from '../../protocol/address.ts';
import { type DeviceEndorsement, verifyDeviceBinding } from '../../protocol/device.ts';
import { CountersignError, isCountersignError } from '../../protocol/errors.ts';
import {
  endOfEvidence,
  makingOfEvidence,
  type SignerEvidence,
} from '../../protocol/groups/signer-evidence.ts';
import { CLOCK_SKEW, decodeClaims } from '../../protocol/jws.ts';
import { keyBindingSchema } from '../../protocol/key-binding.ts';
import { PRESENCE_LIFE, type Presence, presenceSchema, verifyPresence } from '../../protocol/presence.ts';
import {
  type PresenceRenewal,
  presenceRenewalSchema,
  verifyPresenceRenewal,
} from '../../protocol/presence-renewal.ts';
import type { VerifiedAnswer } from '../answers.ts';
import type { ClientContext } from '../context.ts';
import { pinnedIssuer } from '../issuer-records.ts';
import { judgeCredential } from '../judge.ts';
import { createPinDraft, type PinDraft } from '../pin-draft.ts';

/** A presence proof with its evidence, as a relay passes it on: attacker-controlled. */
export interface ShownPresence extends SignerEvidence {
  readonly proof: string;
  /** `presence-renewal+jwt`, where the device has shown itself since. */
  readonly renewal?: string | undefined;
}

/** What the verifier knows itself of the place that a proof is for. */
export interface ExpectedPlace {
  readonly aud: string;
  readonly meeting: string;
  readonly epoch: number;
  readonly challenge: string;
  /** When it must have been alive, seconds. */
  readonly at: number;
}

/** For the claims of a proof or a renewal, not yet verified. Throws for a place that the verifier does not know. */
export type PlaceOf = (claims: Pick<Presence, 'epoch' | 'challenge' | 'iat'>) => ExpectedPlace;

export interface PresentPerson {
  readonly person: VerifiedAnswer;
  readonly device: DeviceEndorsement;
  readonly presence: Presence;
  /** When the device showed itself last, seconds: as it signed. */
  readonly shownAt: number;
  /** When what it rests on ends, seconds. */
  readonly until: number;
}

export type JudgedPresence =
  | ({ readonly ok: true } & PresentPerson)
  | { readonly ok: false; readonly address: string; readonly error: CountersignError };

/**
 * Verifies each by itself, as `verifyPresence` of the client does one: one that fails spoils no other. The pins are
 * written once for all of them.
 */
export async function judgePresences(
  context: ClientContext,
  shown: readonly ShownPresence[],
  placeOf: PlaceOf,
): Promise<JudgedPresence[]> {
  return context.pins.update(async (pins) => {
    const draft = createPinDraft(pins);
    const judged: JudgedPresence[] = [];
    for (const each of shown) judged.push(await judgeOne(context, draft, each, placeOf));
    return { pins: draft.pins(), result: judged };
  });
}

async function judgeOne(
  context: ClientContext,
  draft: PinDraft,
  shown: ShownPresence,
  placeOf: PlaceOf,
): Promise<JudgedPresence> {
  try {
    // The proof first says whether it can be for here at all: then nobody is pinned for a proof from elsewhere.
    const expected = placeOf(decodeClaims(shown.proof, 'presence+jwt', presenceSchema));
    const { person, device } = await judgeSigner(context, draft, shown);
    const presence = await verifyPresence(shown.proof, device, expected, expected.at);
    const renewed = await judgeRenewal(shown, { device, presence }, placeOf);
    const shownAt = renewed?.iat ?? presence.iat;
    assertMadeThen(shown, shownAt);
    return { ok: true, person, device, presence, shownAt, until: endOfEvidence(shown) };
  } catch (error) {
    if (!isCountersignError(error)) throw error;
    return { ok: false, address: shown.address, error };
  }
}

/** Null where there is none. One that does not verify spoils the whole: nobody else than the device put it there. */
async function judgeRenewal(
  { proof, renewal }: ShownPresence,
  { device, presence }: Pick<PresentPerson, 'device' | 'presence'>,
  placeOf: PlaceOf,
): Promise<PresenceRenewal | null> {
  if (renewal === undefined) return null;
  const claimed = decodeClaims(renewal, 'presence-renewal+jwt', presenceRenewalSchema);
  const { epoch, challenge, at } = placeOf(claimed);
  return verifyPresenceRenewal(renewal, device, { proof, presence, epoch, challenge }, at);
}

/** The clocks of the device, of its bridge and of the meeting’s may differ, each from the next. */
const MADE_LATER_AT_MOST = PRESENCE_LIFE + 2 * CLOCK_SKEW;

/**
 * Evidence is made when a device shows itself. A bridge can make it again by itself, for as long as it likes, of a device
 * that has been silent since: that shows nothing of it. Throws `presence_mismatch`.
 */
function assertMadeThen(shown: ShownPresence, shownAt: number): void {
  if (makingOfEvidence(shown) <= shownAt + MADE_LATER_AT_MOST) return;
  throw new CountersignError('presence_mismatch', 'what it rests on was made after the device showed itself');
}

async function judgeSigner(
  context: ClientContext,
  draft: PinDraft,
  { address: text, credential, device_binding: deviceBinding }: SignerEvidence,
): Promise<{ person: VerifiedAnswer; device: DeviceEndorsement }> {
  const { address } = parseAddress(text);
  const { iss } = decodeClaims(credential.binding, 'key-binding+jwt', keyBindingSchema);
  const issuer = pinnedIssuer(draft, iss, address, context.now());
  const shown = { address, credential, issuer, audience: null, asOf: null };
  const { answer, verified } = await judgeCredential(context, draft, shown);
  if (answer.status === 'changed_key') {
    throw new CountersignError('pin_changed', `the key of ${address} is not the pinned one`);
  }
  const { onlineKeys, statement } = verified;
  return {
    person: answer,
    device: await verifyDeviceBinding(deviceBinding, onlineKeys, statement, context.now()),
  };
}
