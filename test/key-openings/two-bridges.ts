import { Readable } from 'node:stream';
import { createAcceptedRequests } from '../../bridge/federation/accepted-requests.ts';
import { createBridgeCalls } from '../../bridge/federation/bridge-calls.ts';
import { createEntityConfiguration } from '../../bridge/federation/entity-configuration.ts';
import { createEntityReader } from '../../bridge/federation/entity-reader.ts';
import { createPartners, type Partners } from '../../bridge/federation/partners.ts';
import {
  createForeignMemberships,
  createPartnerMemberships,
} from '../../bridge/groups/foreign-memberships.ts';
import { createForeignViews, createPartnerViews } from '../../bridge/groups/foreign-views.ts';
import { createKeyOpenings } from '../../bridge/groups/key-openings.ts';
import type { KeyOpenings, OpeningDeps, SealedKeyDeposits } from '../../bridge/groups/opening-services.ts';
import { createSealedKeyDeposits } from '../../bridge/groups/sealed-key-deposits.ts';
import type { Groups } from '../../bridge/groups/services.ts';
import { createApp } from '../../bridge/http/app.ts';
import { createEventStreams } from '../../bridge/http/event-streams.ts';
import { createRateLimit } from '../../bridge/http/rate-limit.ts';
import { federationRoutes } from '../../bridge/http/routes/federation.ts';
import { federationGroupRoutes } from '../../bridge/http/routes/federation-groups.ts';
import { keyOpeningRoutes } from '../../bridge/http/routes/key-openings.ts';
import { sealedKeyRoutes } from '../../bridge/http/routes/sealed-keys.ts';
import { startServer } from '../../bridge/http/server.ts';
import { readBounded } from '../../bridge/lib/bounded-body.ts';
import {
  createOutbound,
  type Outbound,
  type OutboundRequest,
  type OutboundResponse,
} from '../../bridge/lib/outbound.ts';
import type { RequestContext } from '../../bridge/lib/request-context.ts';
import type { Keyspace } from '../../bridge/storage/cache.ts';
import { freePort } from '../../demo/stage/free-port.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { type BridgeParts, bridgeParts } from '../fakes/bridge-parts.ts';
import { type Enrolled, enrol } from '../fakes/client-side.ts';
import { groupsOf } from '../fakes/group-side.ts';
import { createNames, type Names } from '../fakes/names.ts';
import { temporaryCache } from '../fakes/temporary-cache.ts';
import { createThrowawayCa, type ThrowawayCa } from '../fakes/throwaway-ca.ts';

export const ADMINISTRATOR: RequestContext = {
  requestId: 'request-1',
  actor: { kind: 'administrator', id: 'admin-1' },
};

/** What comes back in the place of the partner's answer, as far as we read it; `honest` asks it. */
export type Lie = (request: string, honest: () => Promise<OutboundResponse>) => Promise<OutboundResponse>;

/** A bridge with real parts, which takes its partner's requests over HTTPS. */
export interface OpeningBridge extends OpeningDeps {
  readonly parts: BridgeParts;
  readonly iss: string;
  readonly domain: string;
  readonly groups: Groups;
  readonly partners: Partners;
  /** What this bridge sends requests with. */
  readonly outbound: Pick<Outbound, 'request'>;
  readonly keyOpenings: KeyOpenings;
  readonly sealedKeys: SealedKeyDeposits;
  /** Done when the next transform has ended, before its result is looked at. */
  afterTransform: (() => Promise<unknown>) | undefined;
  /** How many transforms were run here. */
  transformsRun(): number;
  /** What this bridge sent to its partner, the newest last. */
  readonly sent: string[];
  /** Answers the next requests to the partner in its place. */
  lie: Lie | undefined;
  /** A person of this company, enrolled on one device. */
  addEnrolled(name: string): Promise<Enrolled>;
}

export interface TwoBridges {
  readonly acme: OpeningBridge;
  readonly globex: OpeningBridge;
  close(): Promise<void>;
}

/** Two companies that approved each other. */
export async function twoBridges(): Promise<TwoBridges> {
  const ca = await createThrowawayCa();
  const names = createNames();
  const closing: (() => Promise<unknown>)[] = [];
  const acme = await startBridge('acme', ca, names, closing);
  const globex = await startBridge('globex', ca, names, closing);
  await approve(acme, globex);
  await approve(globex, acme);
  return {
    acme,
    globex,
    async close() {
      for (const close of closing.reverse()) await close();
    },
  };
}

