/**
 * The closed union of error codes. A code is stable: clients match on it, the SIEM counts it, tests assert it.
 *
 * `status` is the HTTP status that the one renderer (bridge/http/problem.ts) sends with it; `title` is public.
 */
export const ERRORS = {
  // requests
  malformed_request: { status: 400, title: 'The request is not in the form that this endpoint takes.' },
  payload_too_large: { status: 413, title: 'The request body is larger than this endpoint accepts.' },
  unsupported_media_type: { status: 415, title: 'The content type is not the one that this endpoint takes.' },
  not_found: { status: 404, title: 'There is nothing at this address.' },
  method_not_allowed: { status: 405, title: 'This address does not take this method.' },
  rate_limited: { status: 429, title: 'Too many requests; try again later.' },
  unauthenticated: { status: 401, title: 'This needs a valid access token.' },
  forbidden: { status: 403, title: 'Policy does not allow this.' },
  conflict: { status: 409, title: 'The state has changed since this was prepared.' },
  request_id_reused: { status: 409, title: 'This request id was used before with another body.' },
  internal: { status: 500, title: 'Something went wrong on our side; quote the request id.' },
  unavailable: { status: 503, title: 'The service cannot answer now; try again.' },

  // configuration and state at start
  config_invalid: { status: 500, title: 'The configuration has faults.' },
  state_refused: { status: 500, title: 'The stored state is doubtful; the bridge refuses to run on it.' },
  storage_busy: { status: 503, title: 'The store is busy; try again.' },
  storage_full: { status: 507, title: 'The disk is full: nothing was stored.' },
  storage_nested: { status: 500, title: 'The root database handle was used inside a transaction.' },
  seal_broken: { status: 500, title: 'A sealed value does not open under this key and context.' },

  // names and outbound requests
  name_not_found: { status: 400, title: 'The name does not exist in DNS.' },
  name_unresolvable: { status: 502, title: 'The name could not be looked up.' },
  outbound_refused: { status: 400, title: 'The bridge may not connect to this address.' },
  outbound_redirect: {
    status: 502,
    title: 'The other side answered with a redirect, which is not followed.',
  },
  outbound_too_large: { status: 502, title: 'The other side answered with more than is accepted.' },
  outbound_timeout: { status: 504, title: 'The other side did not answer in time.' },
  outbound_failed: { status: 502, title: 'The other side could not be reached or answered with an error.' },

  // signed objects
  jws_malformed: { status: 400, title: 'The signed object is malformed.' },
  jws_algorithm: { status: 400, title: 'The signed object uses an algorithm that is not allowed.' },
  jws_type: { status: 400, title: 'The signed object is of another type.' },
  jws_signature: { status: 400, title: 'The signature does not verify.' },
  jws_unknown_key: { status: 400, title: 'The signing key is not among the keys that may sign this.' },
  jws_expired: { status: 400, title: 'The signed object has expired.' },
  jws_not_yet_valid: { status: 400, title: 'The signed object is not yet valid.' },
  jws_audience: { status: 400, title: 'The signed object is meant for another audience.' },
  jws_issuer: { status: 400, title: 'The signed object is from another issuer.' },
  claims_invalid: { status: 400, title: 'The content of the signed object is not as specified.' },
  key_invalid: { status: 400, title: 'The public key is malformed or unsafe.' },
  address_invalid: { status: 400, title: 'The address is not one that can be bound to a key.' },
  key_compromised: { status: 400, title: 'The signing key was declared compromised.' },
  serial_rollback: { status: 400, title: 'The online keys are older than ones already seen.' },
  root_mismatch: { status: 400, title: 'The root key is not the pinned one.' },
  domain_not_approved: { status: 400, title: 'The issuer may not speak for this domain.' },
  statement_revoked: { status: 400, title: 'The key statement is revoked.' },
  statement_signature: {
    status: 400,
    title: 'A signature that the key statement needs is missing or wrong.',
  },
  endorsement_mismatch: { status: 400, title: 'The device endorsement does not match the person’s key.' },
  level_too_low: {
    status: 400,
    title: 'The credential does not reach the level that the pinned policy demands.',
  },
  credential_too_old: { status: 400, title: 'The credential is older than the pinned policy allows.' },
  pin_changed: { status: 409, title: 'The key is not the one pinned for this address.' },
} as const satisfies Record<string, { status: number; title: string }>;

/** A stable error code. */
export type ErrorCode = keyof typeof ERRORS;

/**
 * The one error class. `detail` is public: it may be shown to whoever asked. `cause` is private: it goes to the
 * log and never leaves the process.
 */
export class CountersignError extends Error {
  override readonly name = 'CountersignError';
  readonly code: ErrorCode;
  readonly detail: string | undefined;

  constructor(code: ErrorCode, detail?: string, options?: { cause?: unknown }) {
    super(detail === undefined ? `${code}: ${ERRORS[code].title}` : `${code}: ${detail}`, options);
    this.code = code;
    this.detail = detail;
  }
}

/** Whether `error` is ours and, if `code` is given, carries that code. */
export function isCountersignError(error: unknown, code?: ErrorCode): error is CountersignError {
  return error instanceof CountersignError && (code === undefined || error.code === code);
}

/** The code named by a foreign string (a problem document of another bridge), or `undefined`. */
export function parseErrorCode(code: unknown): ErrorCode | undefined {
  return typeof code === 'string' && Object.hasOwn(ERRORS, code) ? (code as ErrorCode) : undefined;
}
