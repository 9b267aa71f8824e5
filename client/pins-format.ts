import * as z from 'zod/mini';
import { digest, domainName, entityId, id, seconds } from '../protocol/claims.ts';
import { CountersignError } from '../protocol/errors.ts';
import { encryptionKeySchema, signatureKeySchema } from '../protocol/public-key.ts';
import type { Pins } from './pin-store.ts';

const count = z.int().check(z.nonnegative());

const pinsSchema = z.strictObject({
  v: z.literal(1),
  issuer: entityId,
  own: z.nullable(z.strictObject({ root_thumbprint: digest, serial: count })),
  own_key: z.nullable(
    z.strictObject({ address: z.string().check(z.maxLength(254)), client_half: encryptionKeySchema }),
  ),
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
    }),
  ),
  revoked: z.optional(
    z.record(z.string(), z.strictObject({ iss: entityId, version: count, statement_hash: digest })),
  ),
});

export function encodePins(pins: Pins): string {
  return `${JSON.stringify(pins, null, 1)}\n`;
}

/**
 * Pins as stored. A file that was damaged is an error, never 'no pins': that would be to believe anything again. Throws
 * `pin_store_invalid`.
 */
export function decodePins(text: string): Pins {
  try {
    return pinsSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new CountersignError('pin_store_invalid', undefined, { cause });
  }
}
