import { describe, expect, it } from 'vitest';
import { sha256, signV4 } from '../../connectors/siem/s3/signature-v4.ts';
import { webhookHeaders, webhookKey } from '../../connectors/siem/webhook/signature.ts';

/** Of the test suite of AWS Signature Version 4 (`get-vanilla` and its neighbours). */
const SUITE = {
  scope: { region: 'us-east-1', service: 'service', now: Date.UTC(2015, 7, 30, 12, 36) },
  credentials: {
    accessKeyId: 'AKIDEXAMPLE',
    secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  },
};

/** Of 'Examples: Signature Calculations' in the reference of Amazon S3. */
const S3 = {
  scope: { region: 'us-east-1', service: 's3', now: Date.UTC(2013, 4, 24) },
  credentials: {
    accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
    secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  },
};
const BUCKET = 'https://examplebucket.s3.amazonaws.com';

function signatureOf(
  { scope, credentials }: typeof SUITE,
  method: string,
  url: string,
  headers: Record<string, string> = {},
  body = '',
): string | undefined {
  const payloadHash = sha256(body);
  const hash: Record<string, string> = scope.service === 's3' ? { 'x-amz-content-sha256': payloadHash } : {};
  const request = { method, url: new URL(url), headers: { ...headers, ...hash }, payloadHash };
  return signV4(request, scope, credentials).authorization?.split('Signature=')[1];
}

describe('AWS Signature Version 4', () => {
  it.each([
    ['get-vanilla', 'GET', '/', '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
    ['post-vanilla', 'POST', '/', '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b'],
    [
      'get-vanilla-query-order-key-case',
      'GET',
      '/?Param2=value2&Param1=value1',
      'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
    ],
    [
      'get-vanilla-query-unreserved',
      'GET',
      '/?-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz=-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz',
      '9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197',
    ],
  ])('signs %s of the test suite', (_name, method, path, signature) => {
    expect(signatureOf(SUITE, method, `https://example.amazonaws.com${path}`)).toBe(signature);
  });

  it('signs the examples of S3', () => {
    expect(signatureOf(S3, 'GET', `${BUCKET}/test.txt`, { range: 'bytes=0-9' })).toBe(
      'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
    );
    const headers = { Date: 'Fri, 24 May 2013 00:00:00 GMT', 'x-amz-storage-class': 'REDUCED_REDUNDANCY' };
    expect(signatureOf(S3, 'PUT', `${BUCKET}/test%24file.text`, headers, 'Welcome to Amazon S3.')).toBe(
      '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
    );
    expect(signatureOf(S3, 'GET', `${BUCKET}/?lifecycle`)).toBe(
      'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543',
    );
    expect(signatureOf(S3, 'GET', `${BUCKET}/?max-keys=2&prefix=J`)).toBe(
      '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
    );
  });

  it('signs the token of temporary credentials too', () => {
    const request = { method: 'GET', url: new URL(BUCKET), headers: {}, payloadHash: sha256('') };
    const headers = signV4(request, S3.scope, { ...S3.credentials, sessionToken: 'AQoDYXdz' });
    expect(headers['x-amz-security-token']).toBe('AQoDYXdz');
    expect(headers.authorization).toContain('SignedHeaders=host;x-amz-date;x-amz-security-token,');
  });
});

describe('signatures of webhooks', () => {
  const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
  const message = {
    ...{ id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', timestamp: 1_614_265_330, body: '{"test": 2432232314}' },
  };

  it('are those of the test vector of Standard Webhooks', () => {
    const key = webhookKey(secret);
    if (key === undefined) return expect.fail('not a secret');
    expect(webhookHeaders(message, [key])).toEqual({
      'webhook-id': message.id,
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    });
  });

  it('are several while the secret is changed, the new one first', () => {
    const keys = [Buffer.alloc(24, 1), webhookKey(secret) ?? Buffer.alloc(0)];
    const signatures = webhookHeaders(message, keys)['webhook-signature']?.split(' ');
    expect(signatures).toHaveLength(2);
    expect(signatures?.[1]).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
  });

  it.each([
    ['no prefix', 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
    ['23 bytes', `whsec_${Buffer.alloc(23).toString('base64')}`],
    ['65 bytes', `whsec_${Buffer.alloc(65).toString('base64')}`],
    ['another alphabet', 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa-_'],
    ['bits that are lost', 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwAR=='],
  ])('need a secret in the form of the specification, not one with %s', (_name, wrong) => {
    expect(webhookKey(secret)).toHaveLength(24);
    expect(webhookKey(wrong)).toBeUndefined();
  });
});
