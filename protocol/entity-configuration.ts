import * as z from 'zod/mini';
import { compactJws, digest, displayText, domainName, entityId, ISSUER_DOMAINS, seconds } from './claims.ts';
import { CountersignError } from './errors.ts';
import { verifyIssued } from './issued.ts';
import { decodeClaims, readHeader } from './jws.ts';
import { type OnlineKeys, verifyOnlineKeys } from './online-keys.ts';
import { signatureKeySchema, thumbprint } from './public-key.ts';

/** Which policy a bridge decides by. */
export const policyReference = z.strictObject({
  version: z.int().check(z.nonnegative()),
  hash: digest,
  uri: z.url({ protocol: /^https$/ }).check(z.maxLength(512)),
});

export type PolicyReference = z.infer<typeof policyReference>;

/**
 * Entity configuration (OpenID Federation 1.0 §3, entity type `key_bridge`), served at
 * `/.well-known/openid-federation`. Self-signed with a `federation` key, which the online keys inside, signed by the
 * offline root, vouch for. Members of other entity types are left to the standard and ignored.
 */
export const entityConfigurationSchema = z.object({
  iss: entityId,
  sub: entityId,
  iat: seconds,
  exp: seconds,
  jwks: z.object({
    keys: z
      .array(z.object({ ...signatureKeySchema.shape, kid: digest }))
      .check(z.minLength(1), z.maxLength(16)),
  }),
  metadata: z.object({
    key_bridge: z.strictObject({
      organization_name: displayText(256),
      domains: z.array(domainName).check(z.maxLength(ISSUER_DOMAINS)),
      lookup_endpoint: z.url({ protocol: /^https$/ }),
      online_keys: compactJws,
      /** The prefix of the key log: its checkpoint and tiles (C2SP tlog-tiles). */
      log_endpoint: z.optional(z.url({ protocol: /^https$/ })),
      /** Where it takes signals about people whom it looked up: security event tokens (RFC 8935). */
      signals_endpoint: z.optional(z.url({ protocol: /^https$/ })),
      /** The policy in force, and where its bundle is (`policy-bundle+jwt`). */
      policy: z.optional(policyReference),
      /** Of a bridge that is a witness of others' logs (C2SP tlog-witness). */
      witness: z.optional(
        z.strictObject({
          vkey: z.string().check(z.maxLength(512)),
          url: z.url({ protocol: /^https$/ }),
        }),
      ),
    }),
  }),
});

export type EntityConfiguration = z.infer<typeof entityConfigurationSchema>;

export interface VerifiedEntity {
  readonly configuration: EntityConfiguration;
  readonly onlineKeys: OnlineKeys;
  /** The `online-keys+jwt` as received. */
  readonly onlineKeysToken: string;
}

/**
 * Verifies an entity configuration under the root of this thumbprint: first the online keys within (claimed by the
 * unverified payload, held against the root), then the configuration under them. Throws `root_mismatch`,
 * `jws_issuer`, `jws_expired`, `serial_rollback` and what the parts throw.
 */
export async function verifyEntityConfiguration(
  token: string,
  expected: { entityId: string; rootThumbprint: string; leastSerial?: number },
  now: number,
): Promise<VerifiedEntity> {
  const claimed = decodeClaims(token, 'entity-statement+jwt', entityConfigurationSchema);
  const onlineKeysToken = claimed.metadata.key_bridge.online_keys;
  const { entityId: iss, ...root } = expected;
  const onlineKeys = await verifyOnlineKeys(onlineKeysToken, { iss, ...root }, now);
  const signer = { onlineKeys, purpose: 'federation' as const };
  const configuration = await verifyIssued(
    token,
    'entity-statement+jwt',
    entityConfigurationSchema,
    signer,
    now,
  );
  if (configuration.sub !== expected.entityId) {
    throw new CountersignError('jws_issuer', 'an entity configuration is about its issuer');
  }
  assertPublishesKey(configuration, readHeader(token).kid);
  return { configuration, onlineKeys, onlineKeysToken };
}

/** OpenID Federation 1.0 §3.1: an entity's `jwks` holds the key that signed; ids there are thumbprints too. */
function assertPublishesKey(configuration: EntityConfiguration, kid: string): void {
  const { keys } = configuration.jwks;
  const named = keys.every(({ kid: name, ...key }) => name === thumbprint(key));
  if (!named || !keys.some((key) => key.kid === kid)) {
    throw new CountersignError('claims_invalid', 'the jwks does not hold the key that signed');
  }
}