async function approve(bridge: OpeningBridge, partner: OpeningBridge): Promise<void> {
  const approval = {
    entityId: partner.iss,
    rootThumbprint: partner.parts.root.kid,
    domains: [partner.domain],
  };
  await bridge.partners.approve(approval, ADMINISTRATOR);
}

async function startBridge(
  name: string,
  ca: ThrowawayCa,
  names: Names,
  closing: (() => Promise<unknown>)[],
): Promise<OpeningBridge> {
  const host = `bridge.${name}.localhost`;
  const domain = `${name}.example`;
  const port = await freePort();
  const iss = `https://${host}:${port}`;
  names.addHost(host, '127.0.0.1');
  let run = 0;
  const parts = await bridgeParts({
    iss,
    domains: [domain],
    replace: ({ transforms }) => ({
      transforms: {
        async run(job) {
          run += 1;
          const transformed = await transforms.run(job);
          const after = bridge.afterTransform;
          bridge.afterTransform = undefined;
          await after?.();
          return transformed;
        },
        stop: () => transforms.stop(),
      },
    }),
  });
  closing.push(() => parts.remove());
  names.setTxt(`_countersign.${domain}`, [`v=countersign1 entity=${iss} root=${parts.root.kid}`]);

  const door = createOutbound({
    resolver: names,
    allowedNetworks: ['127.0.0.1/32'],
    caCertificates: [ca.certificatePem],
  });
  closing.push(() => door.close());
  const sent: string[] = [];
  const outbound = {
    ...door,
    async request(url: string | URL, wanted: OutboundRequest = {}) {
      const honest = () => door.request(url, wanted);
      if (!String(url).includes('/federation/v1/') || wanted.body === undefined) return honest();
      sent.push(String(wanted.body));
      if (bridge.lie === undefined) return honest();
      const lie = await bridge.lie(String(wanted.body), honest);
      const { maxBytes = Number.POSITIVE_INFINITY } = wanted;
      return { ...lie, body: await readBounded(Readable.from([lie.body]), maxBytes, String(url)) };
    },
  };
  const partners = createPartners({
    ...{ ...parts, iss, resolver: names },
    readEntity: createEntityReader({ outbound, clock: parts.clock }),
  });
  const calls = createBridgeCalls({ ...parts, outbound, partners });
  const requests = createAcceptedRequests({ ...parts, partners });
  const deps: OpeningDeps = { ...parts, calls, requests };
  const keyOpenings = createKeyOpenings(deps);
  const sealedKeys = createSealedKeyDeposits(deps);
  const bridge: OpeningBridge = {
    ...deps,
    ...{
      parts,
      iss,
      domain,
      groups: groupsOf(parts, {
        foreign: createForeignViews(deps),
        askMemberships: createForeignMemberships(deps),
      }),
      partners,
      outbound,
      keyOpenings,
      sealedKeys,
    },
    ...{ sent, lie: undefined, afterTransform: undefined },
    transformsRun: () => run,
    addEnrolled: async (person) =>
      enrol(parts, await parts.addPerson({ addresses: [`${person}@${domain}`] })),
  };
  const { cache, remove } = await temporaryCache(parts.clock);
  closing.push(remove);
  const server = await startServer({
    ...{ address: '127.0.0.1', port, tls: await ca.issue([host]) },
    answer: serveFederation(bridge, cache),
  });
  closing.push(() => server.stop(0));
  return bridge;
}

/** What partners may ask, behind the real middleware. */
function serveFederation(bridge: OpeningBridge, cache: Keyspace) {
  const { parts, iss, keyOpenings, sealedKeys } = bridge;
  const nobody = async () => {
    throw new CountersignError('unauthenticated');
  };
  const describeEntity = createEntityConfiguration({
    ...{ ...parts, organizationName: parts.organization },
    policyInForce: { current: undefined },
  });
  const lookUps = { answerClient: nobody, answerPartner: nobody };
  return createApp({
    ...{ issuer: iss, trustedProxies: [], logger: parts.logger, events: parts.events, pages: [] },
    rateLimit: createRateLimit(cache),
    ...{ authenticateDevice: nobody, authenticateAdministrator: nobody, isAllowedOrigin: async () => false },
    routes: [
      ...federationRoutes({ describeEntity, lookUps, signer: parts.signer }),
      ...federationGroupRoutes({
        answerGroupView: createPartnerViews(bridge),
        answerMemberships: createPartnerMemberships(bridge),
      }),
      ...keyOpeningRoutes({ keyOpenings }),
      ...sealedKeyRoutes({ sealedKeys }),
    ],
    streams: createEventStreams({ logger: parts.logger }),
  }).callback();
}
