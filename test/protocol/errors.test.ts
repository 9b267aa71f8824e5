import { describe, expect, it } from 'vitest';
import { CountersignError, ERRORS, isCountersignError, parseErrorCode } from '../../protocol/errors.ts';

describe('errors', () => {
  it('know their own by class and code', () => {
    const error = new CountersignError('jws_expired', 'an hour ago', { cause: new Error('private') });
    expect(isCountersignError(error)).toBe(true);
    expect(isCountersignError(error, 'jws_expired')).toBe(true);
    expect(isCountersignError(error, 'jws_signature')).toBe(false);
    expect(isCountersignError({ code: 'jws_expired' }, 'jws_expired')).toBe(false);
  });

  it('keep the private cause out of the message', () => {
    const error = new CountersignError('internal', undefined, { cause: new Error('secret') });
    expect(error.message).not.toContain('secret');
    expect(error.message).toContain(ERRORS.internal.title);
  });

  it.each(['constructor', '__proto__', 'toString', 'hasOwnProperty', 'no_such_code', '', 7, null, undefined])(
    'take %s for no code of ours',
    (code) => {
      expect(parseErrorCode(code)).toBeUndefined();
    },
  );

  it('read a code of ours from a foreign text', () => {
    expect(parseErrorCode('pin_changed')).toBe('pin_changed');
  });

  it('have an HTTP error status and a sentence each', () => {
    for (const [code, { status, title }] of Object.entries(ERRORS)) {
      expect(status, code).toBeGreaterThanOrEqual(400);
      expect(title, code).toMatch(/^[A-Z].*\.$/);
    }
  });
});
