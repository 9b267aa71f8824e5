import * as z from 'zod/mini';
import { utf8 } from './bytes.ts';
import { canonicalJson, labelled } from './canonical-json.ts';
import { bytes32 } from './claims.ts';
import { CountersignError } from './errors.ts';
import { signatureKeySchema } from './public-key.ts';

/**
 * What a vault holds (PROTOCOL §1): the person's private halves, u and `sig`. It rests only sealed to the person's own
 * encryption key U′; a device opens it through its transform when it must approve or rotate, and drops it.
 */
const vaultContentSchema = z.strictObject({
  v: z.literal(1),
  /** u, 32 bytes base64url. */
  pre: bytes32,
  sig: z.extend(signatureKeySchema, { d: bytes32 }),
});

export type VaultContent = z.infer<typeof vaultContentSchema>;

/** The plaintext of a vault. */
export function encodeVault(content: VaultContent): Uint8Array<ArrayBuffer> {
  return utf8(canonicalJson(content));
}

/** The content of an opened vault. Throws `claims_invalid`. */
export function decodeVault(bytes: Uint8Array): VaultContent {
  try {
    return vaultContentSchema.parse(
      JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)),
    );
  } catch {
    // No cause: a parser's message quotes the text that it refuses, and this text is private keys.
    throw new CountersignError('claims_invalid', 'the vault does not hold what a vault holds');
  }
}

/** What a vault is sealed with as associated data: it opens for this person and key version only. */
export function vaultContext(person: {
  iss: string;
  sub: string;
  key_version: number;
}): Uint8Array<ArrayBuffer> {
  return labelled('vault', { iss: person.iss, sub: person.sub, key_version: person.key_version });
}
