import type { SinkView } from '../events/sinks/sinks.ts';
import type { Metrics } from './metrics.ts';

const GAUGES = [
  'countersign_event_sink_lag',
  'countersign_event_sink_lag_seconds',
  'countersign_event_sink_buffer_ratio',
  'countersign_event_sink_failures',
  'countersign_event_sink_dead_letters',
] as const;

/** What was known of the sinks is not known any more. */
export function forgetSinks(metrics: Metrics): void {
  for (const name of GAUGES) metrics.reset(name);
  metrics.total('countersign_event_sink_delivered_total', []);
}

export function observeSinks(metrics: Metrics, sinks: readonly SinkView[]): void {
  for (const { name: sink, health } of sinks) {
    metrics.set('countersign_event_sink_lag', { sink }, health.behind);
    metrics.set('countersign_event_sink_lag_seconds', { sink }, health.lag_seconds ?? 0);
    metrics.set('countersign_event_sink_buffer_ratio', { sink }, health.buffer_percent / 100);
    metrics.set('countersign_event_sink_failures', { sink }, health.failures);
    metrics.set('countersign_event_sink_dead_letters', { sink }, health.dead_letters);
  }
  metrics.total(
    'countersign_event_sink_delivered_total',
    sinks.map(({ name: sink, health }) => ({ labels: { sink }, value: health.delivered })),
  );
}
