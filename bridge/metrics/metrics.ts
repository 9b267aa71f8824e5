import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { METRICS, type MetricName } from './catalog.ts';

type NameOf<Type extends string> = {
  [Name in MetricName]: (typeof METRICS)[Name]['type'] extends Type ? Name : never;
}[MetricName];

type Labels<Name extends MetricName> = Readonly<
  Record<(typeof METRICS)[Name]['labels'][number], string | number>
>;

/** The metrics of one bridge: a process may run several. */
export interface Metrics {
  count<Name extends NameOf<'counter'>>(name: Name, labels: Labels<Name>, by?: number): void;
  /** Replaces all that a counter says: for totals that are kept elsewhere. */
  total<Name extends NameOf<'counter'>>(
    name: Name,
    totals: readonly { readonly labels: Labels<Name>; readonly value: number }[],
  ): void;
  /** `seconds` of something that has ended. */
  observe<Name extends NameOf<'histogram'>>(name: Name, labels: Labels<Name>, seconds: number): void;
  set<Name extends NameOf<'gauge'>>(name: Name, labels: Labels<Name>, value: number): void;
  /** Forgets every value of a gauge: what is not set again is not known. */
  reset(name: NameOf<'gauge'>): void;
  /** Called before each reading. */
  beforeReading(work: () => Promise<void>): void;
  /** The Prometheus text format, with its media type. */
  read(): Promise<{ text: string; mediaType: string }>;
}

export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const counters = new Map<string, Counter>();
  const gauges = new Map<string, Gauge>();
  const histograms = new Map<string, Histogram>();
  for (const [name, kind] of Object.entries(METRICS)) {
    const options = { name, help: kind.doc, labelNames: [...kind.labels], registers: [registry] };
    if (kind.type === 'counter') counters.set(name, new Counter(options));
    else if (kind.type === 'gauge') gauges.set(name, new Gauge(options));
    else histograms.set(name, new Histogram({ ...options, buckets: [...kind.buckets] }));
  }
  const readings: (() => Promise<void>)[] = [];
  return {
    count: (name, labels, by = 1) => counters.get(name)?.inc(labels, by),
    total(name, totals) {
      const counter = counters.get(name);
      counter?.reset();
      for (const { labels, value } of totals) counter?.inc(labels, value);
    },
    observe: (name, labels, seconds) => histograms.get(name)?.observe(labels, seconds),
    set: (name, labels, value) => gauges.get(name)?.set(labels, value),
    reset(name) {
      gauges.get(name)?.reset();
      // The library's reset of a gauge without labels says 0.
      if (METRICS[name].labels.length === 0) gauges.get(name)?.remove({});
    },
    beforeReading: (work) => {
      readings.push(work);
    },
    async read() {
      for (const work of readings) await work();
      return { text: await registry.metrics(), mediaType: registry.contentType };
    },
  };
}
