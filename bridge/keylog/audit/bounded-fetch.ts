import { CountersignError } from '../../../protocol/errors.ts';
import { readBounded } from '../../lib/bounded-body.ts';
import { OUTBOUND_BODY_BYTES, OUTBOUND_TIMEOUT_MS } from '../../lib/limits.ts';
import { type Outbound, parseOutboundUrl } from '../../lib/outbound.ts';

/**
 * Requests with the bounds of the bridge's outbound door, over a plain `fetch`: for a program whose caller named the
 * address itself, which may well be an internal one. No redirect is followed. Throws `outbound_refused` for what is no
 * https URL, `outbound_redirect`, `outbound_too_large`, `outbound_timeout`, `outbound_failed`.
 */
export function boundedRequest(fetch: typeof globalThis.fetch): Outbound['request'] {
  return async (url, wanted = {}) => {
    const target = parseOutboundUrl(url);
    const timeout = AbortSignal.timeout(wanted.timeoutMs ?? OUTBOUND_TIMEOUT_MS);
    try {
      const response = await fetch(target, {
        method: wanted.method ?? 'GET',
        redirect: 'manual',
        headers: { ...wanted.headers, 'accept-encoding': 'identity' },
        signal: wanted.signal === undefined ? timeout : AbortSignal.any([timeout, wanted.signal]),
        ...(wanted.body === undefined ? {} : { body: wanted.body as BodyInit }),
      });
      if (response.type === 'opaqueredirect' || (response.status >= 300 && response.status < 400)) {
        await response.body?.cancel();
        throw new CountersignError('outbound_redirect', `${target.host} answered with a redirect.`);
      }
      const body = await readBody(response, wanted.maxBytes ?? OUTBOUND_BODY_BYTES, target.host);
      return { status: response.status, headers: response.headers, body };
    } catch (error) {
      throw failureOf(error, target, timeout);
    }
  };
}

async function readBody(response: Response, maxBytes: number, host: string): Promise<Uint8Array> {
  if (response.body === null) return new Uint8Array();
  return readBounded(response.body as unknown as AsyncIterable<Uint8Array>, maxBytes, host);
}

function failureOf(error: unknown, url: URL, timeout: AbortSignal): CountersignError {
  if (error instanceof CountersignError) return error;
  if (timeout.aborted) {
    return new CountersignError('outbound_timeout', `${url.host} did not answer in time.`, { cause: error });
  }
  const reason = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = reason instanceof Error && 'code' in reason ? ` (${String(reason.code)})` : '';
  return new CountersignError('outbound_failed', `${url.host} could not be reached${code}.`, {
    cause: error,
  });
}
