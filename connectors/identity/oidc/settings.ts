import * as z from 'zod';
import { URL_LENGTH } from '../../../bridge/lib/limits.ts';
import { CountersignError } from '../../../protocol/errors.ts';

/**
 * What an ID token may be signed with: public-key algorithms only, so that no secret that we share with the IdP (or
 * its public key taken for one) can make a token. `none` and HMAC are not in the list and cannot be configured.
 */
export const SIGNING_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const;

const httpsUrl = z
  .url({ protocol: /^https$/, error: 'must be an https URL' })
  .max(URL_LENGTH)
  .refine((url) => !/[?#]/.test(url), 'must have neither query nor fragment');

const secret = z.string().min(1).max(1024);
const claimName = z.string().min(1).max(256);

/** How we authenticate at the token endpoint. */
const authentication = z.discriminatedUnion('method', [
  z.strictObject({ method: z.literal('client_secret_post'), secret }),
  z.strictObject({ method: z.literal('client_secret_basic'), secret }),
  // Some IdPs do not decode the form-encoding that RFC 6749 section 2.3.1 asks for; this sends the secret as it is.
  z.strictObject({ method: z.literal('client_secret_basic_raw'), secret }),
  z.strictObject({
    method: z.literal('private_key_jwt'),
    /** PKCS #8, PEM. */
    privateKey: z.string().min(1),
    algorithm: z.enum(SIGNING_ALGORITHMS),
    keyId: z.string().min(1).max(256).optional(),
  }),
  z.strictObject({ method: z.literal('none') }),
]);

const claims = z
  .strictObject({
    /** Other than `sub` for IdPs whose `sub` differs per client (`oid` at Entra). It must be stable and unique. */
    subject: claimName.default('sub'),
    /** A string or a list of strings. */
    address: claimName.default('email'),
    /** The claim that says the address was verified. */
    addressVerified: claimName.default('email_verified'),
    name: claimName.default('name'),
    groups: claimName.optional(),
  })
  .prefault({});

const settings = z
  .strictObject({
    /** Exactly as the IdP publishes it, a final slash included. */
    issuer: httpsUrl,
    clientId: z.string().min(1).max(512),
    /** Ours, one per connection: a second defence against answers of another IdP (RFC 9207 section 4). */
    redirectUri: httpsUrl,
    authentication,
    scope: z
      .string()
      .max(1024)
      .refine((scope) => scope.split(' ').includes('openid'), 'must contain openid')
      .default('openid email profile'),
    /** Where absent: whatever of the list above the IdP offers. */
    idTokenAlgorithm: z.enum(SIGNING_ALGORITHMS).optional(),
    claims,
    /**
     * `required`: an address counts only if the IdP says that it was verified. `trusted-domain`: also if the IdP
     * says nothing, for IdPs that hold the company's own directory. 'Not verified' is refused by both.
     */
    emailVerified: z.enum(['required', 'trusted-domain']).default('required'),
  })
  .refine(
    (value) =>
      value.emailVerified === 'trusted-domain' ||
      value.claims.address === 'email' ||
      value.claims.addressVerified !== 'email_verified',
    { path: ['claims', 'address'], error: 'email_verified says nothing about another claim than email' },
  );

/** Settings of one OIDC connection, as an administrator gives them. */
export type OidcSettings = z.input<typeof settings>;

/** The same, checked and with every default filled in. */
export type CheckedOidcSettings = z.output<typeof settings>;

/** The schema, for whoever stores connections. */
export const oidcSettings = settings;

/** @throws CountersignError `config_invalid`, naming every fault with its path. */
export function checkOidcSettings(value: OidcSettings): CheckedOidcSettings {
  const checked = settings.safeParse(value);
  if (checked.success) return checked.data;
  const faults = checked.error.issues.map((issue) => `${issue.path.join('.') || '(all)'}: ${issue.message}`);
  throw new CountersignError('config_invalid', faults.join('; '));
}
