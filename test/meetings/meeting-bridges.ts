import { Readable } from 'node:stream';
import type { SequencedEventLog } from '../../bridge/events/database-event-log.ts';
import { createAcceptedRequests } from '../../bridge/federation/accepted-requests.ts';
import { createBridgeCalls } from '../../bridge/federation/bridge-calls.ts';
import { createEntityConfiguration } from '../../bridge/federation/entity-configuration.ts';
import { createEntityReader } from '../../bridge/federation/entity-reader.ts';
import { createPartners, type Partners } from '../../bridge/federation/partners.ts';
import { createSealedKeyDeposits } from '../../bridge/groups/sealed-key-deposits.ts';
import type { Groups } from '../../bridge/groups/services.ts';
import { createApp } from '../../bridge/http/app.ts';
import { createEventStreams } from '../../bridge/http/event-streams.ts';
import { createRateLimit } from '../../bridge/http/rate-limit.ts';
import { federationRoutes } from '../../bridge/http/routes/federation.ts';
import { meetingRoutes } from '../../bridge/http/routes/meetings.ts';
import { startServer } from '../../bridge/http/server.ts';
import { readBounded } from '../../bridge/lib/bounded-body.ts';
import { createOutbound, type Outbound, type OutboundRequest } from '../../bridge/lib/outbound.ts';
import type { RequestContext } from '../../bridge/lib/request-context.ts';
import { createLifecycle, type Lifecycle } from '../../bridge/lifecycle/lifecycle.ts';
import { createMeetings, type MeetingsDeps } from '../../bridge/meetings/create-meetings.ts';
import type { Meetings } from '../../bridge/meetings/services.ts';
import type { Policy } from '../../bridge/policy/policy.ts';
import { createNoteContacts } from '../../bridge/signals/sent-signals.ts';
import type { Keyspace } from '../../bridge/storage/cache.ts';
import { MemoryCache } from '../../bridge/storage/memory-cache.ts';
import { freePort } from '../../demo/stage/free-port.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { decodeClaims } from '../../protocol/jws.ts';
import { type MeetingBridgeRequest, meetingBridgeRequestSchema } from '../../protocol/meetings/federation.ts';
import { type BridgeParts, bridgeParts } from '../fakes/bridge-parts.ts';
import { changeablePolicy } from '../fakes/changeable-policy.ts';
import { type Enrolled, enrol } from '../fakes/client-side.ts';
import { groupsOf } from '../fakes/group-side.ts';
import { createNames, type Names } from '../fakes/names.ts';
import { temporaryCache } from '../fakes/temporary-cache.ts';
import { testPolicy } from '../fakes/test-policy.ts';
import { createThrowawayCa, type ThrowawayCa } from '../fakes/throwaway-ca.ts';

export const ADMINISTRATOR: RequestContext = {
  requestId: 'request-1',
  actor: { kind: 'administrator', id: 'admin-1' },
};

/** A bridge with real parts and meetings, which takes its partner's requests over HTTPS. */
export interface MeetingBridge {
  readonly parts: BridgeParts;
  readonly iss: string;
  readonly domain: string;
  readonly groups: Groups;
  readonly partners: Partners;
  readonly lifecycle: Lifecycle;
  /** Of the process that answers partners: another one after a restart. */
  readonly meetings: Meetings;
  /** Hashes of access tokens that were revoked. */
  readonly revoked: Set<string>;
  /** What this bridge asked its partner about meetings, the newest last. */
  readonly asked: MeetingBridgeRequest[];
  /** How many of these have no answer yet. */
  readonly asking: number;
  /** Whether its requests to the partner arrive. */
  reaches: boolean;
  /** Done while a question about a meeting is on its way to the partner. */
  onTheWay: ((asked: MeetingBridgeRequest) => Promise<unknown>) | undefined;
  /** How long the partner’s answers about meetings are made, by spaces that mean nothing; as long as they are if undefined. */
  lengthOfAnswers: number | undefined;
  /** A person of this company, enrolled on one device. */
  addEnrolled(name: string): Promise<Enrolled>;
  /** Another policy comes into force, in each of its processes. */
  enforce(policy: Policy): void;
  /** Done before any of its processes reads on in the log of events. */
  beforePage: (() => Promise<unknown>) | undefined;
  /** Ends everything that the process holds, and begins with what is stored; `meanwhile` happens while none runs. */
  restart(meanwhile?: () => Promise<unknown>): Promise<void>;
  /** Another process on the same store, which shares the cache unless it lost it. Stopped at the end. */
  replica(options?: { readonly unheard: boolean }): Promise<Meetings>;
  /** What the server answers partners with. */
  readonly served: { meetings: Meetings };
}

