import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ConfirmDevices, DeviceSecrets } from '../../client/index.ts';
import { vaultSchema } from '../../protocol/api.ts';
import { decodeBase64url } from '../../protocol/base64url.ts';
import { signDeviceEndorsement, verifyDeviceEndorsement } from '../../protocol/device.ts';
import { generateSigningKey } from '../../protocol/ed25519.ts';
import { rotationStartSchema } from '../../protocol/rotation.ts';
import { vaultContext } from '../../protocol/vault.ts';
import { preToJwk } from '../../recrypt/encoding.ts';
import { openSealed } from '../../recrypt/sealed-box.ts';
import { expectCode } from '../binding/expect-code.ts';
import { deviceHeaders } from '../http/api-request.ts';
import { startTwoCompanies, type TwoCompanies } from '../http/two-companies.ts';
import { installOnDevice, type OnDevice, signInOnDevice } from './client-on-device.ts';

let companies: TwoCompanies;
let ada: OnDevice;

beforeAll(async () => {
  companies = await startTwoCompanies();
});
afterAll(() => companies.close());

const everybody: ConfirmDevices = (devices) => devices.map(({ device_id }) => device_id);

/** Somebody of Acme with new keys on a new device. */
async function anew(name: string): Promise<OnDevice> {
  const { acme } = companies;
  const app = installOnDevice(companies, acme);
  await signInOnDevice(companies, acme, app, name);
  const { sub, verified } = await app.client.me();
  if (verified !== null) await acme.bridge.administrator.post(`/admin/v1/persons/${sub}/reset`, {});
  if (verified !== null) await signInOnDevice(companies, acme, app, name);
  await app.client.enrol({ label: 'Laptop' });
  return app;
}

/** One more device of the same person, approved. */
async function another(of: OnDevice, name: string, options?: { confirmDevices: ConfirmDevices }) {
  const app = installOnDevice(companies, companies.acme);
  await signInOnDevice(companies, companies.acme, app, name);
  const addition = await app.client.requestDevice({ label: 'Phone', method: 'fingerprint' });
  await of.client.approveDevice(addition.id, { fingerprint: addition.fingerprint }, options);
  await addition.waitForApproval();
  return app;
}

async function statementOf({ client }: OnDevice) {
  const { verified } = await client.me();
  if (verified === null) throw new Error('nobody is enrolled on this device');
  return verified.statement;
}

async function secretsOf({ keyStore }: OnDevice): Promise<DeviceSecrets> {
  const secrets = await keyStore.load();
  if (secrets === null) throw new Error('this device has no keys');
  return secrets;
}

/** The answer of the bridge to this device. */
async function get(app: OnDevice, path: string): Promise<unknown> {
  const { bridge } = companies.acme;
  const { sig, tokens } = await secretsOf(app);
  const secrets = async () => ({ sig, accessToken: tokens?.accessToken ?? '' });
  const headers = await deviceHeaders(bridge, { client: app.client, secrets }, { method: 'GET', path });
  const response = await companies.stage.fetch(`${bridge.issuer}${path}`, { headers });
  return response.json();
}

beforeEach(async () => {
  ada = await anew('ada');
});

