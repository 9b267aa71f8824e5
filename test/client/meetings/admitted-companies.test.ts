import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  type AdmissionPolicy,
  type Client,
  createClient,
  createMemoryKeyStore,
  createMemoryPinStore,
  type EpochKey,
  type HostedMeeting,
  type JoinedMeeting,
  type Participant,
} from '../../../client/index.ts';
import { generateSigningKey } from '../../../protocol/ed25519.ts';
import type { PersonApp } from '../../http/person-app.ts';
import { type Company, startTwoCompanies, type TwoCompanies } from '../../http/two-companies.ts';
import { codeOf } from '../../protocol/codes.ts';
import { type Heard, hear } from './heard.ts';
import type { SignIn } from './meeting-fixture.ts';

// Two bridges and many clients in one process.
vi.setConfig({ testTimeout: 120_000 });

const HOUR = 3600;
const now = () => Math.floor(Date.now() / 1000);
const MFA = (): SignIn => ({ protocol: 'oidc', acr: null, amr: ['pwd', 'otp'], auth_time: now() });

let companies: TwoCompanies;
/** Ada hosts at Acme, Bob may take over; Gwen and Hal are of Globex, and so is the line for telephones. */
let ada: PersonApp;
let bob: PersonApp;
let gwen: PersonApp;
let hal: PersonApp;
let line: Client;
const open: JoinedMeeting[] = [];

beforeAll(async () => {
  companies = await startTwoCompanies();
  const { acme, globex } = companies;
  [ada, bob] = [await acme.signIn('ada'), await acme.signIn('bob')];
  [gwen, hal] = [await globex.signIn('gwen'), await globex.signIn('hal')];
  for (const { client } of [ada, bob, gwen, hal]) await client.enrol({ label: 'Laptop' });
  line = await addGateway(globex);
  for (const [company, client] of [
    [acme, ada.client],
    [acme, bob.client],
    [globex, gwen.client],
  ] as const) {
    await enrolledWith(company, client, MFA());
    await signedIn(company, client, MFA());
  }
}, 120_000);
afterEach(async () => {
  for (const meeting of open.splice(0)) await meeting.leave().catch(() => undefined);
});
afterAll(() => companies?.close());

async function addGateway({ bridge, address }: Company): Promise<Client> {
  const { engine, fetch } = companies.stage;
  const key = await generateSigningKey(false);
  const registered = await bridge.administrator.post<{ id: string }>('/admin/v1/services', {
    ...{ name: 'Dial-in', assurance: 'gateway', address: address('line-1') },
    jwks: { keys: [key.publicKey] },
  });
  const client = createClient({
    ...{ issuer: bridge.issuer, clientId: registered.id, engine, fetch, clock: bridge.clock },
    ...{ keyStore: createMemoryKeyStore(), pinStore: createMemoryPinStore() },
    polling: { firstMs: 5, longestMs: 50 },
  });
  await client.signInWithKey(key);
  await client.enrol({ label: 'Rack 3' });
  return client;
}

/** What the company's identity provider said of the sign-in under which this person's newest device was added. */
async function enrolledWith({ bridge }: Company, client: Client, signIn: SignIn): Promise<void> {
  const { sub } = await client.me();
  const row = { sign_in: JSON.stringify(signIn) };
  await bridge.store.transaction((tx) =>
    tx.updateTable('device_sign_ins').set(row).where('sub', '=', sub).execute(),
  );
}

/** What it said of the sign-in of the session that their app has now. */
async function signedIn({ bridge }: Company, client: Client, signIn: SignIn): Promise<void> {
  const { sub } = await client.me();
  const { auth_time: authTime, ...rest } = signIn;
  const row = { sign_in: JSON.stringify({ ...rest, authTime }) };
  await bridge.store.transaction((tx) =>
    tx.updateTable('oauth_grants').set(row).where('sub', '=', sub).execute(),
  );
}

async function start(admission: AdmissionPolicy): Promise<{ hosted: HostedMeeting; host: Heard }> {
  const { acme, globex } = companies;
  const hosted = await ada.client.meetings.start({
    ...{ label: 'Plans', ends: now() + HOUR, mediaKey: 'media of ada', admission },
    admins: [acme.address('bob')],
    people: [globex.address('gwen'), globex.address('hal'), globex.address('line-1')],
  });
  open.push(hosted);
  expect(hosted.notAdded).toEqual([]);
  return { hosted, host: hear(hosted) };
}

async function join(client: Client, { iss, group }: HostedMeeting): Promise<JoinedMeeting> {
  const host = companies.acme.address('ada');
  const meeting = await client.meetings.join({ iss, group, host, mediaKey: 'media' });
  open.push(meeting);
  return meeting;
}

async function keyOf(meeting: JoinedMeeting, epoch: number): Promise<EpochKey> {
  for await (const key of meeting.keys()) if (key.epoch >= epoch) return key;
  throw new Error('the meeting has ended');
}

const reasonsOf = (error: unknown) =>
  (error as { reasons?: { reason: string }[] }).reasons?.map(({ reason }) => reason);

