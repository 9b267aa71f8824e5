import { VAULT_BYTES } from '../../protocol/api.ts';
import { decodeBase64url } from '../../protocol/base64url.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { assertUntransformed } from '../binding/transform-keys.ts';

/**
 * The vaults that a client sends, one for each admin in the order of the token's admins. What they hold nobody but the
 * admins can see; that they went through no transform is the bridge's to check (PROTOCOL §10). Throws
 * `malformed_request`, `payload_too_large`, `recrypt_input_invalid`.
 */
export function decodeAdminVaults(
  vaults: readonly { readonly sub: string; readonly vault: string }[],
  admins: readonly { readonly sub: string }[],
): Uint8Array[] {
  const inOrder = vaults.length === admins.length && vaults.every(({ sub }, n) => sub === admins[n]?.sub);
  if (!inOrder) {
    throw new CountersignError(
      'malformed_request',
      'There is one vault for each admin, in the token’s order.',
    );
  }
  return vaults.map(({ vault }) => {
    const bytes = decodeBase64url(vault);
    if (bytes.length > VAULT_BYTES) throw new CountersignError('payload_too_large', 'A vault is too large.');
    assertUntransformed(bytes);
    return bytes;
  });
}
