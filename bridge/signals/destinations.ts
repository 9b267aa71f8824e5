import type { Json } from '../../protocol/canonical-json.ts';
import { SIGNALS_PATH } from '../federation/entity-configuration.ts';
import { findPartner } from '../federation/partner-store.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import type { Signer } from '../signer/signer.ts';
import type { Database } from '../storage/database.ts';
import { mayBePushed } from './receiver.ts';
import type { ReceiverKeys } from './receiver-keys.ts';
import { findReceiver } from './receiver-store.ts';
import type { QueuedSignal } from './signal.ts';
import { openAuthorization } from './stream-secrets.ts';
import { findStream } from './stream-store.ts';

/** Where the signals of a queue go, and as what. */
export interface Destination {
  readonly url: string;
  readonly authorization?: string | undefined;
  /** Whoever is not trusted named the address: it must not lead into the networks that only we may reach. */
  readonly publicOnly?: boolean;
  /** Signs a signal as it is now. */
  sign(signal: QueuedSignal): Promise<string>;
}

export interface Destinations {
  /**
   * Where this queue is pushed to now. `waits`: not now (paused, or fetched by the receiver). `gone`: never again, what waits
   * is to be forgotten.
   */
  of(queue: string): Promise<Destination | 'waits' | 'gone'>;
  /** Signs a signal for the receiver of a stream. */
  signForReceiver(audience: string, signal: QueuedSignal): Promise<string>;
}

export function createDestinations(deps: {
  readonly signer: Signer;
  readonly keys: ReceiverKeys;
  readonly database: Database;
  readonly clock: Clock;
}): Destinations {
  const { signer, database, clock } = deps;

  function claimsOf(aud: string, { jti, claims }: QueuedSignal) {
    return { iss: signer.iss, jti, iat: seconds(clock), aud, ...claims } as unknown as {
      readonly [name: string]: Json;
    };
  }

  const signForReceiver: Destinations['signForReceiver'] = (audience, signal) =>
    deps.keys.sign(claimsOf(audience, signal));

  async function ofPartner(entityId: string): Promise<Destination | 'waits' | 'gone'> {
    const partner = await database.read((query) => findPartner(query, entityId));
    if (partner === undefined || partner.status === 'removed') return 'gone';
    if (partner.status === 'suspended') return 'waits';
    return {
      url: entityId + SIGNALS_PATH,
      sign: (signal) => signer.sign('federation', 'secevent+jwt', claimsOf(entityId, signal)),
    };
  }

  async function ofStream(id: string): Promise<Destination | 'waits' | 'gone'> {
    const found = await database.read(async (query) => {
      const stream = await findStream(query, id);
      if (stream === undefined) return undefined;
      return { stream, receiver: await findReceiver(query, stream.receiver) };
    });
    const { stream, receiver } = found ?? {};
    if (stream === undefined || receiver === undefined || stream.status === 'disabled') return 'gone';
    if (stream.status === 'paused' || stream.endpoint_url === null) return 'waits';
    if (!mayBePushed(receiver, stream)) return 'waits';
    return {
      url: stream.endpoint_url,
      publicOnly: receiver.endpoint_host === null,
      authorization: await openAuthorization(signer, stream),
      sign: (signal) => signForReceiver(receiver.audience, signal),
    };
  }

  return {
    // Ids of streams are ours; an entity id is a URL.
    of: (queue) => (queue.startsWith('https://') ? ofPartner(queue) : ofStream(queue)),
    signForReceiver,
  };
}
