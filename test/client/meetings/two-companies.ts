import { createBridgeApi } from '../../../client/bridge-api.ts';
import { createContext } from '../../../client/context.ts';
import { createDpopFetch } from '../../../client/dpop-fetch.ts';
import type { Client } from '../../../client/index.ts';
import type { ClientParts } from '../../../client/own-account.ts';
import { createOwnOnlineKeys } from '../../../client/own-online-keys.ts';
import { createSession } from '../../../client/session.ts';
import { APP, type App } from '../../../demo/stage/app.ts';
import { installApp } from '../../../demo/stage/install-app.ts';
import { ADA, BEN, GWEN, HAL, type Person } from '../../../demo/stage/people.ts';
import { signIn } from '../../../demo/stage/sign-in.ts';
import type { Stage } from '../../../demo/stage/stage.ts';
import { approvePartners } from '../../../demo/steps/approve-partners.ts';
import { connectSingleSignOn } from '../../../demo/steps/connect-single-sign-on.ts';
import { proveDomains } from '../../../demo/steps/prove-domains.ts';
import { startBridges } from '../../../demo/steps/start-bridges.ts';
import { setTestStage } from '../../fakes/test-stage.ts';

/** Somebody with their app, and what is inside it: for those who try more than an app lets them. */
export interface Attendee {
  readonly person: Person;
  readonly client: Client;
  readonly parts: ClientParts;
}

/** Two companies with real bridges that federate, and two people of each, enrolled on a laptop. */
export interface TwoCompanies {
  readonly stage: Stage;
  readonly ada: Attendee;
  readonly ben: Attendee;
  readonly gwen: Attendee;
  readonly hal: Attendee;
  close(): Promise<void>;
}

export async function startTwoCompanies(): Promise<TwoCompanies> {
  const stage = await setTestStage();
  for (const step of [startBridges, connectSingleSignOn, proveDomains, approvePartners])
    await step.run(stage);
  const enrol = async (person: Person): Promise<Attendee> => {
    const app = await newApp(stage, person, 'laptop');
    await app.client.enrol({ label: `${person.name}’s laptop` });
    return { person, client: app.client, parts: partsOf(stage, issuerOf(stage, person), app) };
  };
  return {
    stage,
    ...{ ada: await enrol(ADA), ben: await enrol(BEN), gwen: await enrol(GWEN), hal: await enrol(HAL) },
    close: () => stage.close(),
  };
}

/** An app of this person on a device of its own, signed in. */
export async function newApp(stage: Stage, person: Person, place: string): Promise<App> {
  const app = installApp(stage, issuerOf(stage, person), `${person.key}-${place}`);
  await signIn(stage, app, person);
  return app;
}

/** Somebody on one more device, which the one they have has approved. */
export async function anotherDevice(
  stage: Stage,
  { person, client }: Pick<Attendee, 'person' | 'client'>,
  place: string,
): Promise<Attendee & { readonly deviceId: string }> {
  const app = await newApp(stage, person, place);
  const addition = await app.client.requestDevice({ label: place, method: 'fingerprint' });
  await client.approveDevice(addition.id, { fingerprint: addition.fingerprint });
  const { device } = await addition.waitForApproval();
  const parts = partsOf(stage, issuerOf(stage, person), app);
  return { person, client: app.client, parts, deviceId: device.device_id };
}

function issuerOf(stage: Stage, { company }: Person): string {
  return (company.key === 'acme' ? stage.acme : stage.globex).get().issuer;
}

/** What `createClient` makes of the same stores. */
function partsOf(stage: Stage, issuer: string, { keyStore, pinStore }: App): ClientParts {
  const { engine, fetch } = stage;
  const context = createContext({ issuer, clientId: APP.id, engine, fetch, keyStore, pinStore });
  const dpopFetch = createDpopFetch(context);
  const api = createBridgeApi(context, createSession(context, dpopFetch), dpopFetch);
  return { context, api, ownKeys: createOwnOnlineKeys(context) };
}