describe('a person rotates their keys', () => {
  it('and nobody who pinned them is asked, not even who missed a rotation', async () => {
    const { acme, globex } = companies;
    const [bob, gwen] = [await acme.signIn('bob'), await globex.signIn('gwen')];
    for (const { client } of [bob, gwen]) {
      if ((await client.me()).verified === null) await client.enrol({ label: 'Laptop' });
    }
    const address = acme.address('ada');
    const lookUp = async () =>
      Promise.all([bob, gwen].map(async ({ client }) => (await client.lookUp([address], { maxAge: 0 }))[0]));
    await lookUp();
    for (const rotations of [1, 2]) {
      for (let done = 0; done < rotations; done += 1)
        await ada.client.rotateKeys({ confirmDevices: everybody });
      const { version, keys } = await statementOf(ada);
      for (const answer of await lookUp()) {
        expect(answer).toMatchObject({ status: 'verified', firstSeen: false, statement: { version, keys } });
      }
    }
  });

  it('and their other device goes on: it approves, rotates, and finds nothing wrong', async () => {
    const phone = await another(ada, 'ada');
    await another(phone, 'ada');
    const before = await statementOf(ada);
    await ada.client.rotateKeys({ confirmDevices: everybody });
    await phone.client.rotateKeys({ confirmDevices: everybody });
    const after = await statementOf(ada);
    expect(after.keys[0]).toEqual(before.keys[0]);
    expect(after.key_version).toBe(before.key_version + 2);
    for (const { client } of [ada, phone]) expect(await client.checkOwnKeys()).toEqual([]);
    await another(ada, 'ada');
  });

  it('only with their word on the list of devices', async () => {
    const before = await statementOf(ada);
    await expectCode(ada.client.rotateKeys(), 'rotation_unconfirmed');
    await expectCode(ada.client.rotateKeys({ confirmDevices: () => [] }), 'rotation_unconfirmed');
    expect(await statementOf(ada)).toEqual(before);
  });

  it('and a device that they do not recognize is removed', async () => {
    const stranger = await another(ada, 'ada');
    await ada.client.rotateKeys({
      confirmDevices: (devices) => devices.filter(({ current }) => current).map(({ device_id }) => device_id),
    });
    expect((await ada.client.me()).devices).toHaveLength(1);
    await expectCode(stranger.client.me(), 'sign_in_required');
  });

  it('and a device that the bridge slipped in is neither shown nor endorsed', async () => {
    const slipped = await generateSigningKey(true);
    const lying = installOnDevice(companies, companies.acme, {
      keyStore: ada.keyStore,
      fetch: (async (input, init) => {
        const response = await companies.stage.fetch(input, init);
        if (!String(input).endsWith('/v1/rotations/next')) return response;
        const start = rotationStartSchema.parse(await response.json());
        const { engine } = companies.stage;
        const endorsement = await signDeviceEndorsement(slipped, {
          ...{ iss: start.iss, sub: start.sub, device_id: slipped.kid },
          keys: [preToJwk(engine.generateKeyPair().publicKey), slipped.publicKey],
          key_version: start.current.statement.key_version,
          iat: start.since,
        });
        const device = { device_id: slipped.kid, label: 'Tablet', added: 1, current: false, endorsement };
        return Response.json({ ...start, devices: [...start.devices, device] });
      }) as typeof fetch,
    });
    let shown: string[] = [];
    const { verified } = await lying.client.rotateKeys({
      confirmDevices(devices) {
        shown = devices.map(({ device_id }) => device_id);
        return [...shown, slipped.kid];
      },
    });
    expect(shown).toEqual([(await secretsOf(ada)).sig.kid]);
    const start = rotationStartSchema.parse(await get(ada, '/v1/rotations/next'));
    for (const { endorsement } of start.devices) {
      const { device_id } = await verifyDeviceEndorsement(endorsement, verified.statement);
      expect(device_id).not.toBe(slipped.kid);
    }
  });

  it('and goes on from where it was when the answer never came', async () => {
    const before = await statementOf(ada);
    ada.reach('answers', '/v1/rotations');
    await expectCode(ada.client.rotateKeys({ confirmDevices: everybody }), 'bridge_unreachable');
    ada.reach('always');
    const between = await statementOf(ada);
    await ada.client.rotateKeys({ confirmDevices: everybody });
    const after = await statementOf(ada);
    expect(after.key_version).toBe(between.key_version + 1);
    expect(after.keys[0]).toEqual(before.keys[0]);
  });

  it('and a request whose answer was lost is sent again as it was, and counts once', async () => {
    const before = await statementOf(ada);
    let lost = false;
    const flaky = installOnDevice(companies, companies.acme, {
      keyStore: ada.keyStore,
      fetch: (async (input, init) => {
        const response = await companies.stage.fetch(input, init);
        if (lost || !String(input).endsWith('/v1/rotations')) return response;
        lost = true;
        throw new TypeError('the connection broke');
      }) as typeof fetch,
    });
    await flaky.client.rotateKeys({ confirmDevices: everybody });
    expect(lost).toBe(true);
    expect((await statementOf(flaky)).key_version).toBe(before.key_version + 1);
  });
});

