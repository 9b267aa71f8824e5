import { parseAddress } from '../protocol/address.ts';
import type { Credential, VerifiedCredential } from '../protocol/credential.ts';
import { CountersignError } from '../protocol/errors.ts';
import { decodeClaims } from '../protocol/jws.ts';
import { keyBindingSchema } from '../protocol/key-binding.ts';
import type { ChangedKeyAnswer, VerifiedAnswer } from './answers.ts';
import type { ClientContext } from './context.ts';
import { pinnedIssuer } from './issuer-records.ts';
import { judgeCredential } from './judge.ts';
import { keepingEvidence } from './log-pins.ts';
import { createPinDraft } from './pin-draft.ts';

/**
 * Verifies a credential that somebody showed, with what is pinned and the clock. A first credential for an address is
 * pinned, as a look-up's would be. Attributes in it were meant for somebody else and are ignored. Throws what does not
 * verify, `issuer_unknown`, and `pin_changed`.
 */
export function verifyShownCredential(
  context: ClientContext,
  credential: Credential,
  text: string,
): Promise<{ answer: VerifiedAnswer; verified: VerifiedCredential }> {
  const { address } = parseAddress(text);
  // Only to choose the record; the signature is then verified under it.
  const { iss } = decodeClaims(credential.binding, 'key-binding+jwt', keyBindingSchema);
  return keepingEvidence(context, iss, () =>
    context.pins.update(async (pins) => {
      const draft = createPinDraft(pins);
      const issuer = pinnedIssuer(draft, iss, address, context.now());
      const shown = { address, credential, issuer, audience: null, asOf: null };
      const { answer, verified } = await judgeCredential(context, draft, shown);
      if (answer.status === 'changed_key') {
        throw new CountersignError('pin_changed', `the key of ${address} is not the pinned one`);
      }
      return { pins: draft.pins(), result: { answer, verified } };
    }),
  );
}

/** A person compared the keys: the offered one takes the place of the one that they saw as pinned. */
export async function acceptChangedKey(context: ClientContext, change: ChangedKeyAnswer): Promise<void> {
  const { address, pinned, offered } = change;
  await context.pins.update(async (pins) => {
    if (pins.addresses[address]?.statement_hash !== pinned.statement_hash) {
      throw new CountersignError('conflict', 'another key is pinned by now; look the address up again');
    }
    return {
      pins: { ...pins, addresses: { ...pins.addresses, [address]: offered } },
      result: undefined,
    };
  });
}

/** A person compared the fingerprint of a partner's new root: records that name it are taken again. */
export async function acceptChangedRoot(
  context: ClientContext,
  entityId: string,
  rootThumbprint: string,
): Promise<void> {
  await context.pins.update(async (pins) => {
    const pin = pins.issuers[entityId];
    if (pin === undefined) throw new CountersignError('issuer_unknown', entityId);
    // Serials count under one root.
    const accepted = { ...pin, root_thumbprint: rootThumbprint, serial: 0 };
    return { pins: { ...pins, issuers: { ...pins.issuers, [entityId]: accepted } }, result: undefined };
  });
}
