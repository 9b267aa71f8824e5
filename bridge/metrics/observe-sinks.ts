import type { SinkHealth, SinkView } from '../events/sinks/sinks.ts';
import type { Metrics } from './metrics.ts';

const GAUGES = [
  'countersign_event_sink_lag',
  'countersign_event_sink_lag_seconds',
  'countersign_event_sink_buffer_ratio',
  'countersign_event_sink_failures',
  'countersign_event_sink_dead_letters',
] as const;

const TOTALS = [
  { name: 'countersign_event_sink_delivered_total', of: ({ delivered }: SinkHealth) => delivered },
  {
    name: 'countersign_event_sink_dead_letters_forgotten_total',
    of: ({ dead_letters_forgotten: forgotten }: SinkHealth) => forgotten,
  },
] as const;

/** What was known of the sinks is not known any more. */
export function forgetSinks(metrics: Metrics): void {
  for (const name of GAUGES) metrics.reset(name);
  for (const { name } of TOTALS) metrics.total(name, []);
}

export function observeSinks(metrics: Metrics, sinks: readonly SinkView[]): void {
  for (const { name: sink, health } of sinks) {
    metrics.set('countersign_event_sink_lag', { sink }, health.behind);
    metrics.set('countersign_event_sink_lag_seconds', { sink }, health.lag_seconds ?? 0);
    metrics.set('countersign_event_sink_buffer_ratio', { sink }, health.buffer_percent / 100);
    metrics.set('countersign_event_sink_failures', { sink }, health.failures);
    metrics.set('countersign_event_sink_dead_letters', { sink }, health.dead_letters);
  }
  for (const { name, of } of TOTALS) {
    metrics.total(
      name,
      sinks.map(({ name: sink, health }) => ({ labels: { sink }, value: of(health) })),
    );
  }
}
