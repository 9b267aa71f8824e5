import { isCountersignError } from '../../protocol/errors.ts';
import type { SignerEvidence, VerifiedSigner } from '../../protocol/groups/signer-evidence.ts';
import { claimedRekey, type RekeyMessage, verifyRekey } from '../../protocol/meetings/rekey-message.ts';
import type { MeetingGroup } from './meeting-group.ts';
import type { MeetingRelay } from './relay.ts';
import { type Sending, untilSent } from './until-sent.ts';

/** A rekey message by a device of an admin. What it says of the tree is not checked yet. */
export interface SignedMessage extends RekeyMessage {
  readonly sender: VerifiedSigner;
}

/** Says who may sign for a meeting, from evidence that it verifies once. */
export interface Senders {
  /**
   * Verifies that an admin's device signed this; `evidence`, where it came with it. Throws `group_not_admin`,
   * `jws_unknown_key` where there is no evidence, and what the verification throws.
   */
  verify(token: string, evidence?: readonly SignerEvidence[]): Promise<SignedMessage>;
  /** The group changed: somebody may be an admin no more. */
  forget(): void;
}

/** Asks until it is answered: a message that nobody could verify for a moment would be lost. */
export function createSenders(
  session: Sending & { readonly parts: { readonly relay: MeetingRelay; readonly group: MeetingGroup } },
): Senders {
  const { relay, group } = session.parts;
  const known = new Map<string, VerifiedSigner>();

  async function find(device: string, shown?: readonly SignerEvidence[]): Promise<VerifiedSigner> {
    const evidence = shown ?? (await untilSent(session, () => relay.state())).signers;
    const judge = () => untilSent(session, () => group.admin(device, evidence));
    try {
      return await judge();
    } catch (error) {
      // Somebody may be an admin since we looked.
      if (!isCountersignError(error, 'group_not_admin')) throw error;
      await untilSent(session, () => group.refresh());
      return judge();
    }
  }

  return {
    async verify(token, evidence) {
      const { device } = claimedRekey(token);
      const sender = known.get(device) ?? (await find(device, evidence));
      const { iss, sub, keys } = sender.device;
      const message = await verifyRekey(token, { iss, sub, key: keys[1] });
      known.set(device, sender);
      return { ...message, sender };
    },
    forget: () => known.clear(),
  };
}
