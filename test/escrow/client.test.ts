import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Client, ConfirmDevices } from '../../client/index.ts';
import { PASSPHRASE_BITS, parsePassphrase } from '../../protocol/escrow/passphrase.ts';
import { expectCode } from '../binding/expect-code.ts';
import { startTwoCompanies, type TwoCompanies } from '../http/two-companies.ts';
import { installOnDevice, type OnDevice, signInOnDevice } from '../rotation/client-on-device.ts';

let companies: TwoCompanies;
/** Ada’s laptop, and what she wrote down. */
let laptop: OnDevice;
let passphrase: string;

const everybody: ConfirmDevices = (devices) => devices.map(({ device_id }) => device_id);
const label = 'Phone';

beforeAll(async () => {
  companies = await startTwoCompanies();
});
afterAll(() => companies.close());

async function signedIn(name: string): Promise<OnDevice> {
  const app = installOnDevice(companies, companies.acme, { confirmDevices: everybody });
  await signInOnDevice(companies, companies.acme, app, name);
  return app;
}

/** Somebody of Acme on a new device, enrolled by nobody. */
async function unenrolled(name: string): Promise<OnDevice> {
  const app = await signedIn(name);
  const { sub, verified } = await app.client.me();
  if (verified === null) return app;
  await companies.acme.bridge.administrator.post(`/admin/v1/persons/${sub}/reset`, {});
  return signedIn(name);
}

/** Answers what the person wrote down. */
async function enrolEscrowed({ client }: OnDevice): Promise<string> {
  let written = '';
  const showPassphrase = async (words: string) => {
    written = words;
  };
  await client.enrol({ label: 'Laptop', escrow: { showPassphrase } });
  return written;
}

async function eventsOf(client: Client, type: string) {
  const { sub } = await client.me();
  const events = await companies.acme.bridge.events();
  return events.filter((event) => event.type === type && event.subject?.sub === sub);
}

beforeEach(async () => {
  laptop = await unenrolled('ada');
  passphrase = await enrolEscrowed(laptop);
});

describe('a person who escrowed their keys under a passphrase', () => {
  it('adds a device with it that is like any other, without anybody’s approval', async () => {
    const phone = await signedIn('ada');
    const { device } = await phone.client.recoverDevice({ label, passphrase });
    expect(device.device_id).toBe((await phone.keyStore.load())?.sig.kid);
    expect((await phone.client.me()).devices).toHaveLength(2);
    const tablet = await signedIn('ada');
    const addition = await tablet.client.requestDevice({ label: 'Tablet', method: 'fingerprint' });
    await phone.client.approveDevice(addition.id, { fingerprint: addition.fingerprint });
    expect((await addition.waitForApproval()).device.sub).toBe(device.sub);
    expect(await phone.client.checkOwnKeys()).toEqual([]);
  });

  it('keeps the key that others have pinned, and they see that it is escrowed', async () => {
    const { acme, globex } = companies;
    const gwen = await globex.signIn('gwen');
    if ((await gwen.client.me()).verified === null) await gwen.client.enrol({ label: 'Laptop' });
    const look = async () => (await gwen.client.lookUp([acme.address('ada')], { maxAge: 0 }))[0];
    const before = await look();
    expect(before).toMatchObject({ status: 'verified', statement: { escrow: 'passphrase' } });
    await (await signedIn('ada')).client.recoverDevice({ label, passphrase });
    expect(await look()).toMatchObject({ status: 'verified', firstSeen: false });
  });

  it('opens with the same words what a rotation brought', async () => {
    await laptop.client.rotateKeys();
    const { verified } = await laptop.client.me();
    const phone = await signedIn('ada');
    const typed = passphrase.toUpperCase().replaceAll(' ', '-');
    const recovered = await phone.client.recoverDevice({ label, passphrase: typed });
    expect(recovered.verified.statementHash).toBe(verified?.statementHash);
    expect(verified?.statement.key_version).toBeGreaterThan(0);
  });

  it('is told of a slip before anything is fetched', async () => {
    const before = (await eventsOf(laptop.client, 'escrow.opened')).length;
    const phone = await signedIn('ada');
    const slip = passphrase.replace(/^./, (letter) => (letter === 'b' ? 'd' : 'b'));
    await expectCode(phone.client.recoverDevice({ label, passphrase: slip }), 'passphrase_invalid');
    expect(await eventsOf(laptop.client, 'escrow.opened')).toHaveLength(before);
  });

  it('is asked for the right one: another is of no use, and tried a few times a day', async () => {
    await enrolEscrowed(await unenrolled('bob'));
    const thief = await signedIn('bob');
    for (let tries = 0; tries < 5; tries += 1) {
      await expectCode(thief.client.recoverDevice({ label, passphrase }), 'passphrase_wrong');
    }
    await expectCode(thief.client.recoverDevice({ label, passphrase }), 'rate_limited');
    expect((await thief.client.me()).deviceBinding).toBeNull();
  });

  it('recovers although the first answer is lost on the way', async () => {
    const phone = await signedIn('ada');
    phone.reach('answers', '/v1/escrow/recoveries');
    await expectCode(phone.client.recoverDevice({ label, passphrase }), 'bridge_unreachable');
    phone.reach('always');
    expect((await phone.client.me()).deviceBinding).not.toBeNull();
  });

  it('has a passphrase of enough bits, in words that can be read out', () => {
    expect(PASSPHRASE_BITS).toBeGreaterThanOrEqual(80);
    expect(parsePassphrase(passphrase)).toBe(passphrase);
  });
});

describe('a person who did not', () => {
  it('has nothing to recover', async () => {
    const app = await unenrolled('carol');
    await app.client.enrol({ label: 'Laptop' });
    const phone = await signedIn('carol');
    await expectCode(phone.client.recoverDevice({ label, passphrase }), 'escrow_none');
  });

  it('is not enrolled at all if what they were shown could not be written down', async () => {
    const app = await unenrolled('carol');
    const showPassphrase = () => Promise.reject(new Error('no pen'));
    await expect(app.client.enrol({ label: 'Laptop', escrow: { showPassphrase } })).rejects.toThrow('no pen');
    expect((await app.client.me()).verified).toBeNull();
  });
});
