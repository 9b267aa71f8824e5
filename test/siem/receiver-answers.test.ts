import { describe, expect, it } from 'vitest';
import { extraHeaders, parseExtraHeaders } from '../../connectors/siem/http/extra-headers.ts';
import { headerCredentials } from '../../connectors/siem/http/header-credentials.ts';
import { urlUnder } from '../../connectors/siem/http/http-settings.ts';
import { faultOfRequest, faultOfStatus } from '../../connectors/siem/http/receiver-faults.ts';
import { receiverWords } from '../../connectors/siem/http/receiver-words.ts';
import { retryAfterSeconds } from '../../connectors/siem/http/retry-after.ts';
import { CountersignError } from '../../protocol/errors.ts';

describe('a status outside 2xx', () => {
  it.each([
    ...[400, 413, 422].map((status) => [status, 'sink_batch_refused']),
    ...[401, 403, 404, 405, 407, 409, 410, 411, 415, 426, 451].map((status) => [
      status,
      'sink_misconfigured',
    ]),
    ...[300, 304, 408, 425, 429, 500, 502, 503, 504, 507, 599].map((status) => [status, 'sink_unavailable']),
  ])('%i is %s', (status, code) => {
    expect(faultOfStatus(Number(status))).toBe(code);
  });
});

describe('a request without an answer', () => {
  it.each([
    ['outbound_refused', 'sink_misconfigured'],
    ['outbound_redirect', 'sink_misconfigured'],
    ['name_not_found', 'sink_misconfigured'],
    ['name_unresolvable', 'sink_unavailable'],
    ['outbound_timeout', 'sink_unavailable'],
    ['outbound_too_large', 'sink_unavailable'],
    ['outbound_failed', 'sink_unavailable'],
  ] as const)('%s is %s', (cause, code) => {
    expect(faultOfRequest(new CountersignError(cause), 'siem.example').code).toBe(code);
  });

  it('says which fault of the system it was, and nothing that somebody chose', () => {
    const failed = (code: string) =>
      new CountersignError('outbound_failed', 'siem.example could not be reached.', {
        cause: Object.assign(new Error('secret words'), { code }),
      });
    expect(faultOfRequest(failed('ECONNRESET'), 'siem.example').detail).toBe(
      'siem.example could not be reached. (ECONNRESET)',
    );
    expect(faultOfRequest(failed('<script>'), 'siem.example').detail).toBe(
      'siem.example could not be reached.',
    );
    expect(faultOfRequest(failed('CERT_HAS_EXPIRED'), 'siem.example').code).toBe('sink_misconfigured');
    expect(faultOfRequest(new Error('secret words'), 'siem.example').message).not.toContain('secret');
  });
});

describe('Retry-After', () => {
  const now = Date.UTC(2026, 0, 2, 3, 4, 5);
  it.each([
    ['120', 120],
    [' 0 ', 0],
    ['99999999', 86_400],
    ['Fri, 02 Jan 2026 03:04:35 GMT', 30],
    ['Friday, 02-Jan-26 03:04:35 GMT', 30],
    ['Fri, 02 Jan 2026 03:00:00 GMT', 0],
    ['Fri, 02 Jan 2099 03:00:00 GMT', 86_400],
    ['-1', undefined],
    ['1.5', undefined],
    ['soon', undefined],
    ['2026', 2_026],
    ['Fri, nonsense', undefined],
    [null, undefined],
  ])('%j is %j seconds', (value, expected) => {
    expect(retryAfterSeconds(value, now)).toBe(expected);
  });
});

describe('the words of a receiver', () => {
  it('are one line, cut, without our credentials', () => {
    expect(receiverWords('bad\r\n\ttoken abcd-1234 \u0000\u2028here', ['abcd-1234'])).toBe(
      'bad token [secret] here',
    );
    expect(receiverWords('x'.repeat(10_000), [])).toHaveLength(500);
  });

  it('hide a credential that lies across the cut, and one that is within another', () => {
    const secret = 'S'.repeat(40);
    expect(receiverWords(`${'x'.repeat(490)}${secret}`, [secret])).not.toContain('SS');
    expect(receiverWords('key-and-more', ['key-', 'key-and-more'])).toBe('[secret]');
  });

  it('hide a credential that is escaped as JSON has it', () => {
    const secret = 'a"b/c\\d\n\u00e9';
    const escapings = [
      JSON.stringify(secret),
      JSON.stringify(secret).replaceAll('/', '\\/'),
      JSON.stringify(secret).replace('\u00e9', '\\u00e9'),
      JSON.stringify(secret).replace('\u00e9', '\\u00E9').replaceAll('/', '\\/'),
    ];
    for (const escaped of escapings) {
      expect(receiverWords(`{"token":${escaped}}`, [secret])).toBe('{"token":"[secret]"}');
    }
  });

  it.each([
    ['Bearer tok-1234', 'tok-1234'],
    ['Token token="tok-1234", nonce=5', 'tok-1234'],
    ['session=tok-1234; path=/', 'tok-1234'],
    ['tok-1234 more-5678', 'more-5678'],
    [`Basic ${btoa('user:pass word')}`, 'pass word'],
    [`basic ${btoa('user:pass word')}`, 'user:pass word'],
    [`Basic ${btoa('user:pass word')}`, btoa('user:pass word')],
  ])('hide of the header %j its part %j', (value, part) => {
    const words = receiverWords(`Bearer: invalid token <${part}>`, headerCredentials(value));
    expect(words).toBe('Bearer: invalid token <[secret]>');
  });

  it('are well-formed text, whatever was sent', () => {
    const words = receiverWords(`\ud800${'x'.repeat(498)}😀`, []);
    expect(words.isWellFormed()).toBe(true);
  });
});

describe('headers beside ours', () => {
  it('are read as OpenTelemetry writes them', () => {
    expect(parseExtraHeaders('api-key=abc, X-Team = a%20b%2Cc')).toEqual({
      'api-key': 'abc',
      'x-team': 'a b,c',
    });
  });

  it.each([
    '',
    'a',
    'a=',
    'a=1,,b=2',
    'a=1,A=2',
    'a=%0d%0aHost:x',
    'a=%zz',
    'a=ü',
    'host=x',
    'Content-Length=1',
    'webhook-signature=v1',
    'transfer-encoding=chunked',
    '__proto__ x=1',
  ])('are refused as %j', (text) => {
    expect(parseExtraHeaders(text)).toBeUndefined();
    expect(extraHeaders.safeParse(text).success).toBe(false);
  });
});

describe('the address of a receiver', () => {
  it('keeps its path and its query under what a sink appends', () => {
    expect(urlUnder('https://siem.example/', 'a/b').href).toBe('https://siem.example/a/b');
    expect(urlUnder('https://siem.example/proxy/?x=1', 'a').href).toBe('https://siem.example/proxy/a?x=1');
  });
});