export interface TwoMeetingBridges {
  readonly acme: MeetingBridge;
  readonly globex: MeetingBridge;
  close(): Promise<void>;
}

/**
 * Two companies that approved each other. Milliseconds: `hold`, for which a question is held open; `quiet`, after which
 * a stream says how far it is.
 */
export async function twoMeetingBridges({ hold = 1_000, quiet = 25_000 } = {}): Promise<TwoMeetingBridges> {
  const world: World = { ca: await createThrowawayCa(), names: createNames(), hold, quiet, closing: [] };
  const acme = await startMeetingBridge('acme', world);
  const globex = await startMeetingBridge('globex', world);
  for (const [bridge, partner] of [
    [acme, globex],
    [globex, acme],
  ] as const) {
    const { iss: entityId, domain, parts } = partner;
    const approval = { entityId, rootThumbprint: parts.root.kid, domains: [domain] };
    await bridge.partners.approve(approval, ADMINISTRATOR);
  }
  return {
    acme,
    globex,
    async close() {
      for (const close of world.closing.reverse()) await close();
    },
  };
}

interface World {
  readonly ca: ThrowawayCa;
  readonly names: Names;
  readonly hold: number;
  readonly quiet: number;
  readonly closing: (() => unknown)[];
}

/** Short, so that nobody waits for what a test is about. */
const TIMES = { linger: 50, retry: 20 };

