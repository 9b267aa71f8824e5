import { beforeAll, describe, expect, it } from 'vitest';
import { signDpopProof, type VerifySignature, verifyDpopProof } from '../../protocol/dpop.ts';
import { type SigningKey, verifyBytes } from '../../protocol/ed25519.ts';
import { signJws } from '../../protocol/jws.ts';
import { codeOf } from './codes.ts';
import { makeCompany, NOW, signRaw, testDigest, testKey } from './company.ts';

/** A proof by Alice’s laptop for `POST https://bridge.acme.example/v1/enrolments` with the access token `token`. */
const DPOP_PROOF = [
  'eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVkMjU1MTkiLCJqd2siOnsia3R5IjoiT0tQIiwiY3J2IjoiRWQyNTUxOSIsIngiOiJ1',
  'TExleWRJY1RqS3J5RWQxY3NXV0FndzVmY0NPZ3ZpV3ZhaExsbEJGX0tvIn19.eyJqdGkiOiJ2LUFjWWQ2eC04dUU5MTQ2c0xFNjF',
  'RIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vYnJpZGdlLmFjbWUuZXhhbXBsZS92MS9lbnJvbG1lbnRzIiwiaWF0IjoxODA',
  'wMDAwMDAwLCJhdGgiOiJQRWFlbld4WWRkTjZRX05UMVBpT1lmejRFc1p1N2pSWFJscEFzTnBCVS1BIn0.bNqVK8PJCNR1afYjWPl',
  'QMxY3kx9ii6Z5YCfdbi9_NZPijU6GK4_0p7VBhH4YXHgHVh9zcj1cPta4TjjdT9oDDw',
].join('');

const request = { method: 'POST', url: 'https://bridge.acme.example/v1/enrolments', accessToken: 'token' };
let laptop: SigningKey;

beforeAll(async () => {
  laptop = (await makeCompany()).device.sig;
});

async function lyingProof(header: object, claims: object = {}): Promise<string> {
  const honest = { jti: 'sixteen-or-more-1', htm: 'POST', htu: request.url, iat: NOW, ath: accessTokenHash };
  return signRaw(
    laptop,
    { typ: 'dpop+jwt', alg: 'Ed25519', jwk: laptop.publicKey, ...header },
    JSON.stringify({ ...honest, ...claims }),
  );
}
const accessTokenHash = testDigest('token');

const givenVerifier: VerifySignature = (key, message, signature) =>
  verifyBytes(key, Uint8Array.from(Buffer.from(message, 'latin1')), signature);

