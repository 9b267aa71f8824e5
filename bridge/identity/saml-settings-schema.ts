import * as z from 'zod';
import type { SamlSettings } from '../../connectors/identity/saml/saml-settings.ts';
import { IDP_CERTIFICATES, METADATA_BYTES, SAML_CLOCK_SKEW_MAX_S, URL_LENGTH } from '../lib/limits.ts';

/** What an administrator may set of a SAML connection; entity id, ACS and keys are the bridge's own. */
export type AdministeredSamlSettings = Omit<SamlSettings, 'spEntityId' | 'acsUrl' | 'signing' | 'decryption'>;

const httpsUrl = z.url({ protocol: /^https$/, error: 'must be an https URL' }).max(URL_LENGTH);
const name = z.string().min(1).max(256);
const names = z.array(name).min(1).max(16);
const algorithms = z.array(z.string().max(256)).min(1).max(16);

export const administeredSamlSettings = z.strictObject({
  idp: z.strictObject({
    metadata: z.union([
      z.strictObject({ url: httpsUrl }),
      z.strictObject({ xml: z.string().min(1).max(METADATA_BYTES) }),
    ]),
    /** Where the metadata describes several entities. */
    entityId: z.string().min(1).max(1024).optional(),
    overrides: z
      .strictObject({
        ssoUrl: httpsUrl.optional(),
        /** PEM. */
        certificates: z.array(z.string().max(16_384)).min(1).max(IDP_CERTIFICATES).optional(),
      })
      .optional(),
  }),
  attributes: z
    .strictObject({ address: names.optional(), name: names.optional(), groups: names.optional() })
    .optional(),
  subject: z
    .union([z.strictObject({ nameId: z.literal('persistent') }), z.strictObject({ attribute: name })])
    .optional(),
  clockSkewMs: z
    .int()
    .min(0)
    .max(SAML_CLOCK_SKEW_MAX_S * 1000)
    .optional(),
  wantEncrypted: z.boolean().optional(),
  assertionSignature: z.enum(['assertion', 'response-or-assertion']).optional(),
  algorithms: z
    .strictObject({
      signature: algorithms.optional(),
      digest: algorithms.optional(),
      canonicalization: algorithms.optional(),
      transform: algorithms.optional(),
      dataEncryption: algorithms.optional(),
      keyEncryption: algorithms.optional(),
      oaepDigest: algorithms.optional(),
      oaepMask: algorithms.optional(),
    })
    .optional(),
});
