import { x25519 } from '@noble/curves/ed25519.js';
import { expand, extract } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { encodeBase64url } from '../../../protocol/base64url.ts';
import { concatBytes, utf8 } from '../../../protocol/bytes.ts';
import {
  decapsulate,
  type EphemeralKey,
  encapsulate,
  generateEphemeralKey,
  openOnce,
  sealOnce,
} from '../../../protocol/meetings/hpke.ts';
import { codeOf } from '../codes.ts';

/** The vector of RFC 9180's authors for mode 0, KEM 0x0020, KDF 0x0001, AEAD 0x0002 (test-vectors.json, 5f503c5). */
const VECTOR = {
  info: '4f6465206f6e2061204772656369616e2055726e',
  ikmE: '2cd7c601cefb3d42a62b04b7a9041494c06c7843818e0ce28a8f704ae7ab20f9',
  skRm: '497b4502664cfea5d5af0b39934dac72242a74f8480451e1aee7d6a53320333d',
  pkRm: '430f4b9859665145a6b1ba274024487bd66f03a2dd577d7753c68d7d7d00c00c',
  enc: '6c93e09869df3402d7bf231bf540fadd35cd56be14f97178f0954db94b7fc256',
  aad: '436f756e742d30',
  pt: '4265617574792069732074727574682c20747275746820626561757479',
  ct: 'e5d84cd531cfb583096e7cfa9641bd3079cf3a91cda813c52deb5f512be9931980a41de125a925cdad859d5b7a',
};

async function importPrivate(secret: Uint8Array): Promise<EphemeralKey> {
  const publicKey = x25519.getPublicKey(secret);
  const jwk = { kty: 'OKP', crv: 'X25519', x: encodeBase64url(publicKey), d: encodeBase64url(secret) };
  const privateKey = await crypto.subtle.importKey('jwk', jwk, { name: 'X25519' }, false, ['deriveBits']);
  return { privateKey, publicKey };
}

/** DeriveKeyPair of §7.1.3, which only vectors need. */
function deriveSecret(ikm: Uint8Array): Uint8Array {
  const suite = concatBytes(utf8('HPKE-v1KEM'), Uint8Array.of(0x00, 0x20));
  const prk = extract(sha256, concatBytes(suite, utf8('dkp_prk'), ikm), new Uint8Array());
  return expand(sha256, prk, concatBytes(Uint8Array.of(0, 32), suite, utf8('sk')), 32);
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe('HPKE in base mode', () => {
  const info = hexToBytes(VECTOR.info);
  const aad = hexToBytes(VECTOR.aad);

  it('seals as the vector of RFC 9180 does', async () => {
    const ephemeral = await importPrivate(deriveSecret(hexToBytes(VECTOR.ikmE)));
    const { enc, sharedSecret } = await encapsulate(hexToBytes(VECTOR.pkRm), ephemeral);
    expect(bytesToHex(enc)).toBe(VECTOR.enc);
    expect(bytesToHex(await sealOnce(sharedSecret, info, aad, hexToBytes(VECTOR.pt)))).toBe(VECTOR.ct);
  });

  it('opens the vector of RFC 9180', async () => {
    const recipient = await importPrivate(hexToBytes(VECTOR.skRm));
    expect(bytesToHex(recipient.publicKey)).toBe(VECTOR.pkRm);
    const sharedSecret = await decapsulate(hexToBytes(VECTOR.enc), recipient);
    expect(bytesToHex(await openOnce(sharedSecret, info, aad, hexToBytes(VECTOR.ct)))).toBe(VECTOR.pt);
  });

  it('draws another ephemeral key each time, whose private half does not leave WebCrypto', async () => {
    const recipient = await generateEphemeralKey();
    expect(recipient.privateKey.extractable).toBe(false);
    const [one, two] = [await encapsulate(recipient.publicKey), await encapsulate(recipient.publicKey)];
    expect(one.enc).not.toEqual(two.enc);
    expect(await decapsulate(one.enc, recipient)).toEqual(one.sharedSecret);
  });

  it('opens nothing under other information, other data or another key', async () => {
    const recipient = await generateEphemeralKey();
    const { sharedSecret } = await encapsulate(recipient.publicKey);
    const other = await encapsulate(recipient.publicKey);
    const sealed = await sealOnce(sharedSecret, info, aad, utf8('for one'));
    await expect(openOnce(sharedSecret, utf8('other'), aad, sealed)).rejects.toThrow();
    await expect(openOnce(sharedSecret, info, utf8('other'), sealed)).rejects.toThrow();
    await expect(openOnce(other.sharedSecret, info, aad, sealed)).rejects.toThrow();
  });

  it.each([
    ['zero', new Uint8Array(32)],
    ['one', Uint8Array.from({ length: 32 }, (_, index) => (index === 0 ? 1 : 0))],
    ['order 8', hexToBytes('e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800')],
  ])('refuses keys of small order, on both sides: %s', async (_, point) => {
    const own = await generateEphemeralKey();
    expect(await codeOf(() => encapsulate(point))).toBe('key_invalid');
    expect(await codeOf(() => decapsulate(point, own))).toBe('key_invalid');
  });

  it('refuses a secret of zeros where WebCrypto does not', async () => {
    const { publicKey } = await generateEphemeralKey();
    vi.spyOn(crypto.subtle, 'deriveBits').mockResolvedValue(new ArrayBuffer(32));
    expect(await codeOf(() => encapsulate(publicKey))).toBe('key_invalid');
  });

  it('refuses a key of another length', async () => {
    expect(await codeOf(() => encapsulate(new Uint8Array(31)))).toBe('key_invalid');
  });
});
