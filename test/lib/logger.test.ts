import { describe, expect, it } from 'vitest';
import { createLogger, type Logger } from '../../bridge/lib/logger.ts';
import { CountersignError } from '../../protocol/errors.ts';

const SECRET = 'c2VjcmV0LXZhbHVl';

function record(write: (logger: Logger) => void): { text: string; line: Record<string, unknown> } {
  const lines: string[] = [];
  write(
    createLogger({
      level: 'debug',
      clock: { now: () => Date.UTC(2026, 10, 22) },
      destination: { write: (line: string) => void lines.push(line) },
    }),
  );
  return { text: lines.join(''), line: JSON.parse(lines[0] ?? '{}') };
}

describe('the log', () => {
  it('is one JSON object a line with level, time and message', () => {
    const { line } = record((logger) => logger.info({ connection: 'okta' }, 'connection tested'));
    expect(line).toMatchObject({
      level: 'info',
      time: '2026-11-22T00:00:00.000Z',
      service: 'countersign',
      connection: 'okta',
      msg: 'connection tested',
    });
  });

  it.each([
    ...['authorization', 'Authorization', 'DPoP', 'cookie', 'set-cookie', 'access_token', 'refreshToken'],
    ...['id_token', 'client_secret', 'clientSecret', 'password', 'SAMLResponse', 'code', 'code_verifier'],
  ])('does not show the value of %s at any depth', (key) => {
    const { text } = record((logger) => {
      logger.info({ [key]: SECRET }, 'top');
      logger.info({ request: { headers: [{ [key]: SECRET }] } }, 'deep');
      logger.child({ [key]: SECRET }).info('child');
    });
    expect(text).not.toContain(SECRET);
    expect(text.match(/\[secret\]/g)).toHaveLength(3);
  });

  it('does not show a token, a code or a credential inside a text', () => {
    const jws = `eyJhbGciOiJFZDI1NTE5In0.eyJzdWIiOiJhIn0.${SECRET}`;
    const { text } = record((logger) => {
      logger.info(`refused ${jws}`);
      logger.info({ url: `https://bridge.example/cb?code=${SECRET}&state=${SECRET}` }, `Bearer ${SECRET}`);
      logger.error(
        { err: new Error(`no: ${jws}`, { cause: new Error(`access_token=${SECRET}`) }) },
        'failed',
      );
    });
    expect(text).not.toContain(SECRET);
  });

  it('shows code, message and causes of an error, and nothing else that hangs on it', () => {
    const foreign = Object.assign(new Error('bad answer'), { response: { note: SECRET }, code: 'EBAD' });
    const { line, text } = record((logger) =>
      logger.error(new CountersignError('outbound_failed', 'idp.example failed', { cause: foreign })),
    );
    expect(line.err).toMatchObject({
      type: 'CountersignError',
      error_code: 'outbound_failed',
      message: 'outbound_failed: idp.example failed',
      cause: { error_code: 'EBAD', message: 'bad answer' },
    });
    expect(text).not.toContain(SECRET);
  });

  it('writes a cycle and bytes without failing', () => {
    const cycle: Record<string, unknown> = { bytes: new Uint8Array(7) };
    cycle.self = cycle;
    const { line } = record((logger) => logger.info({ cycle }, 'odd'));
    expect(line.cycle).toMatchObject({ bytes: '[7 bytes]' });
  });
});
