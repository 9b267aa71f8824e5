import * as z from 'zod';
import { enrolmentOfferSchema, enrolmentRequestSchema } from '../../protocol/api.ts';
import { utf8 } from '../../protocol/bytes.ts';
import { bytes32, digest } from '../../protocol/claims.ts';
import { statementHash } from '../../protocol/key-statement.ts';
import { enrolmentTranscript } from '../../protocol/transcript.ts';
import type { Signer } from '../signer/signer.ts';

/** What an enrolment is between its two steps; it rests sealed. */
const enrolmentStateSchema = z.strictObject({
  request: enrolmentRequestSchema,
  offer: enrolmentOfferSchema,
  access_token_hash: digest,
  /** s; null once it is confirmed and rests with the person's keys. */
  share: z.nullable(bytes32),
});

export type EnrolmentState = z.infer<typeof enrolmentStateSchema>;

export function sealState(signer: Signer, sub: string, state: EnrolmentState): Promise<Uint8Array> {
  return signer.seal(enrolmentContext(sub, state.offer.enrolment_id), utf8(JSON.stringify(state)));
}

/** Throws `seal_broken` for a state of another person or enrolment. */
export async function openState(
  signer: Signer,
  stored: { sub: string; enrolment_id: string; sealed: Uint8Array },
): Promise<EnrolmentState> {
  const bytes = await signer.open(enrolmentContext(stored.sub, stored.enrolment_id), stored.sealed);
  return enrolmentStateSchema.parse(JSON.parse(new TextDecoder().decode(bytes)));
}

/** T, from the bridge's own record of request and offer: nothing in it is taken from the confirmation. */
export function transcriptOf(
  state: Omit<EnrolmentState, 'share' | 'offer'> & { offer: Offered },
): Uint8Array {
  const { request, offer } = state;
  return enrolmentTranscript({
    iss: offer.iss,
    accessTokenHash: state.access_token_hash,
    nonce: offer.nonce,
    enrolmentId: offer.enrolment_id,
    requestId: request.request_id,
    clientHalf: request.client_half,
    share: offer.share,
    personKey: offer.person_key,
    sig: request.sig,
    deviceKey: request.device_key,
    deviceSig: request.device_sig,
    policyHash: offer.policy_hash,
    statementHash: statementHash(offer.statement),
  });
}

/** An offer before its proof is made. */
export type Offered = Omit<EnrolmentState['offer'], 'share_proof'>;

/** What a stored state is sealed in. */
export function enrolmentContext(sub: string, enrolmentId: string) {
  return { kind: 'enrolment', sub, enrolment: enrolmentId };
}
