import type { Client } from '../../client/client.ts';
import type { ClientOptions } from '../../client/client-options.ts';
import { createMemoryPinStore } from '../../client/memory-stores.ts';
import type { PinStore } from '../../client/pin-store.ts';
import type { LogTrust } from '../../protocol/keytrans/log-trust.ts';
import type { TransformEngine } from '../../recrypt/transform-engine.ts';
import type { FakeBridge } from '../fakes/fake-bridge/fake-bridge.ts';
import type { FakeLog } from '../fakes/fake-bridge/fake-log.ts';
import { DAY } from '../protocol/company.ts';
import { cosignerKey, noteSigner } from '../protocol/keytrans/small-key-log.ts';
import { enrolled } from './fixture.ts';

export const HOUR = 3600;
export const witness = noteSigner('witness.example/w1');
export const auditor = noteSigner('audit.example/a1');

/** One witness and one auditor, both of whom are needed. */
export const TRUST: LogTrust = {
  witnesses: [cosignerKey(witness)],
  witnessQuorum: 1,
  auditors: [cosignerKey(auditor)],
  auditorQuorum: 1,
  maxCheckpointAge: 6 * HOUR,
};

/** What a client demands that trusts them, of everybody. */
export const policyOf = (level: 'signed' | 'logged' | 'witnessed' | 'audited') => ({
  level,
  maxAge: DAY,
  log: TRUST,
});

export interface Watcher {
  readonly client: Client;
  readonly pins: PinStore;
  readonly log: FakeLog;
}

/** Alice, enrolled at a bridge that keeps a log. */
export async function loggedAlice(
  bridge: FakeBridge,
  engine: TransformEngine,
  options: Partial<ClientOptions> = {},
): Promise<Watcher> {
  const log = bridge.keepLog();
  bridge.addPerson('alice');
  const pins = createMemoryPinStore();
  const client = await enrolled(bridge, engine, 'alice@acme.example', { pinStore: pins, ...options });
  return { client, pins, log };
}
