import type { ErrorCode } from '../../protocol/errors.ts';
import { SIGNAL_RETRY_MAX_MS } from '../lib/limits.ts';
import type { ProblemDocument } from './problem.ts';
import type { ErrorForm } from './route.ts';

/** An error as RFC 8935 §2.3 has it: what whoever pushes a security event token can make something of. */
export interface SetDeliveryError {
  readonly err: 'invalid_request' | 'invalid_key' | 'invalid_issuer' | 'invalid_audience' | SenderError;
  readonly description: string;
}

type SenderError = 'authentication_failed' | 'access_denied';

/**
 * `invalid_request` has senders give the token up for good: it stands here for what no later look at the same token can
 * find otherwise, and for nothing else.
 */
const NAMES: Partial<Record<ErrorCode, SetDeliveryError['err']>> = {
  ...{ malformed_request: 'invalid_request', payload_too_large: 'invalid_request' },
  ...{ unsupported_media_type: 'invalid_request', jws_malformed: 'invalid_request' },
  ...{ jws_type: 'invalid_request', jws_expired: 'invalid_request', claims_invalid: 'invalid_request' },
  ...{ address_invalid: 'invalid_request', set_invalid: 'invalid_request', set_subject: 'invalid_request' },
  ...{ jws_signature: 'invalid_key', jws_unknown_key: 'invalid_key', key_compromised: 'invalid_key' },
  ...{ jws_algorithm: 'invalid_key', set_key: 'invalid_key', jws_issuer: 'invalid_issuer' },
  ...{ set_issuer: 'invalid_issuer', partner_unknown: 'invalid_issuer', set_audience: 'invalid_audience' },
  ...{ unauthenticated: 'authentication_failed', partner_suspended: 'access_denied' },
};

/**
 * The answer to a push that was refused. 503 for what RFC 8935 has no name for: clocks, a partner's keys or our own state
 * may be others when the sender tries again. Nothing for a fault of ours, or too many: the status says that already.
 */
export function setDeliveryError(problem: ProblemDocument): ErrorForm | undefined {
  const { code, status, title, detail } = problem;
  if (status >= 500 || status === 429) return undefined;
  const err = NAMES[code];
  if (err === undefined) {
    return { status: 503, body: { ...problem, status: 503 }, retryAfter: SIGNAL_RETRY_MAX_MS / 1000 };
  }
  const description = detail === undefined ? `${title} (${code})` : `${title} ${detail} (${code})`;
  const body: SetDeliveryError = { err, description };
  return { status: status === 401 ? 401 : 400, body };
}
