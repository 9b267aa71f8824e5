import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { seconds } from '../../bridge/lib/clock.ts';
import { createLogger } from '../../bridge/lib/logger.ts';
import { enqueue } from '../../bridge/signals/queue-store.ts';
import { createSignalDelivery } from '../../bridge/signals/signal-delivery.ts';
import { SOON } from '../fakes/soon.ts';
import { movableClock, type TemporaryStore, temporaryStore } from '../signer/signer-fixture.ts';

const clock = movableClock();
let store: TemporaryStore;

beforeAll(async () => {
  store = await temporaryStore(clock);
});
afterEach(() => vi.restoreAllMocks());
afterAll(() => store.remove());

it('a receiver that failed often is tried at once when it is asked for, and is not kept waiting', async () => {
  // the longest pauses that there are: seconds, and soon a minute
  vi.spyOn(Math, 'random').mockReturnValue(0.999);
  const claims = { txn: 't', sub_id: { format: 'opaque', id: 'stm_1' } as const, events: { e: {} } };
  await store.database.transaction((tx) => enqueue(tx, 'stm_1', [claims], seconds(clock)));
  let tries = 0;
  const delivery = createSignalDelivery({
    ...{ database: store.database, clock, logger: createLogger({ level: 'silent' }) },
    outbound: {
      request: async () => {
        tries += 1;
        return { status: 503, headers: {}, body: new Uint8Array() };
      },
    } as never,
    events: { record: async () => undefined },
    projection: { catchUp: async () => new Set(), passesBy: () => false },
    destinations: {
      of: async () => ({ url: 'https://signals.saas.example', sign: async () => 'token' }),
      signForReceiver: async () => 'token',
    },
    onPublished: () => undefined,
  });
  delivery.start();
  try {
    for (let round = 1; round <= 8; round += 1) {
      await vi.waitFor(() => expect(tries).toBeGreaterThanOrEqual(round), SOON);
      delivery.wake('stm_1');
    }
  } finally {
    await delivery.stop();
  }
}, 60_000);