const refusalOf = (client: Client, hosted: HostedMeeting) =>
  join(client, hosted).catch((error: unknown) => error);

describe('an admission policy across two companies', () => {
  it('admits who satisfies it, through the bridges of both, and shows everybody in the roster', async () => {
    const domains = [companies.acme, companies.globex].map(({ domain }) => ({ domain }));
    const policy: AdmissionPolicy = {
      ...{ companies: domains, assurances: ['member'] },
      sign_in: { max_age: 12 * HOUR, multi_factor: true },
    };
    const { hosted } = await start(policy);
    const meetings = [await join(gwen.client, hosted), await join(bob.client, hosted)];
    for (const meeting of meetings) await keyOf(meeting, 1);
    await hosted.rekey();
    const { epoch } = hosted.currentKey();
    const roster: Participant[] = [];
    for (const meeting of meetings) expect(await keyOf(meeting, epoch)).toEqual(hosted.currentKey());
    for await (const each of meetings[0]?.roster() ?? []) roster.push(each);
    expect(roster.map(({ address, state }) => [address, state])).toEqual([
      [companies.acme.address('ada'), 'verified'],
      [companies.globex.address('gwen'), 'verified'],
      [companies.acme.address('bob'), 'verified'],
    ]);
    expect(meetings[0]?.admission).toEqual({ version: 1, policy, unchecked: 0 });
  });

  it('keeps out who signed in with one factor, or too long ago, until they sign in anew', async () => {
    const { hosted } = await start({ sign_in: { max_age: 12 * HOUR, multi_factor: true } });
    const { globex } = companies;
    const yesterday = { ...MFA(), auth_time: now() - 24 * HOUR };
    expect(reasonsOf(await refusalOf(hal.client, hosted))).toEqual(['single_factor']);
    await enrolledWith(globex, hal.client, yesterday);
    await signedIn(globex, hal.client, yesterday);
    expect(reasonsOf(await refusalOf(hal.client, hosted))).toEqual(['sign_in_old']);
    await signedIn(globex, hal.client, MFA());
    expect(await keyOf(await join(hal.client, hosted), 1)).toEqual(hosted.currentKey());
  });

  it('keeps a gateway out, unless it is named', async () => {
    const { hosted } = await start({});
    expect(reasonsOf(await refusalOf(line, hosted))).toEqual(['assurance']);
    await hosted.setAdmission({ assurances: ['member', 'gateway'] });
    const onLine = await join(line, hosted);
    expect(await keyOf(onLine, 1)).toEqual(hosted.currentKey());
  });

  it('keeps a company out that it does not name, and removes it when it is tightened', async () => {
    const { hosted, host } = await start({});
    const ofGlobex = await join(gwen.client, hosted);
    const ofAcme = await join(bob.client, hosted);
    for (const meeting of [ofGlobex, ofAcme]) await keyOf(meeting, 1);
    await hosted.setAdmission({ companies: [{ iss: hosted.iss }] });
    expect(await host.next('participant_refused')).toMatchObject({
      ...{ address: companies.globex.address('gwen'), reasons: [{ reason: 'company' }] },
    });
    const { epoch } = hosted.currentKey();
    expect(await keyOf(ofAcme, epoch)).toEqual(hosted.currentKey());
    expect(await codeOf(() => keyOf(ofGlobex, epoch))).toBe('admission_refused');
    expect(reasonsOf(await refusalOf(gwen.client, hosted))).toEqual(['company']);
  });

  it('goes on under who takes over', async () => {
    const policy: AdmissionPolicy = { sign_in: { multi_factor: true } };
    const { hosted, host } = await start(policy);
    const ofBob = await join(bob.client, hosted);
    const ofGwen = await join(gwen.client, hosted);
    for (const meeting of [ofBob, ofGwen]) await keyOf(meeting, 1);
    const taken = await ofBob.takeOver();
    expect(await host.next('taken_over')).toMatchObject({ by: companies.acme.address('bob') });
    expect(taken.admission).toMatchObject({ version: 2, policy });
    const { epoch } = taken.currentKey();
    for (const meeting of [ofGwen, hosted]) {
      expect((await keyOf(meeting, epoch + 1)).key).toEqual(taken.currentKey().key);
    }
  });

  it('leaves no sealed key at any bridge: who has no place has nothing to open', async () => {
    const { hosted } = await start({});
    const { group } = hosted;
    await hosted.rekey();
    const stored = await companies.acme.bridge.store.read((query) =>
      query.selectFrom('sealed_keys').select('key_id').where('recipient', '=', group).execute(),
    );
    expect(stored).toEqual([]);
  });
});

describe('a company that does not say how its people signed in', () => {
  it('keeps its people out of a meeting that asks', async () => {
    const { hosted } = await start({ sign_in: { max_age: 12 * HOUR } });
    await companies.globex.bridge.store.transaction((tx) => tx.deleteFrom('device_sign_ins').execute());
    expect(reasonsOf(await refusalOf(gwen.client, hosted))).toEqual(['sign_in_untold']);
  });
});
