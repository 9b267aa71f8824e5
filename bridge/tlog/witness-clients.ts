import type { VerifierKey } from '../../protocol/tlog/verifier-key.ts';
import type { Checkpoints } from './checkpoints.ts';
import type { LogName } from './log-heads.ts';
import { consistencyProof } from './log-tree.ts';
import { type OwnedLog, standingOf } from './seen-checkpoint.ts';
import { type ShownLog, WitnessClient, type WitnessClientDeps, type WitnessState } from './witness-client.ts';

/** Those who cosign a log of ours. */
export interface WitnessClients {
  /** How each stands, in the order in which they are configured. */
  states(): readonly WitnessState[];
  /** What an operator should know of those that do not cosign; empty when all is well. */
  warnings(): readonly string[];
  /** To be called when there is a new checkpoint; it returns at once. */
  wake(): void;
  start(): void;
  /** Breaks off what is under way. */
  stop(): Promise<void>;
}

/** A log of ours as its witnesses are shown it. */
export function shownLog(
  log: LogName,
  checkpoints: Pick<Checkpoints, 'newest' | 'noteOf'>,
  owned: OwnedLog,
): ShownLog {
  return {
    ...{ log, owned },
    standingOf: (query, checkpoint) => standingOf(query, log, checkpoint),
    async newest(query) {
      const newest = await checkpoints.newest(query);
      return newest === undefined ? undefined : { size: newest.size, note: checkpoints.noteOf(newest) };
    },
    consistencyProof: (query, oldSize, newSize) => consistencyProof(query, log, oldSize, newSize),
  };
}

/** Each witness is asked by itself: a slow or dead one delays no other, and nobody waits for any of them here. */
export function createWitnessClients(
  deps: Omit<WitnessClientDeps, 'witness'> & {
    readonly witnesses: readonly { readonly key: VerifierKey; readonly url: string }[];
  },
): WitnessClients {
  const clients = deps.witnesses.map((witness) => new WitnessClient({ ...deps, witness }));
  return {
    states: () => clients.map(({ state }) => state),
    warnings: () => clients.flatMap(({ state }) => warningOf(state) ?? []),
    wake() {
      for (const client of clients) client.wake();
    },
    start() {
      for (const client of clients) client.start();
    },
    async stop() {
      await Promise.all(clients.map((client) => client.stop()));
    },
  };
}

function warningOf({ name, state, error, size }: WitnessState): string | undefined {
  switch (state) {
    case 'failing':
      if (error === 'witness_unproven') {
        return (
          `The witness ${name} does not cosign the key log: it claims to have seen more, or another history, and shows no ` +
          'checkpoint of it that this bridge has signed. See that its URL is right, and ask its operator.'
        );
      }
      return `The witness ${name} does not cosign the key log (${error ?? 'unknown'}).`;
    case 'ahead':
      return `The witness ${name} shows ${size ?? 'more'} entries of the key log, signed by this bridge, more than the store has.`;
    case 'contradicted':
      return `The witness ${name} shows another history of the key log, signed by this bridge.`;
    default:
      return undefined;
  }
}
