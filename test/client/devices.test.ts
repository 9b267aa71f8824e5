import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Client, DeviceAddition } from '../../client/client.ts';
import type { KeyStore } from '../../client/key-store.ts';
import { createMemoryKeyStore } from '../../client/memory-stores.ts';
import type { DeviceRequest } from '../../protocol/api.ts';
import { encodeBase64url } from '../../protocol/base64url.ts';
import { comparisonNonce } from '../../protocol/device-comparison.ts';
import { exportSigningKey, generateSigningKey } from '../../protocol/ed25519.ts';
import { decodeVault, encodeVault, vaultContext } from '../../protocol/vault.ts';
import { preFromJwk, preToJwk } from '../../recrypt/encoding.ts';
import { loadTransformEngine } from '../../recrypt/load-node.ts';
import { openSealed, sealTo, transformSealed } from '../../recrypt/sealed-box.ts';
import type { TransformEngine } from '../../recrypt/transform-engine.ts';
import { type FakeBridge, startFakeBridge } from '../fakes/fake-bridge/fake-bridge.ts';
import type { FakePerson } from '../fakes/fake-bridge/fake-person.ts';
import { codeOf } from '../protocol/codes.ts';
import { testKey } from '../protocol/company.ts';
import { enrolled, newClient, signIn } from './fixture.ts';

let engine: TransformEngine;
let bridge: FakeBridge;
let alice: FakePerson;
let laptop: Client;
let phone: Client;
let laptopKeys: KeyStore;
let phoneKeys: KeyStore;
let close: () => Promise<void>;

beforeAll(async () => {
  engine = await loadTransformEngine({ prefer: 'wasm' });
});
beforeEach(async () => {
  ({ bridge, close } = await startFakeBridge(engine));
  alice = bridge.addPerson('alice');
  laptopKeys = createMemoryKeyStore();
  laptop = await enrolled(bridge, engine, alice.address, { keyStore: laptopKeys });
  phoneKeys = createMemoryKeyStore();
  phone = newClient(bridge, engine, { keyStore: phoneKeys });
  await signIn(bridge, phone, alice.address);
});
afterEach(() => close());

const wellMeant = async () => true;

/** The phone asks and shows its code, while the laptop computes its own. */
async function compare(addition: DeviceAddition, confirmCode: (digits: string) => Promise<boolean>) {
  const shown = addition.showCode();
  // Refused by the laptop, the phone may never get to show anything.
  shown.catch(() => undefined);
  await laptop.approveDevice(addition.id, { confirmCode });
  return shown;
}

