import { describe, expect, test } from 'vitest';
import { problemOf } from '../../bridge/http/problem.ts';
import { setDeliveryError } from '../../bridge/http/set-delivery-error.ts';
import { CountersignError, ERRORS, type ErrorCode } from '../../protocol/errors.ts';

const answerTo = (code: ErrorCode) =>
  setDeliveryError(problemOf(new CountersignError(code), { requestId: 'r' }));

/** What the sender of a token reads as: never send this one again. */
const FINAL = [
  ...['malformed_request', 'payload_too_large', 'unsupported_media_type', 'jws_malformed', 'jws_type'],
  ...['jws_expired', 'claims_invalid', 'address_invalid', 'set_invalid', 'set_subject'],
];

describe('a refused push of a signal', () => {
  test('is given up by its sender for the token’s own faults alone', () => {
    const codes = Object.keys(ERRORS) as ErrorCode[];
    const final = codes.filter((code) => {
      const { status, body } = answerTo(code) ?? {};
      return status === 400 && body !== undefined && 'err' in body && body.err === 'invalid_request';
    });
    expect(final.sort()).toEqual(FINAL.sort());
  });

  test.each(['jws_not_yet_valid', 'serial_rollback', 'root_mismatch', 'conflict', 'person_unknown'] as const)(
    'for %s is 503, to be tried again after a while',
    (code) => {
      expect(answerTo(code)).toMatchObject({ status: 503, retryAfter: 60, body: { status: 503, code } });
    },
  );

  test('for a fault of ours, or too many, keeps the status that says so', () => {
    for (const code of ['internal', 'partner_expired', 'upstream_unreachable', 'rate_limited'] as const) {
      expect(answerTo(code)).toBeUndefined();
    }
  });

  test.each([
    ['jws_unknown_key', 400, 'invalid_key'],
    ['partner_unknown', 400, 'invalid_issuer'],
    ['set_audience', 400, 'invalid_audience'],
    ['partner_suspended', 400, 'access_denied'],
    ['unauthenticated', 401, 'authentication_failed'],
  ] as const)('for %s names what can be put right on either side', (code, status, err) => {
    expect(answerTo(code)).toMatchObject({ status, body: { err } });
  });
});
