import type { ErrorCode } from '../../protocol/errors.ts';
import type { ProblemDocument } from './problem.ts';

/** An error as RFC 8935 §2.3 has it: what whoever pushes a security event token can make something of. */
export interface SetDeliveryError {
  readonly err: 'invalid_request' | 'invalid_key' | 'invalid_issuer' | 'invalid_audience' | SenderError;
  readonly description: string;
}

type SenderError = 'authentication_failed' | 'access_denied';

const NAMES: Partial<Record<ErrorCode, SetDeliveryError['err']>> = {
  ...{ jws_signature: 'invalid_key', jws_unknown_key: 'invalid_key', key_compromised: 'invalid_key' },
  ...{ jws_algorithm: 'invalid_key', set_key: 'invalid_key', jws_issuer: 'invalid_issuer' },
  ...{ set_issuer: 'invalid_issuer', partner_unknown: 'invalid_issuer', set_audience: 'invalid_audience' },
  ...{ unauthenticated: 'authentication_failed', partner_suspended: 'access_denied' },
};

/**
 * The answer to a push that was refused; nothing where the sender may try again later (a fault of ours, too many), which
 * it reads from the status as with any other request.
 */
export function setDeliveryError({
  code,
  status,
  title,
  detail,
}: ProblemDocument): { status: number; body: SetDeliveryError } | undefined {
  if (status >= 500 || status === 429) return undefined;
  const description = detail === undefined ? `${title} (${code})` : `${title} ${detail} (${code})`;
  return { status: status === 401 ? 401 : 400, body: { err: NAMES[code] ?? 'invalid_request', description } };
}
