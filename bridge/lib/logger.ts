import {
  type DestinationStream,
  destination,
  type LevelWithSilent,
  type LogFn,
  type Logger as PinoLogger,
  pino,
} from 'pino';
import { CountersignError } from '../../protocol/errors.ts';
import { type Clock, systemClock } from './clock.ts';

/** The operational log: what an operator reads. The security events are bridge/events, not this. */
export interface Logger extends Record<'debug' | 'info' | 'warn' | 'error' | 'fatal', LogFn> {
  /** A logger whose every line also says this. */
  child(bindings: Record<string, unknown>): Logger;
}

export type LogLevel = LevelWithSilent;

/**
 * Keys whose values never reach the log, at whatever depth, compared without case, hyphens and underscores. Whoever
 * logs must not rely on this: it is the net below.
 */
const SECRET_KEYS = new Set([
  ...['authorization', 'proxyauthorization', 'dpop', 'cookie', 'setcookie', 'token', 'accesstoken'],
  ...['refreshtoken', 'idtoken', 'clientsecret', 'clientassertion', 'password', 'passphrase', 'secret'],
  ...['samlresponse', 'samlrequest', 'relaystate', 'assertion', 'code', 'codeverifier', 'state', 'nonce'],
  ...['handle', 'privatekey', 'kek', 'keyencryptionkey', 'transformkey', 'share', 'vault'],
]);
const CENSORED = '[secret]';
const MAX_DEPTH = 8;

/** Compact JWS and JWE, wherever they turn up in a text, and query parameters that carry a secret. */
const JOSE_IN_TEXT = /\beyJ[\w-]{8,}(?:\.[\w-]*){2,4}/g;
const SECRET_IN_TEXT =
  /\b((?:access_token|refresh_token|id_token|client_secret|code|code_verifier|state|SAMLResponse|password)=)[^&\s"']+/g;
const SCHEME_IN_TEXT = /\b(Bearer|DPoP|Basic|Splunk) [\w.~+/=-]{8,}/g;

/**
 * A logger that writes JSON lines to stderr (stdout belongs to what the commands answer and to the event stream),
 * or to `destination`.
 */
export function createLogger(
  options: { level?: LogLevel; clock?: Clock; destination?: DestinationStream } = {},
): Logger {
  const clock = options.clock ?? systemClock;
  const root = pino(
    {
      level: options.level ?? 'info',
      base: { service: 'countersign', pid: process.pid },
      timestamp: () => `,"time":"${new Date(clock.now()).toISOString()}"`,
      formatters: {
        level: (label) => ({ level: label }),
        log: (entry) => withoutSecrets(entry),
      },
      serializers: { err: (value: unknown) => value },
      hooks: {
        logMethod(args, method) {
          const [first, ...rest] = args.map((arg: unknown) =>
            typeof arg === 'string' ? cleanText(arg) : arg,
          );
          method.apply(this, [first, ...rest] as Parameters<typeof method>);
        },
      },
    },
    options.destination ?? destination({ dest: 2, sync: true }),
  );
  return wrap(root);
}

/** pino does not pass a child's bindings through the formatters. */
function wrap(logger: PinoLogger): Logger {
  return {
    debug: logger.debug.bind(logger),
    info: logger.info.bind(logger),
    warn: logger.warn.bind(logger),
    error: logger.error.bind(logger),
    fatal: logger.fatal.bind(logger),
    child: (bindings) => wrap(logger.child(withoutSecrets(bindings))),
  };
}

function withoutSecrets(entry: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(entry).map(([key, value]) => [key, clean(key, value, 0)] as const),
  );
}

function clean(key: string, value: unknown, depth: number): unknown {
  if (isSecretKey(key)) return CENSORED;
  if (typeof value === 'string') return cleanText(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= MAX_DEPTH) return '[deep]';
  if (value instanceof Error) return describeError(value, depth);
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (Array.isArray(value)) return value.map((item) => clean('', item, depth + 1));
  if ('toJSON' in value && typeof value.toJSON === 'function') return clean('', value.toJSON(), depth + 1);
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, clean(name, item, depth + 1)] as const),
  );
}

/** Only what every error has: the libraries' own errors carry whole responses, tokens included. */
function describeError(error: Error, depth: number): Record<string, unknown> {
  return {
    type: error.name,
    ...errorCode(error),
    message: cleanText(error.message),
    stack: cleanText(error.stack ?? ''),
    ...(error.cause === undefined ? {} : { cause: clean('', error.cause, depth + 1) }),
  };
}

function errorCode(error: Error): { error_code?: string } {
  if (error instanceof CountersignError) return { error_code: error.code };
  if (!('code' in error) || typeof error.code !== 'string') return {};
  return { error_code: cleanText(error.code).slice(0, 64) };
}

function isSecretKey(key: string): boolean {
  return SECRET_KEYS.has(key.toLowerCase().replace(/[-_]/g, ''));
}

function cleanText(text: string): string {
  return text
    .replace(JOSE_IN_TEXT, CENSORED)
    .replace(SECRET_IN_TEXT, `$1${CENSORED}`)
    .replace(SCHEME_IN_TEXT, `$1 ${CENSORED}`);
}
