import type { QueueTotals } from '../signals/queue-totals.ts';
import type { Receiver } from '../signals/receiver.ts';
import type { Metrics } from './metrics.ts';

const GAUGES = [
  'countersign_signals_waiting',
  'countersign_signal_lag_seconds',
  'countersign_signal_queues_failing',
  'countersign_signal_receiver_token_remaining_seconds',
] as const;

/** How signals to others stand, and those who get them. */
export interface SignalState {
  readonly queues: readonly QueueTotals[];
  readonly receivers: readonly Pick<Receiver, 'id' | 'token_expires'>[];
}

/** What was known of signals is not known any more. */
export function forgetSignals(metrics: Metrics): void {
  for (const name of GAUGES) metrics.reset(name);
  metrics.total('countersign_signals_queued_total', []);
  metrics.total('countersign_signals_delivered_total', []);
  metrics.total('countersign_signals_given_up_total', []);
}

/** `now` in seconds. */
export function observeSignals(metrics: Metrics, { queues, receivers }: SignalState, now: number): void {
  const totals = (value: (queue: QueueTotals) => number) =>
    queues.map((queue) => ({ labels: { kind: queue.kind }, value: value(queue) }));
  metrics.total(
    'countersign_signals_queued_total',
    totals(({ queued }) => queued),
  );
  metrics.total(
    'countersign_signals_delivered_total',
    totals(({ delivered }) => delivered),
  );
  metrics.total(
    'countersign_signals_given_up_total',
    totals(({ givenUp }) => givenUp),
  );
  for (const { kind, waiting, lag, failing } of queues) {
    metrics.set('countersign_signals_waiting', { kind }, waiting);
    metrics.set('countersign_signal_lag_seconds', { kind }, lag);
    metrics.set('countersign_signal_queues_failing', { kind }, failing);
  }
  for (const { id: receiver, token_expires: expires } of receivers) {
    metrics.set('countersign_signal_receiver_token_remaining_seconds', { receiver }, expires - now);
  }
}
