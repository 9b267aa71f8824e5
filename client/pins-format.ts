import * as z from 'zod/mini';
import { digest, domainName, entityId, id, seconds } from '../protocol/claims.ts';
import { CountersignError } from '../protocol/errors.ts';
import { encryptionKeySchema, signatureKeySchema, thumbprint } from '../protocol/public-key.ts';
import type { Pins } from './pin-store.ts';

const count = z.int().check(z.nonnegative());

const ownAddress = z.string().check(z.maxLength(254));

const checkpoint = z.strictObject({
  size: count,
  root: digest,
  epoch: z.nullable(count),
  time: seconds,
  level: z.enum(['logged', 'witnessed', 'audited']),
  note: z.string(),
});

/** As it was verified before it was pinned: protocol/groups is not loaded before there is a group. */
const group = z.strictObject({
  iss: entityId,
  group: digest,
  kind: z.enum(['meeting', 'durable']),
  creator: id,
  admins: z.array(z.strictObject({ sub: id, address: ownAddress })),
  seq: count,
  key_version: count,
  signer: signatureKeySchema,
  hash: digest,
  iat: z.optional(seconds),
  ends: z.optional(seconds),
  expected: ownAddress,
  members: z.nullable(z.strictObject({ seq: count, hash: digest })),
});

const sinceV1 = {
  issuer: entityId,
  own: z.nullable(z.strictObject({ root_thumbprint: digest, serial: count })),
  issuers: z.record(
    z.string(),
    z.strictObject({
      entity_id: entityId,
      root_thumbprint: digest,
      domains: z.array(domainName),
      status: z.enum(['active', 'suspended']),
      version: count,
      expires: seconds,
      serial: count,
      compromised: z.optional(z.array(digest)),
    }),
  ),
  addresses: z.record(
    z.string(),
    z.strictObject({
      iss: entityId,
      sub: id,
      pre: encryptionKeySchema,
      sig: signatureKeySchema,
      version: count,
      key_version: count,
      statement_hash: digest,
      status: z.enum(['active', 'revoked']),
      first_seen: seconds,
      earlier: z.optional(z.array(digest)),
    }),
  ),
  revoked: z.optional(
    z.record(z.string(), z.strictObject({ iss: entityId, version: count, statement_hash: digest })),
  ),
};

/**
 * How the format may change: a member that is new and may be absent keeps the version, for an older client refuses the
 * file rather than forget what was pinned in it. A member that changes, or must be there, is a new version, and
 * `decodePins` takes the ones before.
 *
 * Version 1 is what was stored before there was a log to remember.
 */
const pinsV1Schema = z.strictObject({
  v: z.literal(1),
  ...sinceV1,
  own_key: z.nullable(z.strictObject({ address: ownAddress, client_half: encryptionKeySchema })),
});

const pinsSchema = z.strictObject({
  v: z.literal(2),
  ...sinceV1,
  own_key: z.nullable(
    z.strictObject({
      address: ownAddress,
      client_half: z.nullable(encryptionKeySchema),
      sigs: z.array(digest),
      half_sig: z.optional(digest),
    }),
  ),
  logs: z.record(
    z.string(),
    z.strictObject({
      anchor: checkpoint,
      unproven: z.array(checkpoint),
      split_view: z.nullable(z.string()),
    }),
  ),
  groups: z.optional(z.record(z.string(), group)),
  recovery_key: z.optional(digest),
});

const storedSchema = z.discriminatedUnion('v', [pinsSchema, pinsV1Schema]);

export function encodePins(pins: Pins): string {
  return `${JSON.stringify(pins, null, 1)}\n`;
}

/**
 * Pins as stored, those of earlier versions in the form of this one. A file that was damaged is an error, never 'no pins': that would be to believe anything again. Throws
 * `pin_store_invalid`.
 */
export function decodePins(text: string): Pins {
  try {
    const stored = storedSchema.parse(JSON.parse(text));
    return stored.v === 2 ? stored : fromV1(stored);
  } catch (cause) {
    throw new CountersignError('pin_store_invalid', undefined, { cause });
  }
}

/** The `sig` that was pinned for the person's own address is the one that this device was enrolled or approved with. */
function fromV1(stored: z.infer<typeof pinsV1Schema>): Pins {
  const { own_key: own } = stored;
  const pinned = own === null ? undefined : stored.addresses[own.address];
  const sigs = pinned?.status === 'active' ? [thumbprint(pinned.sig)] : [];
  return { ...stored, v: 2, own_key: own === null ? null : { ...own, sigs }, logs: {} };
}
