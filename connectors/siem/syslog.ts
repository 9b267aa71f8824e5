import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import * as z from 'zod';
import type { SocketTarget } from '../../bridge/lib/outbound-sockets.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { defineSinkKind, type Sink, type SinkDeps } from './sink.ts';
import { createSyslogFrames } from './syslog/syslog-message.ts';
import { type SyslogTimes, syslogSink } from './syslog/syslog-sink.ts';

/** RFC 5425 section 4.1, RFC 6587 section 3 (syslog-conn). */
const PORTS = { tls: 6514, tcp: 601 };

/** A chain of a few certificates, or all the roots of a company. */
const PEM_LENGTH = 65_536;

const CERTIFICATES = /-----BEGIN CERTIFICATE-----[^-]*(?:-----END CERTIFICATE-----)?/g;

const pem = (label: string) =>
  z
    .string()
    .max(PEM_LENGTH)
    .regex(new RegExp(`-----BEGIN ${label}-----`), `must be PEM (${label})`);

const hostName = z
  .string()
  .max(253)
  .regex(/^[A-Za-z0-9_](?:[A-Za-z0-9._:-]*[A-Za-z0-9.])?$|^::[0-9a-f:.]*$/i, 'must be a name or an address');

const settings = z.strictObject({
  host: hostName.describe('Name or address of the receiver.'),
  port: z.int().min(1).max(65_535).optional().describe('6514 unless said otherwise; 601 without TLS.'),
  transport: z
    .enum(['tls', 'tcp'])
    .default('tls')
    .describe('tls (RFC 5425), or tcp without encryption (RFC 6587), for a receiver on the same machine.'),
  ca: pem('CERTIFICATE')
    .optional()
    .describe(
      'PEM: the roots that the receiver’s certificate must come from, in the place of the public ones.',
    ),
  server_name: hostName
    .optional()
    .describe('The name that the receiver’s certificate must have, if not the host.'),
  certificate: pem('CERTIFICATE')
    .optional()
    .describe('PEM: shown to a receiver that wants to know who connects.'),
  key: pem('[A-Z ]*PRIVATE KEY')
    .optional()
    .describe('PEM: the private key of the certificate, not encrypted.'),
  facility: z
    .int()
    .min(0)
    .max(23)
    .default(13)
    .describe('RFC 5424 facility; 13 is log audit, 16 to 23 are local.'),
  structured_data: z
    .enum(['brief', 'full', 'none'])
    .default('brief')
    .describe(
      'brief: ids before the formatted event. full: all of the event, in its place. none: no structured data.',
    ),
  byte_order_mark: z
    .boolean()
    .default(true)
    .describe('RFC 5424 wants one before UTF-8 text; some receivers take it for part of the JSON.'),
  max_bytes: z
    .int()
    .min(2_048)
    .max(65_536)
    .default(8_192)
    .describe(
      'Most octets of a message. Receivers must take 2048 and should take 8192; what is longer is cut.',
    ),
  confirmation: z
    .enum(['close', 'linger'])
    .default('close')
    .describe(
      'When events count as delivered. close: the receiver has closed the connection in turn, having read all. ' +
        'linger: nothing was heard against them for half a second.',
    ),
});

export type SyslogSettings = z.output<typeof settings>;

/**
 * RFC 5424 over TLS or TCP. There is no acknowledgement in it, so events settle a moment after they were sent, and are
 * sent again where a connection broke before that.
 */
export const SYSLOG = defineSinkKind<SyslogSettings>({
  kind: 'syslog',
  doc: 'Sends events as syslog messages (RFC 5424) over TLS or TCP.',
  settings,
  secrets: ['key'],
  destinations: ['host', 'port'],
  formats: ['plain', 'cef', 'ocsf', 'ecs', 'cloudevents'],
  copy: 'Fetch the files that the receiver writes, and take away what stands before the event in each line.',
  open: (given, deps) => openSyslog(given, deps),
});

/** Throws `config_invalid` for settings that contradict each other. */
export function openSyslog(given: SyslogSettings, deps: SinkDeps, times?: Partial<SyslogTimes>): Sink {
  const frame = createSyslogFrames({
    ...{ formatter: deps.formatter, iss: deps.iss, facility: given.facility },
    ...{ structuredData: given.structured_data, byteOrderMark: given.byte_order_mark },
    maxBytes: given.max_bytes,
  });
  const options = { target: targetOf(given), confirmation: given.confirmation, frame };
  return syslogSink(times === undefined ? options : { ...options, times }, deps);
}

function targetOf(given: SyslogSettings): SocketTarget {
  const { host, transport, port = PORTS[transport], ca, certificate, key, server_name: serverName } = given;
  const tls = {
    ...(ca === undefined ? {} : { ca }),
    ...(certificate === undefined ? {} : { certificate }),
    ...(key === undefined ? {} : { key }),
    ...(serverName === undefined ? {} : { serverName }),
  };
  if (transport === 'tls') {
    assertUsable(given);
    return { host, port, tls };
  }
  if (Object.keys(tls).length > 0) {
    throw invalid('Without TLS there is no use for ca, certificate, key and server_name.');
  }
  return { host, port };
}

/** A slip in a certificate is better told to whoever types it than found when events are to be sent. */
function assertUsable({ ca, certificate, key }: SyslogSettings): void {
  if ((certificate === undefined) !== (key === undefined)) {
    throw invalid('A certificate needs its key, and a key its certificate.');
  }
  try {
    // OpenSSL passes over roots that it cannot read
    for (const root of ca?.match(CERTIFICATES) ?? []) new X509Certificate(root);
    createSecureContext({ ca, cert: certificate, key });
  } catch (cause) {
    throw invalid('The certificates or the key cannot be read, or do not belong together.', cause);
  }
}

function invalid(detail: string, cause?: unknown): CountersignError {
  return new CountersignError('config_invalid', detail, { cause });
}
