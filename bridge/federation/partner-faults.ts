import { CountersignError, type ErrorCode, isCountersignError } from '../../protocol/errors.ts';

const CODES: Partial<Record<ErrorCode, ErrorCode>> = {
  outbound_timeout: 'partner_slow',
  outbound_failed: 'partner_unreachable',
  outbound_refused: 'partner_unreachable',
  outbound_redirect: 'partner_unreachable',
  outbound_too_large: 'partner_lying',
  name_not_found: 'partner_unreachable',
  name_unresolvable: 'partner_unreachable',
  domain_not_approved: 'partner_foreign_domain',
  response_mismatch: 'partner_replay',
  jws_expired: 'partner_expired',
  overloaded: 'partner_slow',
};

/**
 * What went wrong with a partner, as one of the partner codes; the code of the failed check stays in the cause. Faults
 * that are our own (a full disk, a programming error) are thrown on as they are.
 */
export function asPartnerFault(error: unknown): CountersignError {
  if (!isCountersignError(error)) throw error;
  if (error.code.startsWith('partner_') || error.code === 'internal' || error.code.startsWith('storage_')) {
    return error;
  }
  const code = CODES[error.code] ?? 'partner_lying';
  const detail = code === 'partner_lying' ? `The partner’s answer fails the check ${error.code}.` : undefined;
  return new CountersignError(code, detail, { cause: error });
}

/** Faults that the partner's bridge committed, as opposed to a network that is down. */
export function isMisbehaviour(code: ErrorCode): boolean {
  return code === 'partner_lying' || code === 'partner_foreign_domain' || code === 'partner_replay';
}
