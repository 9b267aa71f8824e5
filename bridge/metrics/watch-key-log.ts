import type { KeyLogObserver } from '../keylog/observer.ts';
import type { Metrics } from './metrics.ts';

/** Counts what the key log hands out, by whether the bridge's own quorum of witnesses (by key name) has cosigned it. */
export function watchKeyLog(
  metrics: Metrics,
  { witnesses, quorum }: { readonly witnesses: readonly string[]; readonly quorum: number },
): KeyLogObserver {
  const lines = witnesses.map((name) => `\n— ${name} `);
  return {
    stapled(text) {
      const cosigned = lines.filter((line) => text.includes(line)).length;
      const met = quorum === 0 ? 'none' : cosigned >= quorum ? 'met' : 'missed';
      metrics.count('countersign_key_log_proofs_total', { quorum: met });
    },
    proved: (seconds) => metrics.observe('countersign_key_log_vrf_duration_seconds', {}, seconds),
  };
}
