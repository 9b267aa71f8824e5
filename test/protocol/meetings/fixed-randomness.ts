import { x25519 } from '@noble/curves/ed25519.js';
import { vi } from 'vitest';
import { encodeBase64url } from '../../../protocol/base64url.ts';
import { utf8 } from '../../../protocol/bytes.ts';
import { sha256 } from '../../../protocol/hash.ts';
import type { EphemeralKey } from '../../../protocol/meetings/hpke.ts';

/** The X25519 key whose private half is sha256 of `countersign test x25519 <name>`. */
export async function fixedEphemeral(name: string): Promise<EphemeralKey> {
  const secret = sha256(utf8(`countersign test x25519 ${name}`));
  const publicKey = x25519.getPublicKey(secret);
  const jwk = { kty: 'OKP', crv: 'X25519', x: encodeBase64url(publicKey), d: encodeBase64url(secret) };
  const privateKey = await crypto.subtle.importKey('jwk', jwk, { name: 'X25519' }, false, ['deriveBits']);
  return { privateKey, publicKey };
}

/**
 * Until `vi.restoreAllMocks`: the nth 32 random bytes are sha256 of `countersign test random <n>`, and the nth new
 * X25519 pair is that of `host <n>`, both from 1.
 */
export function fixRandomness(): void {
  let draws = 0;
  let pairs = 0;
  const draw = crypto.getRandomValues.bind(crypto);
  vi.spyOn(crypto, 'getRandomValues').mockImplementation((array) => {
    // The library of curves blinds with other lengths, which shows in nothing that comes out.
    if (!(array instanceof Uint8Array) || array.length !== 32) return draw(array);
    draws += 1;
    array.set(sha256(utf8(`countersign test random ${draws}`)));
    return array;
  });
  vi.spyOn(crypto.subtle, 'generateKey').mockImplementation(async () => {
    pairs += 1;
    const { privateKey, publicKey } = await fixedEphemeral(`host ${pairs}`);
    const raw = publicKey.slice();
    return {
      privateKey,
      publicKey: await crypto.subtle.importKey('raw', raw, { name: 'X25519' }, true, []),
    };
  });
}
