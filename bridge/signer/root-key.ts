import * as z from 'zod';
import { digest } from '../../protocol/claims.ts';
import {
  exportSigningKey,
  generateSigningKey,
  importSigningKey,
  type SigningKey,
  signBytes,
  verifyBytes,
} from '../../protocol/ed25519.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { signatureKeySchema } from '../../protocol/public-key.ts';

/**
 * The file that the offline root rests in. It is never in the database: whoever runs the bridge writes it (mode
 * 0600), takes it off the machine, and brings it back for a rotation.
 */
const rootKeyFileSchema = z.strictObject({
  v: z.literal(1),
  thumbprint: digest,
  key: z.strictObject({ ...signatureKeySchema.shape, d: z.string().regex(/^[A-Za-z0-9_-]{43}$/) }),
});

export type RootKeyFile = z.infer<typeof rootKeyFileSchema>;

/** A new offline root. The answer holds the private key. */
export async function createRootKey(): Promise<RootKeyFile> {
  const root = await generateSigningKey(true);
  return { v: 1, thumbprint: root.kid, key: await exportSigningKey(root) };
}

/**
 * The root of a parsed root key file. Throws `key_invalid` for a file that is none, or whose parts do not belong
 * together.
 */
export async function openRootKey(file: unknown): Promise<SigningKey> {
  const parsed = rootKeyFileSchema.safeParse(file);
  // the zod error is not handed on as a cause: it could quote the private key
  if (!parsed.success) throw new CountersignError('key_invalid', 'This is not a root key file.');
  const root = await importSigningKey(parsed.data.key);
  const probe = crypto.getRandomValues(new Uint8Array(32));
  const belongsTogether =
    root.kid === parsed.data.thumbprint &&
    (await verifyBytes(root.publicKey, probe, await signBytes(root, probe)));
  if (!belongsTogether) {
    throw new CountersignError(
      'key_invalid',
      'The private key, public key and thumbprint do not belong together.',
    );
  }
  return root;
}