describe('after a device was removed', () => {
  it('the next approving device rotates by itself, before it admits the new one', async () => {
    const phone = await another(ada, 'ada');
    const before = await statementOf(ada);
    await ada.client.removeDevice((await secretsOf(phone)).sig.kid);
    expect((await ada.client.me()).rotationDue).toBe('device_removed');
    const next = await another(ada, 'ada', { confirmDevices: everybody });
    const after = await statementOf(next);
    expect(after.key_version).toBe(before.key_version + 1);
    expect((await ada.client.me()).rotationDue).toBeNull();
  });

  it('an approval without anybody to ask about the devices says that the rotation is still due', async () => {
    const phone = await another(ada, 'ada');
    const approve = async (options?: { confirmDevices: ConfirmDevices }) => {
      const next = installOnDevice(companies, companies.acme);
      await signInOnDevice(companies, companies.acme, next, 'ada');
      const { id, fingerprint } = await next.client.requestDevice({ label: 'Tablet', method: 'fingerprint' });
      return ada.client.approveDevice(id, { fingerprint }, options);
    };
    expect(await approve()).toEqual({ rotationDue: null });
    await ada.client.removeDevice((await secretsOf(phone)).sig.kid);
    const { key_version: before } = await statementOf(ada);
    expect(await approve()).toEqual({ rotationDue: 'device_removed' });
    expect((await statementOf(ada)).key_version).toBe(before);
    expect(await approve({ confirmDevices: everybody })).toEqual({ rotationDue: null });
    expect((await statementOf(ada)).key_version).toBe(before + 1);
  });

  it('an app rotates when it asks whether it is due, and only then', async () => {
    const phone = await another(ada, 'ada');
    expect(await ada.client.rotateIfDue({ confirmDevices: everybody })).toBe(false);
    await ada.client.removeDevice((await secretsOf(phone)).sig.kid);
    expect(await ada.client.rotateIfDue({ confirmDevices: everybody })).toBe(true);
    expect(await ada.client.rotateIfDue({ confirmDevices: everybody })).toBe(false);
  });

  it('nothing is rotated behind the back of an app that asks nobody', async () => {
    const phone = await another(ada, 'ada');
    await ada.client.removeDevice((await secretsOf(phone)).sig.kid);
    await another(ada, 'ada');
    expect((await ada.client.me()).rotationDue).toBe('device_removed');
    await expectCode(ada.client.rotateIfDue(), 'rotation_unconfirmed');
  });
});

describe('a device rotates its key', () => {
  /** What the bridge transforms for it now, opened with this key. */
  async function openWith(pre: Uint8Array): Promise<Uint8Array> {
    const { vault, statement } = vaultSchema.parse(await get(ada, '/v1/vault'));
    const { engine } = companies.stage;
    return openSealed(engine, pre, decodeBase64url(vault), vaultContext(statement), 1);
  }

  it('and a copy of the old key opens nothing that is transformed from then on', async () => {
    const stolen = Uint8Array.from((await secretsOf(ada)).pre);
    await openWith(stolen);
    await ada.client.rotateDevice();
    await expectCode(openWith(stolen), 'recrypt_decrypt_failed');
    await openWith((await secretsOf(ada)).pre);
    expect((await secretsOf(ada)).next).toBeUndefined();
    expect((await ada.client.me()).deviceBinding).not.toBeNull();
  });

  it('again and again, and after its person rotated theirs', async () => {
    await ada.client.rotateDevice();
    await ada.client.rotateKeys({ confirmDevices: everybody });
    await ada.client.rotateDevice();
    await another(ada, 'ada');
  });

  it('and loses no key when the answer never came', async () => {
    ada.reach('answers', '/v1/devices/current/rotation');
    await expectCode(ada.client.rotateDevice(), 'bridge_unreachable');
    ada.reach('always');
    const { next } = await secretsOf(ada);
    if (next === undefined) throw new Error('the next key was not kept');
    await ada.client.me();
    expect((await secretsOf(ada)).pre).toEqual(next);
    await openWith((await secretsOf(ada)).pre);
  });

  it('and loses no key when the request never arrived', async () => {
    const { pre } = await secretsOf(ada);
    const before = Uint8Array.from(pre);
    ada.reach('never', '/v1/devices/current/rotation');
    await expectCode(ada.client.rotateDevice(), 'bridge_unreachable');
    ada.reach('always');
    await ada.client.me();
    expect((await secretsOf(ada)).pre).toEqual(before);
    await openWith(before);
    await ada.client.rotateDevice();
    await expectCode(openWith(before), 'recrypt_decrypt_failed');
  });
});
