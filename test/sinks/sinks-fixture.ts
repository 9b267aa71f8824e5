import * as z from 'zod';
import { createEventLog, type SequencedEventLog } from '../../bridge/events/database-event-log.ts';
import type { SinkDefinition } from '../../bridge/events/delivery/sink-definition.ts';
import { createDelivery } from '../../bridge/events/delivery.ts';
import { createSinks } from '../../bridge/events/sinks/create-sinks.ts';
import { createSinkDefinitions, createSinkOpener } from '../../bridge/events/sinks/open-sinks.ts';
import type { Sinks } from '../../bridge/events/sinks/sinks.ts';
import { systemClock } from '../../bridge/lib/clock.ts';
import { createOutbound } from '../../bridge/lib/outbound.ts';
import { createOutboundSockets } from '../../bridge/lib/outbound-sockets.ts';
import type { RequestContext } from '../../bridge/lib/request-context.ts';
import type { Cache } from '../../bridge/storage/cache.ts';
import type { Database } from '../../bridge/storage/database.ts';
import { defineSinkKind } from '../../connectors/siem/sink.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { closed, quiet } from '../events/events-fixture.ts';
import { type FakeReceiver, fakeReceiver } from '../fakes/fake-receiver.ts';
import { temporaryCache } from '../fakes/temporary-cache.ts';
import { ISS, signerFixture } from '../signer/signer-fixture.ts';

export const BY: RequestContext = { requestId: 'r-1', actor: { kind: 'administrator', id: 'admin-1' } };

export interface SinksFixture {
  readonly sinks: Sinks;
  /** The same sinks as another replica manages them; it delivers too. */
  replica(): Promise<Sinks>;
  /** A sink as a worker that starts now has it. */
  definition(id: string): Promise<SinkDefinition>;
  readonly database: Database;
  readonly log: SequencedEventLog;
  /** Where the sinks of the kind `fake` lead, and what the latest of them was opened with. */
  readonly receiver: FakeReceiver;
  readonly opened: { url: string; token?: string | undefined }[];
  /** Whether the latest of them was to send originals. */
  readonly carries: boolean;
  /** Where the sink of the configuration leads. */
  readonly builtin: FakeReceiver;
  append(count: number): Promise<void>;
  reported(type: string): Promise<{ data: object; code: string | null; outcome: string; actor: object }[]>;
  remove(): Promise<void>;
}

export async function sinksFixture(): Promise<SinksFixture> {
  const { store, open } = await signerFixture();
  const signer = await open();
  const [receiver, builtin] = [fakeReceiver(), fakeReceiver()];
  const opened: SinksFixture['opened'] = [];
  let carries = false;
  const closing: (() => Promise<unknown>)[] = [];
  const { cache, openAnother: openCache, remove: removeCache } = await temporaryCache(systemClock);

  const settings = z.strictObject({
    url: z.url().describe('Where'),
    token: z.string().min(4).optional().describe('What it is opened with'),
    contradicts: z.boolean().optional(),
  });
  const kind = defineSinkKind({
    kind: 'fake',
    doc: 'For tests.',
    settings,
    secrets: ['token'],
    destinations: ['url'],
    formats: ['plain', 'ecs'],
    copy: 'Ask the tests.',
    open(given: z.infer<typeof settings>, { formatter }) {
      carries = formatter.withoutOriginal !== undefined;
      if (given.contradicts) throw new CountersignError('config_invalid', 'contradicts is set');
      opened.push({ url: given.url, token: given.token });
      return receiver.open();
    },
  });

  function compose(database: Database, cache: Cache) {
    const log = createEventLog({ database, clock: systemClock, logger: quiet, iss: ISS, cache });
    const resolver = { lookup: async () => [], txt: async () => [] };
    const outbound = createOutbound({ resolver, allowedNetworks: [] });
    const sockets = createOutboundSockets({ resolver, allowedNetworks: [] });
    const origin = { iss: ISS, organization: 'Acme', version: '1.0.0' };
    const common = { database, signer, clock: systemClock, logger: quiet };
    const opener = createSinkOpener([kind], { ...common, outbound, sockets, fileFolders: [] }, origin);
    const builtins = [{ name: 'stdout', kind: 'stdout', open: () => builtin.open() }];
    const definitions = createSinkDefinitions({ ...common, opener, builtins });
    const delivery = createDelivery({ ...common, log, definitions, cache });
    const sinks = createSinks({ ...common, events: log, opener, builtins, delivery, iss: ISS });
    log.start();
    delivery.start();
    closing.push(
      () => delivery.stop(),
      () => log.stop(),
      () => outbound.close(),
    );
    return { sinks, log, definitions };
  }

  const { sinks, log, definitions } = compose(store.database, cache);
  return {
    ...{ sinks, log, receiver, builtin, opened, database: store.database },
    get carries() {
      return carries;
    },
    async definition(id) {
      const found = (await definitions.list()).find((each) => each.id === id);
      if (found === undefined) throw new Error(`${id} is no sink`);
      return found;
    },
    replica: async () => compose(await store.openAnother(), await openCache()).sinks,
    async append(count) {
      await store.database.transaction(async (tx) => {
        for (let i = 0; i < count; i += 1) await log.append(tx, closed(`person-${i}`));
      });
      await log.settled();
    },
    async reported(type) {
      await log.settled();
      const events = await log.page({ since: 0, limit: 1_000 });
      return events.filter((event) => event.type === type);
    },
    async remove() {
      for (const close of closing) await close();
      await Promise.all([removeCache(), store.remove()]);
    },
  };
}
