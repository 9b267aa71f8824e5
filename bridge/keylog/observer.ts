import type { VrfProver } from './vrf-pool.ts';

/** Is told of what the key log does, for metrics; must return at once and not throw. */
export interface KeyLogObserver {
  /** A log proof was handed out: its text. */
  stapled(text: string): void;
  /** A VRF proof was computed, so many seconds after it was asked for. */
  proved(seconds: number): void;
}

/** The same prover; how long each proof takes is told. */
export function watchProver(prover: VrfProver, observer: KeyLogObserver | undefined): VrfProver {
  if (observer === undefined) return prover;
  return {
    async prove(input) {
      const start = performance.now();
      const proved = await prover.prove(input);
      observer.proved((performance.now() - start) / 1000);
      return proved;
    },
    close: () => prover.close(),
  };
}
