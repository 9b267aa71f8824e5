import { CountersignError, type ErrorCode, isCountersignError } from '../../../protocol/errors.ts';

/** The codes that a sink over HTTP throws. */
export type SinkFault = Extract<
  ErrorCode,
  'sink_unavailable' | 'sink_misconfigured' | 'sink_batch_refused' | 'sink_gone'
>;

const EVENTS_AT_FAULT = new Set([400, 413, 422]);
/** A request that took too long, one that came too early, and too many of them: later it may go well. */
const LATER = new Set([408, 425, 429]);

/** Whether a status asks to come again later, or with less at a time. */
export function isLater(status: number): boolean {
  return LATER.has(status);
}

/** What a status outside 2xx means where the receiver's own words do not say it better. */
export function faultOfStatus(status: number): SinkFault {
  if (EVENTS_AT_FAULT.has(status)) return 'sink_batch_refused';
  // Any other 4xx refuses the way that we ask; events must not be given up for that.
  if (status >= 400 && status < 500 && !LATER.has(status)) return 'sink_misconfigured';
  return 'sink_unavailable';
}

/** Nothing at the other end can mend these: the address, or what the operator allows. */
const WRONG_ADDRESS: ReadonlySet<ErrorCode> = new Set([
  ...(['outbound_refused', 'outbound_redirect', 'name_not_found'] as const),
]);
/** How OpenSSL and Node call a certificate that does not prove what it has to. */
const CERTIFICATE = /^(ERR_TLS_CERT_|CERT_|SELF_SIGNED|DEPTH_ZERO_SELF_SIGNED|UNABLE_TO_(GET|VERIFY)_)/;

/** What it means to a sink that a request got no usable answer. */
export function faultOfRequest(cause: unknown, host: string): CountersignError {
  if (!isCountersignError(cause)) return new CountersignError('sink_unavailable', undefined, { cause });
  const reason = systemCode(cause.cause);
  if (reason !== undefined && CERTIFICATE.test(reason)) {
    const detail = `The certificate of ${host} does not prove that name here (${reason}).`;
    return new CountersignError('sink_misconfigured', detail, { cause });
  }
  const code = WRONG_ADDRESS.has(cause.code) ? 'sink_misconfigured' : 'sink_unavailable';
  const detail = cause.detail ?? cause.code;
  return new CountersignError(code, reason === undefined ? detail : `${detail} (${reason})`, { cause });
}

/** Such as ECONNREFUSED: a word of the system, nothing that the other side chose. */
function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined;
  return /^[A-Z][A-Z0-9_]{2,63}$/.test(error.code) ? error.code : undefined;
}
