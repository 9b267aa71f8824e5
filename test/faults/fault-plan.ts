import type { RandomChoices } from '../model/random-choices.ts';
import type { Cut } from './network-path.ts';

/**
 * One fault, and how it ends. `receivers`: indexes of those that it befalls; at least one. `afterMs`: since something was
 * on its way to each of them.
 */
export type PlannedFault =
  | { readonly kind: 'bridge' }
  | {
      readonly kind: 'receiver';
      readonly receivers: readonly number[];
      readonly afterMs: number;
      readonly deadMs: number;
    }
  | {
      readonly kind: 'network';
      readonly receivers: readonly number[];
      readonly afterMs: number;
      readonly cut: Cut;
      readonly cutMs: number;
      readonly end: 'goes-on' | 'reset';
    };

const KINDS = ['bridge', 'receiver', 'network'] as const;

/** Fewest faults of each kind, of 50. */
const SHARE = 0.2;
const LONGEST_MS = 700;
const LONGEST_AFTER_MS = 200;

/** `count` faults, of each kind a fifth at least, in no order. */
export function planFaults(choices: RandomChoices, count: number, receivers: number): PlannedFault[] {
  const least = KINDS.flatMap((kind) => Array.from({ length: Math.ceil(count * SHARE) }, () => kind));
  const kinds = [...least];
  while (kinds.length < count) kinds.push(choices.of(KINDS));
  for (let at = kinds.length - 1; at > 0; at -= 1) {
    const other = choices.number(at + 1);
    [kinds[at], kinds[other]] = [kinds[other] ?? 'bridge', kinds[at] ?? 'bridge'];
  }
  return kinds.slice(0, count).map((kind) => plan(choices, kind, receivers));
}

function plan(choices: RandomChoices, kind: (typeof KINDS)[number], receivers: number): PlannedFault {
  if (kind === 'bridge') return { kind };
  const all = Array.from({ length: receivers }, (_, index) => index);
  const hit = choices.number(receivers + 1);
  const befallen = hit === receivers ? all : [hit];
  const [ms, afterMs] = [choices.number(LONGEST_MS), choices.number(LONGEST_AFTER_MS)];
  if (kind === 'receiver') return { kind, receivers: befallen, afterMs, deadMs: ms };
  const cut = choices.of(['resets', 'silence'] as const);
  const end = choices.of(['goes-on', 'reset'] as const);
  return { kind, receivers: befallen, afterMs, cut, cutMs: ms, end };
}
