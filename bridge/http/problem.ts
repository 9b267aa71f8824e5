import { CountersignError, ERRORS, type ErrorCode, isCountersignError } from '../../protocol/errors.ts';
import { decisionIdOf } from '../policy/decision.ts';

/** A problem document (RFC 9457), the one form in which an error leaves the process. */
export interface ProblemDocument {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ErrorCode;
  readonly detail?: string;
  readonly request_id: string;
  readonly trace_id?: string;
  /** Of a refusal by policy: what administrators find it by. */
  readonly decision_id?: string;
}

/**
 * Decides what of an error is public: code, title, status, and the `detail` that was meant for the caller. A cause, a
 * stack, or an error that is not ours never leaves.
 */
export function problemOf(error: unknown, ids: { requestId: string; traceId?: string }): ProblemDocument {
  const known = error instanceof CountersignError ? error : new CountersignError('internal');
  const { status, title } = ERRORS[known.code];
  const decisionId = decisionIdOf(known);
  return {
    type: `urn:countersign:error:${known.code}`,
    title,
    status,
    code: known.code,
    ...(known.detail === undefined ? {} : { detail: known.detail }),
    request_id: ids.requestId,
    ...(ids.traceId === undefined ? {} : { trace_id: ids.traceId }),
    ...(decisionId === undefined ? {} : { decision_id: decisionId }),
  };
}

/** Whether an error is a fault on our side, to be logged with its cause. A queue that is full is counted instead. */
export function isOurFault(error: unknown): boolean {
  if (isCountersignError(error, 'overloaded')) return false;
  return !(error instanceof CountersignError) || ERRORS[error.code].status >= 500;
}
