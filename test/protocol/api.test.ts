import { beforeAll, describe, expect, it } from 'vitest';
import {
  deviceApprovalSchema,
  deviceRequestBodySchema,
  type EnrolmentRequest,
  enrolmentConfirmationSchema,
  enrolmentRequestSchema,
} from '../../protocol/api.ts';
import { makeCompany, testDigest, testEncryptionKey } from './company.ts';

let request: EnrolmentRequest;

beforeAll(async () => {
  const acme = await makeCompany();
  request = {
    request_id: 'request-1',
    client_half: testEncryptionKey('U'),
    sig: acme.person.sig.publicKey,
    device_key: acme.device.pre,
    device_sig: acme.device.sig.publicKey,
    device_label: 'Alice’s laptop',
  };
});

describe('the bodies of the client API', () => {
  it('take an honest enrolment', () => {
    expect(enrolmentRequestSchema.parse(request)).toEqual(request);
  });

  it('cut the spaces around a label', () => {
    const parsed = enrolmentRequestSchema.parse({ ...request, device_label: '  laptop ' });
    expect(parsed.device_label).toBe('laptop');
  });

  const lies: readonly (readonly [string, object])[] = [
    ['an unknown member', { extra: 1 }],
    ['a label that overwrites the line it is shown in', { device_label: 'laptop\u202e' }],
    ['a label of two lines', { device_label: 'laptop\nalready approved' }],
    ['a label of spaces', { device_label: '   ' }],
    ['a label of 65 characters', { device_label: 'a'.repeat(65) }],
    ['a private half', { sig: { kty: 'OKP', crv: 'Ed25519', x: testDigest('x'), d: testDigest('d') } }],
    ['keys in each other’s place', { client_half: { kty: 'OKP', crv: 'Ed25519', x: testDigest('x') } }],
    ['a request id with a slash', { request_id: '../v1' }],
  ];
  it.each(lies)('refuse an enrolment with %s', (_, changes) => {
    expect(enrolmentRequestSchema.safeParse({ ...request, ...changes }).success).toBe(false);
  });

  it('refuse a device that asks for six digits without a commitment', () => {
    const { request_id, device_key, device_sig } = request;
    const body = { request_id, device_key, device_sig, label: 'phone' };
    const takes = (comparison: object) => deviceRequestBodySchema.safeParse({ ...body, comparison }).success;
    expect(takes({ method: 'fingerprint' })).toBe(true);
    expect(takes({ method: 'code', commitment: testDigest('nonce') })).toBe(true);
    expect(takes({ method: 'code' })).toBe(false);
    expect(takes({ method: 'none' })).toBe(false);
  });

  it('refuse a vault or a transform key beyond its size', () => {
    const endorsement = 'a.b.c';
    const takes = (transform_key: string) =>
      deviceApprovalSchema.safeParse({ endorsement, transform_key }).success;
    expect(takes('A'.repeat(5462))).toBe(true);
    expect(takes('A'.repeat(5463))).toBe(false);
    expect(takes('not base64url!')).toBe(false);
    expect(enrolmentConfirmationSchema.shape.vault.safeParse('A'.repeat(10_924)).success).toBe(false);
  });
});
