import type { DeviceAddition } from '../../client/index.ts';
import { expectCode } from '../binding/expect-code.ts';
import { registerHalves } from '../escrow/register-halves.ts';
import { deviceHeaders } from './api-request.ts';
import { playGroups } from './group-flow.ts';
import { playMeeting } from './meeting-flow.ts';
import type { PersonApp } from './person-app.ts';
import type { TwoCompanies } from './two-companies.ts';

/** Who stands where after the main flow; what the apps said is in `acme.traffic`. */
export interface Cast {
  /** Enrolled, the first of Ada's two devices. */
  readonly ada: PersonApp;
  /** The second, added by six digits. */
  readonly phone: PersonApp;
  /** Signed in as Ada; its request to be added waits. */
  readonly waiting: PersonApp;
  readonly waitingRequest: DeviceAddition;
  /** Was Ada's third device until she removed it; its token as it was. */
  readonly removed: PersonApp;
  /** Enrolled, of the same company. */
  readonly bob: PersonApp;
  /** Her account was closed; her token as it was. */
  readonly closed: PersonApp;
  /** Enrolled at the other company. */
  readonly gwen: PersonApp;
}

/** The first company offers to recover keys. Enrolments, devices added, refused and removed, keys rotated, look-ups across the companies, a closed account. */
export async function playMainFlow(companies: TwoCompanies): Promise<Cast> {
  const { acme, globex } = companies;
  await registerHalves(companies);
  const [ada, bob, carol, gwen] = [
    await acme.signIn('ada'),
    await acme.signIn('bob'),
    await acme.signIn('carol'),
    await globex.signIn('gwen'),
  ];
  for (const { client } of [ada, gwen]) await client.enrol({ label: 'Laptop' });
  const passphrase = await enrolWithPassphrase(bob);
  await carol.client.enrol({ label: 'Laptop', escrow: { organization: true } });
  await ada.client.lookUp(['bob@acme.example', 'gwen@globex.example', 'nobody@acme.example'], { maxAge: 0 });

  const phone = await acme.signIn('ada');
  const addition = await phone.client.requestDevice({ label: 'Phone', method: 'code' });
  const shown = addition.showCode();
  await ada.client.approveDevice(addition.id, { confirmCode: async (digits) => digits === (await shown) });
  await addition.waitForApproval();

  const tablet = await acme.signIn('ada');
  const unwanted = await tablet.client.requestDevice({ label: 'Tablet', method: 'fingerprint' });
  await ada.client.listDeviceRequests();
  await ada.client.refuseDevice(unwanted.id);

  const [removed, waiting] = [await acme.signIn('ada'), await acme.signIn('ada')];
  const third = await removed.client.requestDevice({ label: 'Third', method: 'fingerprint' });
  await ada.client.approveDevice(third.id, { fingerprint: third.fingerprint });
  const removedAsItWas = await asItIs(removed);
  await ada.client.removeDevice((await removed.secrets()).sig.kid);
  await ada.client.rotateIfDue({
    confirmDevices: (devices) => devices.map(({ device_id }) => device_id),
  });
  await phone.client.rotateDevice();
  const waitingRequest = await waiting.client.requestDevice({ label: 'Fourth', method: 'code' });

  const recovered = await acme.signIn('bob');
  await recovered.client.recoverDevice({ label: 'Phone', passphrase });
  await askInVain(acme);
  await playGroups(acme, { ada, bob });
  await playMeeting(acme, { ada, bob });
  await bob.client.keyHistory();
  await reportFinding(acme, bob);

  const closedAsItWas = await asItIs(carol);
  const { sub } = await carol.client.me();
  await acme.bridge.administrator.post(`/admin/v1/persons/${sub}/close`, { reason: 'left' });
  return { ada, phone, waiting, waitingRequest, removed: removedAsItWas, bob, closed: closedAsItWas, gwen };
}

/** Carol asks for her keys on a device without them, and an administrator refuses. */
async function askInVain(acme: TwoCompanies['acme']): Promise<void> {
  const { client } = await acme.signIn('carol');
  const recovery = await client.requestRecovery({ label: 'Phone' });
  await acme.bridge.administrator.post(`/admin/v1/recoveries/${recovery.id}/refusal`);
  await expectCode(recovery.waitForRelease(), 'recovery_refused');
}

/** Answers what the person was shown. */
async function enrolWithPassphrase({ client }: PersonApp): Promise<string> {
  let shown = '';
  const showPassphrase = (words: string) => {
    shown = words;
  };
  await client.enrol({ label: 'Laptop', escrow: { showPassphrase } });
  return shown;
}

/** What a client reports that found something; with an honest bridge there is nothing to find. */
async function reportFinding({ bridge, traffic }: TwoCompanies['acme'], app: PersonApp): Promise<void> {
  const path = '/v1/me/key-findings';
  const headers = await deviceHeaders(bridge, app, { method: 'POST', path });
  await traffic.fetch(`${bridge.issuer}${path}`, {
    ...{ method: 'POST', headers: { ...headers, 'content-type': 'application/json' } },
    body: JSON.stringify({ finding: 'log_frozen', address: 'bob@acme.example', code: 'log_frozen' }),
  });
}

/** Keeps the token that the client would throw away once it is refused. */
async function asItIs(app: PersonApp): Promise<PersonApp> {
  const secrets = await app.secrets();
  return { ...app, secrets: async () => secrets };
}
