import { createBridgeApi } from '../../client/bridge-api.ts';
import { createContext } from '../../client/context.ts';
import { createDpopFetch } from '../../client/dpop-fetch.ts';
import { type Client, createClient } from '../../client/index.ts';
import type { ClientParts } from '../../client/own-account.ts';
import { createOwnOnlineKeys } from '../../client/own-online-keys.ts';
import { createSession } from '../../client/session.ts';
import { APP } from '../../demo/stage/app.ts';
import type { Company } from '../../demo/stage/company.ts';
import { amendConfiguration } from '../../demo/stage/configuration.ts';
import { installApp } from '../../demo/stage/install-app.ts';
import { ADA, GWEN, type Person } from '../../demo/stage/people.ts';
import { signIn } from '../../demo/stage/sign-in.ts';
import { type Stage, setStage } from '../../demo/stage/stage.ts';
import { restart } from '../../demo/stage/start-company.ts';
import { approvePartners } from '../../demo/steps/approve-partners.ts';
import { connectSingleSignOn } from '../../demo/steps/connect-single-sign-on.ts';
import { proveDomains } from '../../demo/steps/prove-domains.ts';
import { startBridges } from '../../demo/steps/start-bridges.ts';
import { countedEngine, Tally } from '../enrolment/counted.ts';

/** Somebody's app, what is inside it, and what it did. */
export interface Participant {
  readonly client: Client;
  readonly parts: ClientParts;
  /** Bytes of the bodies that it sent since the last call. */
  takeSent(): number;
  /** Calls of the transform engine since the last call, by name. */
  takeEngineCalls(): Map<string, number>;
}

/** Two companies with real bridges that federate, in this process, and somebody of each. */
export interface TwoCompanies {
  readonly home: Company;
  readonly partner: Company;
  /** Of the home company, and of the partner. */
  readonly ada: Participant;
  readonly gwen: Participant;
  /** PEM. */
  readonly ca: string;
  close(): Promise<void>;
}

export async function openTwoCompanies(): Promise<TwoCompanies> {
  const stage = await setStage(new AbortController().signal);
  try {
    for (const step of [startBridges, connectSingleSignOn, proveDomains, approvePartners])
      await step.run(stage);
    const [home, partner] = [stage.acme.get(), stage.globex.get()];
    for (const company of [home, partner]) {
      // The load says that it comes from thousands of addresses.
      await amendConfiguration(company.configPath, 'listen', { trusted_proxies: ['127.0.0.1/32'] });
      await restart(stage, company);
    }
    const ada = await enrol(stage, ADA, home.issuer);
    const gwen = await enrol(stage, GWEN, partner.issuer);
    return { home, partner, ada, gwen, ca: stage.ca.certificatePem, close: () => stage.close() };
  } catch (error) {
    await stage.close();
    throw error;
  }
}

async function enrol(stage: Stage, person: Person, issuer: string): Promise<Participant> {
  const app = installApp(stage, issuer, person.key);
  await signIn(stage, app, person);
  await app.client.enrol({ label: 'bench' });
  const tally = new Tally();
  let sent = 0;
  const counted: typeof fetch = (input, init) => {
    sent += typeof init?.body === 'string' ? Buffer.byteLength(init.body) : 0;
    return stage.fetch(input, init);
  };
  const { keyStore, pinStore } = app;
  const engine = countedEngine(stage.engine, tally);
  const options = { issuer, clientId: APP.id, engine, fetch: counted, keyStore, pinStore };
  const context = createContext(options);
  const dpopFetch = createDpopFetch(context);
  const api = createBridgeApi(context, createSession(context, dpopFetch), dpopFetch);
  return {
    client: createClient(options),
    parts: { context, api, ownKeys: createOwnOnlineKeys(context) },
    takeSent() {
      const taken = sent;
      sent = 0;
      return taken;
    },
    takeEngineCalls: () => tally.take(),
  };
}
