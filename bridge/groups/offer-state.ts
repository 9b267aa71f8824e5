import * as z from 'zod';
import { utf8 } from '../../protocol/bytes.ts';
import { bytes32 } from '../../protocol/claims.ts';
import { type GroupOffer, groupOfferSchema, groupRequestSchema } from '../../protocol/groups/api.ts';
import { groupTranscript } from '../../protocol/groups/group-transcript.ts';
import type { Signer } from '../signer/signer.ts';

/** What a group is between its two steps; it rests sealed. */
const offerStateSchema = z.strictObject({
  request: groupRequestSchema,
  offer: groupOfferSchema,
  /** Whose device asked. */
  creator: z.string(),
  device: z.string(),
  /** s; null once it is confirmed and rests with the group. */
  share: z.nullable(bytes32),
});

export type OfferState = z.infer<typeof offerStateSchema>;

export function sealOfferState(signer: Signer, state: OfferState): Promise<Uint8Array> {
  return signer.seal(offerContext(state.creator, state.offer.offer_id), utf8(JSON.stringify(state)));
}

/** Throws `seal_broken` for a state of another person or offer. */
export async function openOfferState(
  signer: Signer,
  stored: { sub: string; offer_id: string; sealed: Uint8Array },
): Promise<OfferState> {
  const bytes = await signer.open(offerContext(stored.sub, stored.offer_id), stored.sealed);
  return offerStateSchema.parse(JSON.parse(new TextDecoder().decode(bytes)));
}

/** T, from the bridge's own record of request and offer: nothing in it is taken from the confirmation. */
export function transcriptOfOffer(
  state: Omit<OfferState, 'share' | 'offer'> & { offer: Omit<GroupOffer, 'share_proof'> },
): Uint8Array<ArrayBuffer> {
  const { request, offer, creator, device } = state;
  return groupTranscript({
    iss: offer.iss,
    requestId: request.request_id,
    nonce: offer.nonce,
    offerId: offer.offer_id,
    creator,
    device,
    kind: request.kind,
    label: request.label,
    ends: request.ends,
    clientHalf: request.client_half,
    share: offer.share,
    groupKey: offer.group_key,
    signer: request.signer,
    admins: offer.admins,
    policyHash: offer.policy_hash,
  });
}

/** What a stored state is sealed in. */
export function offerContext(sub: string, offer: string) {
  return { kind: 'group-offer', sub, offer };
}