async function startMeetingBridge(name: string, world: World): Promise<MeetingBridge> {
  const { ca, names, hold, quiet, closing } = world;
  const host = `bridge.${name}.localhost`;
  const domain = `${name}.example`;
  const port = await freePort();
  const iss = `https://${host}:${port}`;
  names.addHost(host, '127.0.0.1');
  const inForce = changeablePolicy(testPolicy());
  const parts = await bridgeParts({ iss, domains: [domain], replace: () => ({ policy: inForce.policy }) });
  parts.events.start();
  closing.push(() => parts.remove());
  names.setTxt(`_countersign.${domain}`, [`v=countersign1 entity=${iss} root=${parts.root.kid}`]);
  const asked: MeetingBridgeRequest[] = [];
  const state: Pick<MeetingBridge, 'reaches' | 'onTheWay' | 'lengthOfAnswers' | 'beforePage'> & {
    asking: number;
  } = {
    ...{ reaches: true, onTheWay: undefined, lengthOfAnswers: undefined, beforePage: undefined, asking: 0 },
  };
  const door = createOutbound({
    resolver: names,
    allowedNetworks: ['127.0.0.1/32'],
    caCertificates: [ca.certificatePem],
  });
  closing.push(() => door.close());
  const outbound: Outbound = {
    ...door,
    async request(url: string | URL, wanted: OutboundRequest = {}) {
      if (!state.reaches) throw new CountersignError('outbound_failed');
      if (!String(url).includes('/meetings')) return door.request(url, wanted);
      const claims = decodeClaims(String(wanted.body), 'meeting-request+jwt', meetingBridgeRequestSchema);
      asked.push(claims);
      state.asking += 1;
      try {
        await state.onTheWay?.(claims);
        const answer = await door.request(url, wanted);
        const { lengthOfAnswers: length } = state;
        if (length === undefined) return answer;
        const body = new Uint8Array(length).fill(0x20);
        body.set(answer.body);
        const { maxBytes = Number.POSITIVE_INFINITY } = wanted;
        return { ...answer, body: await readBounded(Readable.from([body]), maxBytes, String(url)) };
      } finally {
        state.asking -= 1;
      }
    },
  };
  const partners = createPartners({
    ...{ ...parts, iss, resolver: names },
    readEntity: createEntityReader({ outbound, clock: parts.clock }),
  });
  const calls = createBridgeCalls({ ...parts, outbound, partners });
  const requests = createAcceptedRequests({ ...parts, partners });
  const sealedKeys = createSealedKeyDeposits({ ...parts, calls, requests });
  const revoked = new Set<string>();
  const shared = await temporaryCache(parts.clock);
  closing.push(() => shared.remove());
  const { cache } = shared;
  const deps: MeetingsDeps = {
    ...{ ...parts, cache, calls, requests, decide: parts.policy.decide },
    events: pausable(parts.events, () => state.beforePage?.()),
    checkSealedKey: sealedKeys.check,
    noteTold: createNoteContacts(parts.clock),
    tokenEnd: async (hash) => (revoked.has(hash) ? undefined : Number.MAX_SAFE_INTEGER),
    times: { ...TIMES, hold, quiet },
  };
  const begin = (changes: Partial<MeetingsDeps> = {}) => {
    const meetings = createMeetings({ ...deps, ...changes });
    meetings.start();
    return meetings;
  };
  const served = { meetings: begin() };
  closing.push(() => served.meetings.stop());
  const server = await startServer({
    ...{ address: '127.0.0.1', port, tls: await ca.issue([host]) },
    answer: serve(parts, iss, { served, cache }),
  });
  closing.push(() => server.stop(0));
  return {
    ...{ parts, iss, domain, groups: groupsOf(parts), partners, revoked, asked, served },
    enforce: inForce.enforce,
    lifecycle: createLifecycle({ ...parts, decide: parts.policy.decide, tokens: NO_TOKENS }),
    get meetings() {
      return served.meetings;
    },
    get asking() {
      return state.asking;
    },
    get reaches() {
      return state.reaches;
    },
    set reaches(reaches) {
      state.reaches = reaches;
    },
    get lengthOfAnswers() {
      return state.lengthOfAnswers;
    },
    set lengthOfAnswers(length) {
      state.lengthOfAnswers = length;
    },
    get onTheWay() {
      return state.onTheWay;
    },
    set onTheWay(onTheWay) {
      state.onTheWay = onTheWay;
    },
    get beforePage() {
      return state.beforePage;
    },
    set beforePage(beforePage) {
      state.beforePage = beforePage;
    },
    addEnrolled: async (person) =>
      enrol(parts, await parts.addPerson({ addresses: [`${person}@${domain}`] })),
    async restart(meanwhile) {
      await served.meetings.stop();
      await meanwhile?.();
      served.meetings = begin();
    },
    async replica({ unheard } = { unheard: false }) {
      const cache = unheard ? new MemoryCache({ clock: parts.clock }) : await shared.openAnother();
      const replica = begin({ database: await parts.openAnother(), cache });
      closing.push(() => replica.stop());
      return replica;
    },
  };
}

function pausable(events: SequencedEventLog, beforePage: () => Promise<unknown> | undefined) {
  return {
    append: (...args) => events.append(...args),
    record: (event) => events.record(event),
    async page(query) {
      await beforePage();
      return events.page(query);
    },
    start: () => events.start(),
    stop: () => events.stop(),
    settled: () => events.settled(),
    onPublished: (listener) => events.onPublished(listener),
  } satisfies SequencedEventLog;
}

const NO_TOKENS = { revokeDevice: async () => 0, revokePerson: async () => 0 };

/** What partners may ask, behind the real middleware. */
function serve(
  parts: BridgeParts,
  issuer: string,
  { served, cache }: { served: { meetings: Meetings }; cache: Keyspace },
) {
  const nobody = async () => {
    throw new CountersignError('unauthenticated');
  };
  const describeEntity = createEntityConfiguration({
    ...{ ...parts, organizationName: parts.organization },
    policyInForce: { current: undefined },
  });
  const lookUps = { answerClient: nobody, answerPartner: nobody };
  const answerPartner: Meetings['answerPartner'] = (...asked) => served.meetings.answerPartner(...asked);
  const { logger, events } = parts;
  return createApp({
    ...{ issuer, trustedProxies: [], logger, events, pages: [] },
    rateLimit: createRateLimit(cache),
    ...{ authenticateDevice: nobody, authenticateAdministrator: nobody, isAllowedOrigin: async () => false },
    routes: [
      ...federationRoutes({ describeEntity, lookUps, signer: parts.signer }),
      ...meetingRoutes({ meetings: { ...served.meetings, answerPartner } }),
    ],
    streams: createEventStreams({ logger }),
  }).callback();
}
