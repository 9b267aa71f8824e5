import type { VerifierKey } from '../../protocol/tlog/verifier-key.ts';
import { WitnessClient, type WitnessClientDeps, type WitnessState } from './witness-client.ts';

/** Those who cosign a log of ours. */
export interface WitnessClients {
  /** How each stands, in the order in which they are configured. */
  states(): readonly WitnessState[];
  /** Asks all of them for what is due, at once, and answers how they stand then. */
  ask(signal?: AbortSignal): Promise<readonly WitnessState[]>;
  /** To be called when there is a new checkpoint; it returns at once. */
  wake(): void;
  start(): void;
  /** Breaks off what is under way. */
  stop(): Promise<void>;
}

/** Each witness is asked by itself: a slow or dead one delays no other, and nobody waits for any of them here. */
export function createWitnessClients(
  deps: Omit<WitnessClientDeps, 'witness'> & {
    readonly witnesses: readonly { readonly key: VerifierKey; readonly url: string }[];
  },
): WitnessClients {
  const clients = deps.witnesses.map((witness) => new WitnessClient({ ...deps, witness }));
  const never = new AbortController().signal;
  return {
    states: () => clients.map(({ state }) => state),
    ask: (signal = never) => Promise.all(clients.map((client) => client.ask(signal))),
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
