import { beforeAll, describe, expect, it } from 'vitest';
import {
  assertCommitment,
  codeCommitment,
  comparisonCode,
  comparisonNonce,
  type DeviceKeys,
  deviceFingerprint,
  fingerprintInGroups,
} from '../../protocol/device-comparison.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import type { SignatureKey } from '../../protocol/public-key.ts';
import { codeOf } from './codes.ts';
import { makeCompany, testDigest, testEncryptionKey, testKey } from './company.ts';

let device: DeviceKeys;
let approver: SignatureKey;
let others: readonly DeviceKeys[];
const nonce = testDigest('device nonce');
const approverNonce = testDigest('approver nonce');

beforeAll(async () => {
  const acme = await makeCompany();
  device = { iss: acme.iss, sub: acme.person.sub, pre: acme.device.pre, sig: acme.device.sig.publicKey };
  approver = acme.person.sig.publicKey;
  others = [
    { ...device, iss: 'https://bridge.globex.example' },
    { ...device, sub: 'sub-mallory' },
    { ...device, pre: testEncryptionKey('mallory') },
    { ...device, sig: (await testKey('mallory')).publicKey },
  ];
});

describe('deviceFingerprint', () => {
  const FINGERPRINT = 'tQYY-WEaPeYTEgKR9y2t9sVFBKAehVITknNRYWEZyEc';

  it('has the value of version 1', () => {
    expect(deviceFingerprint(device)).toBe(FINGERPRINT);
    expect(FINGERPRINT).toBe(
      sha256Base64url(
        'countersign/device-fingerprint/v1\n{"iss":"https://bridge.acme.example","pre":{"crv":"recrypt-256","kty":"EC",' +
          '"x":"imI6QIcbMJ-_BXa8ZiPIhGWffMkhNx3CkxzhjPowISk","y":"6rvoN6Raf9OkX9FHEA4DEjuu1vtOE0JT48WW-etj8Qw"},' +
          '"sig":{"crv":"Ed25519","kty":"OKP","x":"uLLeydIcTjKryEd1csWWAgw5fcCOgviWvahLllBF_Ko"},"sub":"sub-alice"}',
      ),
    );
  });

  it('differs for another bridge, person or key', () => {
    const all = [device, ...others].map(deviceFingerprint);
    expect(new Set(all).size).toBe(all.length);
  });

  it('reads in groups of four for people', () => {
    expect(fingerprintInGroups(FINGERPRINT)).toBe('tQYY -WEa PeYT EgKR 9y2t 9sVF BKAe hVIT knNR YWEZ yEc');
  });
});

describe('the commitment to a nonce', () => {
  it('has the value of version 1', () => {
    expect(codeCommitment(device, nonce)).toBe('y4BINMcOhQ3MoFIc3qcBo2LBYB1tWkJpwrcDlrMkHyA');
    expect(() => assertCommitment(device, nonce, codeCommitment(device, nonce))).not.toThrow();
  });

  it('is refused for another nonce: whoever saw the approver’s cannot choose again', async () => {
    const commitment = codeCommitment(device, nonce);
    expect(await codeOf(() => assertCommitment(device, comparisonNonce(), commitment))).toBe(
      'device_commitment',
    );
  });

  it('is refused for another device, person or bridge', async () => {
    const commitment = codeCommitment(device, nonce);
    for (const other of others) {
      expect(await codeOf(() => assertCommitment(other, nonce, commitment))).toBe('device_commitment');
    }
  });

  it('is refused when empty or cut', async () => {
    for (const commitment of ['', codeCommitment(device, nonce).slice(0, 42)]) {
      expect(await codeOf(() => assertCommitment(device, nonce, commitment))).toBe('device_commitment');
    }
  });
});

describe('comparisonCode', () => {
  const code = (keys = device, sig = approver, first = nonce, second = approverNonce) =>
    comparisonCode({ keys, nonce: first }, { sig, nonce: second });

  it('has the value of version 1', () => {
    expect(code()).toBe('372981');
  });

  it('differs when any key or nonce was exchanged on the way', async () => {
    const mallory = (await testKey('mallory')).publicKey;
    const changed = [
      ...others.map((other) => code(other)),
      code(device, mallory),
      code(device, approver, testDigest('x')),
      code(device, approver, nonce, testDigest('x')),
      code(device, approver, approverNonce, nonce),
    ];
    for (const digits of changed) expect(digits).not.toBe('372981');
  });

  it('is six digits, with leading zeros', () => {
    const codes = Array.from({ length: 300 }, (_, index) => code(device, approver, testDigest(`${index}`)));
    for (const digits of codes) expect(digits).toMatch(/^[0-9]{6}$/);
    expect(codes.some((digits) => digits.startsWith('0'))).toBe(true);
  });

  it('uses a fresh nonce of 32 bytes each time', () => {
    expect(comparisonNonce()).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(comparisonNonce()).not.toBe(comparisonNonce());
  });
});
