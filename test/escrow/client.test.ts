import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Client, ConfirmDevices } from '../../client/index.ts';
import { makePassphrase } from '../../protocol/escrow/passphrase.ts';
import { expectCode } from '../binding/expect-code.ts';
import { startTwoCompanies, type TwoCompanies } from '../http/two-companies.ts';
import { installOnDevice, type OnDevice, signInOnDevice } from '../rotation/client-on-device.ts';

let companies: TwoCompanies;

beforeAll(async () => {
  companies = await startTwoCompanies();
});
afterAll(() => companies.close());

const everybody: ConfirmDevices = (devices) => devices.map(({ device_id }) => device_id);

async function signedIn(name: string): Promise<OnDevice> {
  const app = installOnDevice(companies, companies.acme, { confirmDevices: everybody });
  await signInOnDevice(companies, companies.acme, app, name);
  return app;
}

/** Enrolled with an escrow; the passphrase as the person wrote it down. */
async function escrowed(name: string): Promise<{ app: OnDevice; passphrase: string }> {
  const app = await signedIn(name);
  let passphrase = '';
  const showPassphrase = async (words: string) => {
    passphrase = words;
  };
  await app.client.enrol({ label: 'Laptop', escrow: { showPassphrase } });
  return { app, passphrase };
}

async function eventsOf(client: Client, type: string) {
  const { sub } = await client.me();
  const events = await companies.acme.bridge.events();
  return events.filter((event) => event.type === type && event.subject?.sub === sub);
}

describe('a person who escrowed their keys under a passphrase', () => {
  it('adds a new device with it after they lost the only one, and peers see the escrow and no new key', async () => {
    const { acme, globex } = companies;
    const gwen = await globex.signIn('gwen');
    await gwen.client.enrol({ label: 'Laptop' });
    const { app, passphrase } = await escrowed('ada');
    const look = async () => (await gwen.client.lookUp([acme.address('ada')], { maxAge: 0 }))[0];
    expect(await look()).toMatchObject({ status: 'verified', statement: { escrow: 'passphrase' } });

    const phone = await signedIn('ada');
    const { device, verified } = await phone.client.recoverDevice({ label: 'Phone', passphrase });
    expect(device.device_id).toBe((await phone.keyStore.load())?.sig.kid);
    expect(await look()).toMatchObject({
      status: 'verified',
      firstSeen: false,
      statement: verified.statement,
    });
    expect((await phone.client.me()).devices).toHaveLength(2);
    expect(await eventsOf(app.client, 'escrow.opened')).toHaveLength(1);
    const added = (await eventsOf(app.client, 'device.added')).at(-1);
    expect(added).toMatchObject({ data: { label: 'Phone', method: 'passphrase' } });

    // It is a device like any other.
    const tablet = await signedIn('ada');
    const addition = await tablet.client.requestDevice({ label: 'Tablet', method: 'fingerprint' });
    await phone.client.approveDevice(addition.id, { fingerprint: addition.fingerprint });
    expect((await addition.waitForApproval()).device.sub).toBe(device.sub);

    // The escrow follows the keys: the same passphrase opens what came after a rotation.
    await phone.client.rotateKeys();
    const desktop = await signedIn('ada');
    const again = await desktop.client.recoverDevice({
      label: 'Desktop',
      passphrase: passphrase.toUpperCase(),
    });
    expect(again.verified.statement.key_version).toBe(verified.statement.key_version + 1);

    // A slip is told here, and another passphrase is of no use.
    const thief = await signedIn('ada');
    const wrong = { label: 'Thief', passphrase: makePassphrase() };
    await expectCode(
      thief.client.recoverDevice({ ...wrong, passphrase: 'open sesame' }),
      'passphrase_invalid',
    );
    expect(await eventsOf(app.client, 'escrow.opened')).toHaveLength(2);
    await expectCode(thief.client.recoverDevice(wrong), 'passphrase_wrong');
    for (const tries of [2, 3])
      await expectCode(thief.client.recoverDevice(wrong), 'passphrase_wrong').then(() => tries);
    await expectCode(thief.client.recoverDevice(wrong), 'rate_limited');
    await expectCode(thief.client.recoverDevice({ ...wrong, passphrase }), 'rate_limited');
    expect(await eventsOf(app.client, 'escrow.opened')).toHaveLength(5);
    expect((await thief.client.me()).deviceBinding).toBeNull();
  });

  it('is not enrolled at all when the passphrase was not written down', async () => {
    const app = await signedIn('bob');
    const showPassphrase = () => Promise.reject(new Error('no pen'));
    await expect(app.client.enrol({ label: 'Laptop', escrow: { showPassphrase } })).rejects.toThrow('no pen');
    expect((await app.client.me()).verified).toBeNull();
  });
});

describe('a person who did not', () => {
  it('has nothing to recover', async () => {
    const app = await signedIn('carol');
    await app.client.enrol({ label: 'Laptop' });
    const phone = await signedIn('carol');
    const recovering = phone.client.recoverDevice({ label: 'Phone', passphrase: makePassphrase() });
    await expectCode(recovering, 'escrow_none');
  });
});
