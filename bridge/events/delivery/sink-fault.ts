import { AnsweredFault } from '../../../connectors/siem/answered-fault.ts';
import { ERRORS, type ErrorCode, isCountersignError } from '../../../protocol/errors.ts';
import { SINK_WORDS_LENGTH } from '../../lib/limits.ts';

/** What a sink threw, as the driver, health and events have it. */
export class SinkFault extends Error {
  override readonly name = 'SinkFault';
  readonly code: 'sink_unavailable' | 'sink_misconfigured' | 'sink_batch_refused' | 'sink_gone';
  /** The receiver’s words, cut. */
  readonly detail: string;
  /** Seconds. */
  readonly retryAfter: number | undefined;
  /** Whether an event may have provoked it: a receiver that asks to be left alone for a while says otherwise. */
  readonly mayBeOfEvent: boolean;

  constructor(cause: unknown) {
    super('a sink did not take events', { cause });
    const known = isCountersignError(cause) ? cause : undefined;
    this.code = codeOf(known?.code);
    this.detail = wordsOf(known?.detail ?? (known && ERRORS[known.code].title) ?? UNKNOWN);
    this.retryAfter = known?.retryAfter;
    const isAnswered = cause instanceof AnsweredFault && this.code !== 'sink_gone';
    this.mayBeOfEvent = isAnswered && known?.retryAfter === undefined;
  }
}

/** Errors that no sink should throw may hold anything: their text is for the log alone. */
const UNKNOWN = 'The sink failed in a way that it should not; the log of the bridge has the error.';

/** Cut, on one line, and well-formed. */
export function wordsOf(text: string): string {
  return text
    .replaceAll(/\p{Cc}+/gu, ' ')
    .slice(0, SINK_WORDS_LENGTH)
    .toWellFormed();
}

function codeOf(code: ErrorCode | undefined): SinkFault['code'] {
  switch (code) {
    case 'sink_misconfigured':
    case 'sink_batch_refused':
    case 'sink_gone':
      return code;
    case 'config_invalid':
    case 'seal_broken':
    case 'outbound_refused':
      return 'sink_misconfigured';
    default:
      return 'sink_unavailable';
  }
}
