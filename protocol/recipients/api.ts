import * as z from 'zod/mini';
import { compactJws, digest } from '../claims.ts';
import { groupRefSchema, groupViewSchema } from '../groups/api.ts';
import { signerEvidenceSchema } from '../groups/signer-evidence.ts';
import { dataKindSchema } from './data-kind.ts';
import { RECIPIENTS } from './terms.ts';

/** `POST /v1/policy/recipients` → 200 `recipientsSchema`. */
export const recipientsBodySchema = z.strictObject({
  ...dataKindSchema.shape,
  /** The address of the person whom the data is about. */
  dataSubject: z.optional(z.string().check(z.minLength(1), z.maxLength(254))),
});

/** What sealing to a group takes, for somebody who may take no part in it: neither its members nor who is shut out. */
export const recipientGroupSchema = z.strictObject({
  ...groupRefSchema.shape,
  /** The newest `group-key+jwt`. */
  token: compactJws,
  signer: signerEvidenceSchema,
  members_head: groupViewSchema.shape.members_head,
  members_seq: groupViewSchema.shape.members_seq,
});

/** The bridge’s choice; the client holds it against the policy of this id in the signed bundle of this hash. */
export const recipientsSchema = z.strictObject({
  /** `@id` of the permit that decided. */
  policy: z.string().check(z.minLength(1), z.maxLength(128)),
  /** Of the policy that was in force. */
  hash: digest,
  recipients: z
    .array(
      z.union([
        z.strictObject({ group: recipientGroupSchema }),
        /** Somebody to look up. */
        z.strictObject({ address: z.string().check(z.maxLength(254)) }),
      ]),
    )
    .check(z.minLength(1), z.maxLength(RECIPIENTS)),
});

export type RecipientsBody = z.infer<typeof recipientsBodySchema>;
export type RecipientGroup = z.infer<typeof recipientGroupSchema>;
export type Recipients = z.infer<typeof recipientsSchema>;