describe('adding a device by fingerprint', () => {
  it('makes it one of the person’s, who can be present with it', async () => {
    const addition = await phone.requestDevice({ label: 'phone', method: 'fingerprint' });
    expect(await laptop.listDeviceRequests()).toMatchObject([{ id: addition.id, label: 'phone' }]);
    await laptop.approveDevice(addition.id, { fingerprint: addition.fingerprint });
    const { device, verified } = await addition.waitForApproval();
    expect(device.device_id).toBe((await phoneKeys.load())?.sig.kid);
    expect(verified.statement).toEqual(alice.signed?.statement);
    expect((await phone.me()).devices).toHaveLength(2);
  });

  it('lets the new device approve the next', async () => {
    const addition = await phone.requestDevice({ label: 'phone', method: 'fingerprint' });
    await laptop.approveDevice(addition.id, { fingerprint: addition.fingerprint });
    await addition.waitForApproval();
    const tablet = newClient(bridge, engine);
    await signIn(bridge, tablet, alice.address);
    const next = await tablet.requestDevice({ label: 'tablet', method: 'fingerprint' });
    await phone.approveDevice(next.id, { fingerprint: next.fingerprint });
    expect((await next.waitForApproval()).device.sub).toBe(alice.sub);
  });

  it('takes the fingerprint as people read it, in groups', async () => {
    const addition = await phone.requestDevice({ label: 'phone', method: 'fingerprint' });
    const inGroups = addition.fingerprint.replace(/(.{4})/g, '$1 ');
    await laptop.approveDevice(addition.id, { fingerprint: inGroups });
    expect((await addition.waitForApproval()).device.sub).toBe(alice.sub);
  });

  it.each(['device_sig', 'device_key'] as const)(
    'is refused when the bridge shows another %s',
    async (name) => {
      const addition = await phone.requestDevice({ label: 'phone', method: 'fingerprint' });
      const own = await testKey('mallory device');
      const wrong = { device_sig: own.publicKey, device_key: preToJwk(engine.generateKeyPair().publicKey) };
      bridge.lies.deviceRequest = (honest) => ({ ...honest, [name]: wrong[name] }) as DeviceRequest;
      const approve = () => laptop.approveDevice(addition.id, { fingerprint: addition.fingerprint });
      expect(await codeOf(approve)).toBe('device_comparison');
      expect(bridge.seen).not.toContain('GET /v1/vault');
    },
  );

  it('is refused for another person', async () => {
    const addition = await phone.requestDevice({ label: 'phone', method: 'fingerprint' });
    bridge.lies.deviceRequest = (honest) => ({ ...honest, sub: 'sub-mallory' });
    const approve = () => laptop.approveDevice(addition.id, { fingerprint: addition.fingerprint });
    expect(await codeOf(approve)).toBe('device_comparison');
  });

  it('is over when it expired or was decided', async () => {
    const addition = await phone.requestDevice({ label: 'phone', method: 'fingerprint' });
    const approve = () => laptop.approveDevice(addition.id, { fingerprint: addition.fingerprint });
    bridge.lies.deviceRequest = (honest) => ({ ...honest, status: 'expired' });
    expect(await codeOf(approve)).toBe('device_request_expired');
    expect(await codeOf(() => addition.waitForApproval())).toBe('device_request_expired');
    bridge.lies.deviceRequest = (honest) => ({ ...honest, status: 'approved' });
    expect(await codeOf(approve)).toBe('device_request_state');
  });

  it('tells the new device that it was refused', async () => {
    const addition = await phone.requestDevice({ label: 'phone', method: 'fingerprint' });
    await laptop.refuseDevice(addition.id);
    expect(await codeOf(() => addition.waitForApproval())).toBe('forbidden');
  });

  it('counts for nothing when the bridge only says that it was approved', async () => {
    const addition = await phone.requestDevice({ label: 'phone', method: 'fingerprint' });
    bridge.lies.deviceRequest = (honest) => ({ ...honest, status: 'approved' });
    expect(await codeOf(() => addition.waitForApproval())).toBe('device_not_endorsed');
  });

  it('is not believed with an endorsement of another device', async () => {
    const addition = await phone.requestDevice({ label: 'phone', method: 'fingerprint' });
    bridge.lies.deviceRequest = (honest) => ({ ...honest, status: 'approved' });
    const [first] = alice.devices.values();
    bridge.lies.me = async (honest) => ({
      ...honest,
      device_binding: await bridge.company.deviceBinding(first?.endorsement, { sub: alice.sub }),
    });
    expect(await codeOf(() => addition.waitForApproval())).toBe('endorsement_mismatch');
  });

  it('can be waited for no longer', async () => {
    const addition = await phone.requestDevice({ label: 'phone', method: 'fingerprint' });
    const giveUp = AbortSignal.abort();
    expect(await codeOf(() => addition.waitForApproval({ signal: giveUp }))).toBe('aborted');
  });

  it('cannot be approved by a device that is none of the person’s', async () => {
    const addition = await phone.requestDevice({ label: 'phone', method: 'fingerprint' });
    const approve = () => phone.approveDevice(addition.id, { fingerprint: addition.fingerprint });
    expect(await codeOf(approve)).toBe('device_not_endorsed');
  });
});