describe.each([
  ['WebCrypto', undefined],
  ['a verifier that it is given', givenVerifier],
])('verifyDpopProof, by %s', (_, verifier) => {
  const verify = (proof: string, asked: typeof request, now: number) =>
    verifyDpopProof(proof, asked, now, verifier);
  const refusal = (proof: string, changes: Partial<typeof request> = {}, now = NOW) =>
    codeOf(() => verify(proof, { ...request, ...changes }, now));

  it('takes the proof of version 1, byte for byte', async () => {
    expect(await verify(DPOP_PROOF, request, NOW)).toEqual({
      jkt: 'VnJLYPxTalmzA99WqwL1OUWCg85ReaftYbVaxR5HHjY',
      jti: 'v-AcYd6x-8uE9146sLE61Q',
      iat: NOW,
    });
  });

  it('takes the ES256 proof of RFC 9449 §7.1', async () => {
    const proof =
      'eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0' +
      'RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAt' +
      'MjU2In19.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZ' +
      'y9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NB' +
      'cWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA';
    const asked = {
      method: 'GET',
      url: 'https://resource.example.org/protectedresource',
      accessToken: 'Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU',
    };
    const { jkt } = await verify(proof, asked, 1_562_262_618);
    expect(jkt).toBe('0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I');
  });

  it('takes a fresh proof, whatever the query and fragment of the request', async () => {
    const proof = await signDpopProof(laptop, { ...request, url: `${request.url}?a=1#b` }, NOW);
    const { jkt } = await verify(proof, { ...request, url: `${request.url}?c=2` }, NOW);
    expect(jkt).toBe(laptop.kid);
  });

  it('gives each proof a jti of its own', async () => {
    const [first, second] = await Promise.all([1, 2].map(() => signDpopProof(laptop, request, NOW)));
    const jti = async (proof = '') => (await verify(proof, request, NOW)).jti;
    expect(await jti(first)).not.toBe(await jti(second));
  });

  it.each([
    ['for another method', { method: 'GET' }],
    ['for a method in another letter case', { method: 'post' }],
    ['for another path', { url: 'https://bridge.acme.example/v1/lookups' }],
    ['for another host', { url: 'https://bridge.globex.example/v1/enrolments' }],
    ['for another port', { url: 'https://bridge.acme.example:8443/v1/enrolments' }],
    ['for another access token', { accessToken: 'other' }],
  ])('is refused %s', async (_case, changes) => {
    expect(await refusal(DPOP_PROOF, changes)).toBe('dpop_invalid');
  });

  it('is refused when older than a minute, or from a minute ahead', async () => {
    await verify(DPOP_PROOF, request, NOW + 60);
    expect(await refusal(DPOP_PROOF, {}, NOW + 61)).toBe('dpop_invalid');
    expect(await refusal(DPOP_PROOF, {}, NOW - 61)).toBe('dpop_invalid');
    expect(await refusal(DPOP_PROOF, {}, Number.NaN)).toBe('dpop_invalid');
  });

  it.each([
    ['without its access token', {}, { ath: undefined }],
    ['with a jti that is too short to be unique', {}, { jti: 'short' }],
    ['without a jti', {}, { jti: undefined }],
    ['with a time that is a text', {}, { iat: `${NOW}` }],
    ['for something that is no URL', {}, { htu: 'nothing' }],
    ['of another type', { typ: 'JWT' }, {}],
    ['with the alias EdDSA', { alg: 'EdDSA' }, {}],
    ['with no algorithm', { alg: 'none' }, {}],
    ['with an algorithm that is not the key’s', { alg: 'ES256' }, {}],
    ['with critical extensions', { crit: ['b64'], b64: false }, {}],
    ['with a key id', { kid: 'a' }, {}],
    ['without a key', { jwk: undefined }, {}],
    ['with a private key', { jwk: { kty: 'OKP', crv: 'Ed25519', x: 'A'.repeat(43), d: 'A'.repeat(43) } }, {}],
    ['with a symmetric key', { alg: 'HS256', jwk: { kty: 'oct', k: 'AAAA' } }, {}],
  ])('is refused %s', async (_case, header, claims) => {
    expect(await refusal(await lyingProof(header, claims))).toBe('dpop_invalid');
  });

  it('is refused under a key of small order, for which anybody can sign', async () => {
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: `AQ${'A'.repeat(41)}` };
    expect(await refusal(await lyingProof({ jwk }))).toBe('dpop_invalid');
  });

  it('is refused when another key signed than the one it shows', async () => {
    const { publicKey } = await testKey('other');
    expect(await refusal(await lyingProof({ jwk: publicKey }))).toBe('dpop_invalid');
  });

  it('is refused when it is another kind of token of the same key', async () => {
    expect(await refusal(await signJws(laptop, 'presence+jwt', { a: 1 }))).toBe('dpop_invalid');
  });

  it('is refused in a second spelling of the same signature', async () => {
    const last = DPOP_PROOF.at(-1) === 'w' ? 'x' : 'A';
    expect(await refusal(DPOP_PROOF.slice(0, -1) + last)).toBe('dpop_invalid');
  });
});

describe('A verifier that is given', () => {
  it('is asked for the key that the proof shows, what it signed, and its signature', async () => {
    const asked: unknown[] = [];
    await verifyDpopProof(DPOP_PROOF, request, NOW, async (...of) => asked.push(of) > 0);
    const [head, claims, signature] = DPOP_PROOF.split('.');
    expect(asked).toEqual([[laptop.publicKey, `${head}.${claims}`, signature]]);
  });

  it('has the last word', async () => {
    expect(await codeOf(() => verifyDpopProof(DPOP_PROOF, request, NOW, async () => false))).toBe(
      'dpop_invalid',
    );
  });
});
