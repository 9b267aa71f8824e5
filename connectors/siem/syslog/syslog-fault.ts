import { CountersignError } from '../../../protocol/errors.ts';
import { faultOfRequest } from '../http/receiver-faults.ts';

/** How OpenSSL and Node call what the other side said against us, our certificate above all. */
const ALERT = /^ERR_SSL_.*ALERT/;

/** What it means to a sink that there is no connection to its receiver. */
export function connectFault(cause: unknown, host: string): CountersignError {
  return alertFault(cause instanceof Error ? cause.cause : undefined, host) ?? faultOfRequest(cause, host);
}

/** What it means that a connection ended with events on it that may not have arrived. */
export function connectionFault(cause: unknown, host: string): CountersignError {
  const alert = alertFault(cause, host);
  if (alert !== undefined) return alert;
  const why = cause instanceof Error ? cause.message : 'the receiver closed the connection';
  const detail = `Not all events may have reached ${host}: ${codeOf(cause) ?? why}.`;
  return new CountersignError('sink_unavailable', detail, { cause });
}

function alertFault(cause: unknown, host: string): CountersignError | undefined {
  const code = codeOf(cause);
  if (code === undefined || !ALERT.test(code)) return undefined;
  const detail = `${host} refuses the TLS connection, or the certificate that it was shown (${code}).`;
  return new CountersignError('sink_misconfigured', detail, { cause });
}

function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined;
  return /^[A-Z][A-Z0-9_]{2,63}$/.test(error.code) ? error.code : undefined;
}