describe('adding a device by six digits', () => {
  it('shows the same digits on both devices', async () => {
    const addition = await phone.requestDevice({ label: 'phone', method: 'code' });
    let computed = '';
    const shown = await compare(addition, async (digits) => {
      computed = digits;
      return true;
    });
    expect(computed).toMatch(/^\d{6}$/);
    expect(shown).toBe(computed);
    expect((await addition.waitForApproval()).device.sub).toBe(alice.sub);
  });

  it('ends when the person says that the digits differ', async () => {
    const addition = await phone.requestDevice({ label: 'phone', method: 'code' });
    expect(await codeOf(() => compare(addition, async () => false))).toBe('device_comparison');
    expect(bridge.deviceRequests.find(addition.id).status).toBe('refused');
    expect(bridge.seen).not.toContain('GET /v1/vault');
  });

  it('ends when the nonce revealed is not the one committed to', async () => {
    const addition = await phone.requestDevice({ label: 'phone', method: 'code' });
    bridge.lies.deviceRequest = (honest) => ({
      ...honest,
      device_nonce: honest.device_nonce === null ? null : comparisonNonce(),
    });
    expect(await codeOf(() => compare(addition, wellMeant))).toBe('device_commitment');
    expect(bridge.deviceRequests.find(addition.id).status).toBe('refused');
  });

  it('ends when the bridge shows other keys than were committed to', async () => {
    const addition = await phone.requestDevice({ label: 'phone', method: 'code' });
    const { publicKey } = await testKey('mallory device');
    bridge.lies.deviceRequest = (honest) => ({ ...honest, device_sig: publicKey });
    expect(await codeOf(() => compare(addition, wellMeant))).toBe('device_commitment');
  });

  it('gives different digits when somebody in between challenges for the approver', async () => {
    const addition = await phone.requestDevice({ label: 'phone', method: 'code' });
    const between = await testKey('mallory device');
    const approver_nonce = comparisonNonce();
    let asked = 0;
    bridge.lies.deviceRequest = (honest) => {
      // The approver's first read is honest; the phone is shown another challenge.
      asked += 1;
      return honest.approver_nonce === null || asked === 1
        ? honest
        : { ...honest, approver_sig: between.publicKey, approver_nonce };
    };
    let computed = '';
    const shown = await compare(addition, async (digits) => {
      computed = digits;
      return true;
    });
    expect(shown).not.toBe(computed);
  });

  it('is shown for the first challenge only, and revealed once', async () => {
    const addition = await phone.requestDevice({ label: 'phone', method: 'code' });
    const shown = await compare(addition, wellMeant);
    const { publicKey } = await testKey('mallory device');
    bridge.lies.deviceRequest = (honest) => ({ ...honest, approver_sig: publicKey });
    expect(await addition.showCode()).toBe(shown);
    expect(bridge.seen.filter((line) => line.endsWith('/reveal'))).toHaveLength(1);
  });

  it('is not begun by the approver after the nonce is known', async () => {
    const addition = await phone.requestDevice({ label: 'phone', method: 'code' });
    bridge.lies.deviceRequest = (honest) => ({ ...honest, device_nonce: comparisonNonce() });
    const approve = () => laptop.approveDevice(addition.id, { confirmCode: wellMeant });
    expect(await codeOf(approve)).toBe('device_request_state');
    expect(bridge.seen).not.toContain(`POST /v1/device-requests/${addition.id}/challenge`);
  });

  it('is not revealed by the new device before the challenge', async () => {
    const addition = await phone.requestDevice({ label: 'phone', method: 'code' });
    const giveUp = new AbortController();
    bridge.lies.deviceRequest = (honest) => {
      giveUp.abort();
      return honest;
    };
    expect(await codeOf(() => addition.showCode({ signal: giveUp.signal }))).toBe('aborted');
    expect(bridge.deviceRequests.find(addition.id).device_nonce).toBeNull();
  });

  it('is not a fingerprint, nor a fingerprint a code', async () => {
    const code = await phone.requestDevice({ label: 'phone', method: 'code' });
    const approve = () => laptop.approveDevice(code.id, { fingerprint: code.fingerprint });
    expect(await codeOf(approve)).toBe('device_request_state');
    const fingerprint = await phone.requestDevice({ label: 'phone', method: 'fingerprint' });
    const approveCode = () => laptop.approveDevice(fingerprint.id, { confirmCode: wellMeant });
    expect(await codeOf(approveCode)).toBe('device_request_state');
    expect(await codeOf(() => fingerprint.showCode())).toBe('device_request_state');
  });
});

