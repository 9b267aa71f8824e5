import { createClient } from '../../client/create-client.ts';
import type { Client, ClientOptions, PinStore } from '../../client/index.ts';
import type { KeyStore } from '../../client/key-store.ts';
import { createMemoryKeyStore, createMemoryPinStore } from '../../client/memory-stores.ts';
import { APP } from '../../demo/stage/app.ts';
import type { Company } from '../../demo/stage/company.ts';
import { ADA, GWEN, HAL, type Person } from '../../demo/stage/people.ts';
import { signIn } from '../../demo/stage/sign-in.ts';
import type { Stage } from '../../demo/stage/stage.ts';
import { approvePartners } from '../../demo/steps/approve-partners.ts';
import { connectSingleSignOn } from '../../demo/steps/connect-single-sign-on.ts';
import { proveDomains } from '../../demo/steps/prove-domains.ts';
import { startBridges } from '../../demo/steps/start-bridges.ts';
import { setTestStage } from '../fakes/test-stage.ts';

/** What a bridge answers, and what it was asked, as JSON. */
type Answered = { readonly body: Record<string, unknown>; readonly asked: Record<string, unknown> };

/** Changes the honest answer to requests whose path begins so: a bridge that lies to this one client. */
export type Lie = (answered: Answered) => Promise<Record<string, unknown>> | Record<string, unknown>;

/** Somebody on one device, signed in and enrolled. */
export interface Participant {
  readonly person: Person;
  readonly address: string;
  readonly issuer: string;
  readonly client: Client;
  readonly keyStore: KeyStore;
  readonly pinStore: PinStore;
  /** By the beginning of the path, with the method before it: `POST /v1/groups/view`. */
  readonly lies: Map<string, Lie>;
  /** `METHOD path` of every request. */
  readonly requests: string[];
  /** The same device, which has seen nothing yet. */
  withoutPins(): Client;
}

/** Two real bridges that approved each other: Ada at Acme, Gwen and Hal at Globex. */
export interface GroupsStage {
  readonly stage: Stage;
  readonly acme: Company;
  readonly globex: Company;
  readonly ada: Participant;
  readonly gwen: Participant;
  readonly hal: Participant;
  close(): Promise<void>;
}

export async function startGroupsStage(): Promise<GroupsStage> {
  const stage = await setTestStage();
  for (const step of [startBridges, connectSingleSignOn, proveDomains, approvePartners])
    await step.run(stage);
  const [acme, globex] = [stage.acme.get(), stage.globex.get()];
  const ada = await takePart(stage, ADA, acme);
  const gwen = await takePart(stage, GWEN, globex);
  const hal = await takePart(stage, HAL, globex);
  return { stage, acme, globex, ada, gwen, hal, close: () => stage.close() };
}

async function takePart(stage: Stage, person: Person, { issuer }: Company): Promise<Participant> {
  const lies = new Map<string, Lie>();
  const requests: string[] = [];
  const keyStore = createMemoryKeyStore();
  const fetchWithLies = lyingFetch(stage.fetch, lies, requests);
  const clientWith = (pinStore: PinStore) =>
    newClient(stage, issuer, { keyStore, pinStore, fetch: fetchWithLies });
  const pinStore = createMemoryPinStore();
  const client = clientWith(pinStore);
  await signIn(stage, { client, keyStore, pinStore }, person);
  await client.enrol({ label: `${person.name}’s laptop` });
  return {
    ...{ person, address: person.address, issuer, client, keyStore, pinStore, lies, requests },
    withoutPins: () => clientWith(createMemoryPinStore()),
  };
}

function newClient(
  { engine }: Stage,
  issuer: string,
  stores: Pick<ClientOptions, 'keyStore' | 'pinStore'> & { readonly fetch: typeof fetch },
): Client {
  return createClient({
    issuer,
    clientId: APP.id,
    engine,
    polling: { firstMs: 20, longestMs: 100 },
    ...stores,
  });
}

function lyingFetch(honest: typeof fetch, lies: Map<string, Lie>, requests: string[]): typeof fetch {
  return async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const asked = `${init?.method ?? 'GET'} ${url.pathname}`;
    requests.push(asked);
    const response = await honest(input, init);
    const lie = [...lies].find(([beginning]) => asked.startsWith(beginning))?.[1];
    if (lie === undefined || !response.ok) return response;
    const body = await lie({ body: await response.json(), asked: JSON.parse(String(init?.body ?? '{}')) });
    return new Response(JSON.stringify(body), { status: response.status, headers: response.headers });
  };
}
