import { type ErrorCode, parseErrorCode } from '../../../protocol/errors.ts';
import { SINK_FAILURES_REPORTED, SINK_REPORT_MS } from '../../lib/limits.ts';
import { SYSTEM } from '../../lib/request-context.ts';
import type { EventInput } from '../event.ts';
import type { RefusedInLane } from './lane.ts';
import type { SinkState, StateChange } from './sink-states.ts';

type Kept = Pick<
  SinkState,
  | 'failures'
  | 'last_success'
  | 'error_time'
  | 'error_code'
  | 'error_detail'
  | 'failing'
  | 'failing_reported'
  | 'refused_reported'
>;

const UNSTORED =
  'The bridge could not store what came of the last events; it hands over no more of them until it can.';

/** How a sink is, and what of it is to be reported: changes, and each kind at most once a minute. */
export class SinkCondition {
  readonly #name: { readonly sink: string; readonly name: string };
  #kept: Kept;
  #isNew = false;
  /** Failures of the receiver, while others are counted with them. */
  #ofReceiver: number | undefined;
  /** Refused events that were not reported yet. */
  #unreported: { from: number; to: number; events: number; words: string } | undefined;

  constructor(name: { readonly id: string; readonly name: string }, state: SinkState) {
    this.#name = { sink: name.id, name: name.name };
    const { failures, last_success, error_time, error_code, error_detail } = state;
    const { failing, failing_reported, refused_reported } = state;
    this.#kept = {
      ...{ failures, last_success, error_time, error_code, error_detail },
      ...{ failing, failing_reported, refused_reported },
    };
  }

  get failures(): number {
    return this.#kept.failures;
  }

  /** Whether something is to be stored. */
  get isNew(): boolean {
    return this.#isNew;
  }

  succeeded(now: number): void {
    this.#isNew = true;
    this.#ofReceiver = undefined;
    this.#kept = { ...this.#kept, failures: 0, last_success: now };
  }

  failed({ code, detail }: { readonly code: ErrorCode; readonly detail: string }, now: number): void {
    this.#isNew = true;
    this.#kept = {
      ...this.#kept,
      failures: this.#kept.failures + 1,
      ...{ error_time: now, error_code: code, error_detail: detail },
    };
  }

  /** What came of events could not be stored: nothing more is handed over until it is. */
  unstored(code: ErrorCode, now: number): void {
    this.#ofReceiver ??= this.#kept.failures;
    this.failed({ code, detail: UNSTORED }, now);
  }

  /** It is stored. */
  storedAgain(): void {
    if (this.#ofReceiver === undefined) return;
    this.#kept = { ...this.#kept, failures: this.#ofReceiver };
    this.#ofReceiver = undefined;
    this.#isNew = true;
  }

  /** Events about sinks that are refused are not reported: that event would be refused as well. */
  refused(events: readonly RefusedInLane[]): void {
    for (const { seq, type, words } of events) {
      if (type.startsWith('sink.')) continue;
      const { from = seq, events: before = 0 } = this.#unreported ?? {};
      this.#unreported = { from: Math.min(from, seq), to: seq, events: before + 1, words };
    }
  }

  /** What is to be stored, and reported with it. Call `stored` once it is on disk. */
  change(now: number): { readonly change: Partial<StateChange>; readonly events: readonly EventInput[] } {
    const events = [this.#failing(now), this.#refusedEvents(now)].filter((event) => event !== undefined);
    const change: Kept = { ...this.#kept };
    for (const { type } of events) {
      if (type === 'sink.failing') Object.assign(change, { failing: 1, failing_reported: now });
      if (type === 'sink.recovered') Object.assign(change, { failing: 0 });
      if (type === 'sink.events_refused') Object.assign(change, { refused_reported: now });
    }
    return { change, events };
  }

  stored(change: Partial<StateChange>): void {
    this.#isNew = false;
    if (change.refused_reported !== this.#kept.refused_reported) this.#unreported = undefined;
    const { failing, failing_reported, refused_reported } = { ...this.#kept, ...change };
    this.#kept = { ...this.#kept, failing, failing_reported, refused_reported };
  }

  #failing(now: number): EventInput | undefined {
    const { failing, failures, failing_reported: last, error_code, error_detail: detail } = this.#kept;
    const code = parseErrorCode(error_code);
    const about = { actor: SYSTEM.actor, outcome: 'success' as const };
    if (failing === 1) {
      return failures > 0 ? undefined : { ...about, type: 'sink.recovered', data: this.#name };
    }
    if (failures < SINK_FAILURES_REPORTED || !isDue(last, now)) return undefined;
    return {
      ...{ actor: SYSTEM.actor, outcome: 'failure' as const, type: 'sink.failing' as const },
      ...(code === undefined ? {} : { code }),
      data: { ...this.#name, detail: detail ?? '', failures },
    };
  }

  #refusedEvents(now: number): EventInput | undefined {
    const refused = this.#unreported;
    if (refused === undefined || !isDue(this.#kept.refused_reported, now)) return undefined;
    const { from, to, events, words } = refused;
    return {
      ...{ actor: SYSTEM.actor, outcome: 'failure' as const, type: 'sink.events_refused' as const },
      code: 'sink_batch_refused',
      data: { ...this.#name, from_seq: from, to_seq: to, events, words },
    };
  }
}

function isDue(reported: number | null, now: number): boolean {
  return reported === null || now - reported >= SINK_REPORT_MS;
}