describe('a vault that is not the person’s is refused', () => {
  /** What the vault of the person is sealed for and goes through on its way to the laptop. */
  function way() {
    const [device] = alice.devices.values();
    const statement = alice.signed?.statement;
    if (device === undefined || statement === undefined || alice.vault === null)
      throw new Error('not enrolled');
    return { device, statement, vault: alice.vault };
  }

  /** The bridge seals this to the person's public key, as anybody can, and transforms it for the laptop. */
  async function plant(content: Uint8Array) {
    const { device, statement } = way();
    const personKey = preFromJwk(engine, statement.keys[0]);
    const sealed = await sealTo(engine, personKey, content, vaultContext(statement));
    const vault = encodeBase64url(transformSealed(engine, sealed, device.transformKey));
    bridge.lies.vault = (honest) => ({ ...honest, vault });
    const addition = await phone.requestDevice({ label: 'phone', method: 'fingerprint' });
    return codeOf(() => laptop.approveDevice(addition.id, { fingerprint: addition.fingerprint }));
  }

  /** The truth, which the laptop can open and the bridge cannot. */
  async function trueContent() {
    const { device, statement, vault } = way();
    const { pre } = (await laptopKeys.load()) ?? { pre: new Uint8Array() };
    const transformed = transformSealed(engine, vault, device.transformKey);
    return decodeVault(await openSealed(engine, pre, transformed, vaultContext(statement), 1));
  }

  it('when its signature key is another', async () => {
    const sig = await exportSigningKey(await generateSigningKey(true));
    expect(await plant(encodeVault({ ...(await trueContent()), sig }))).toBe('vault_mismatch');
  });

  it('when it names the person’s public key beside another private key', async () => {
    const content = await trueContent();
    const { d } = await exportSigningKey(await generateSigningKey(true));
    expect(await plant(encodeVault({ ...content, sig: { ...content.sig, d } }))).toBe('vault_mismatch');
  });

  it('when it holds another half than this device made', async () => {
    const pre = encodeBase64url(engine.generateKeyPair().privateKey);
    expect(await plant(encodeVault({ ...(await trueContent()), pre }))).toBe('vault_mismatch');
  });

  it('when it holds something else', async () => {
    expect(await plant(new TextEncoder().encode('{}'))).toBe('vault_mismatch');
  });

  it('when the bridge names another statement for it', async () => {
    bridge.lies.vault = (honest) => ({ ...honest, statement: { ...honest.statement, sub: 'sub-mallory' } });
    const addition = await phone.requestDevice({ label: 'phone', method: 'fingerprint' });
    const approve = () => laptop.approveDevice(addition.id, { fingerprint: addition.fingerprint });
    expect(await codeOf(approve)).toBe('vault_mismatch');
  });
});

describe('removing a device', () => {
  it('takes it off the list', async () => {
    const addition = await phone.requestDevice({ label: 'phone', method: 'fingerprint' });
    await laptop.approveDevice(addition.id, { fingerprint: addition.fingerprint });
    const { device } = await addition.waitForApproval();
    await laptop.removeDevice(device.device_id);
    expect((await laptop.me()).devices).toHaveLength(1);
    expect(await phone.me()).toMatchObject({ deviceBinding: null });
    expect(await codeOf(() => laptop.removeDevice(device.device_id))).toBe('device_unknown');
  });
});
