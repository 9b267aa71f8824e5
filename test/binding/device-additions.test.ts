import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Holder } from '../../bridge/binding/holder.ts';
import { deleteDevice } from '../../bridge/directory/devices.ts';
import { newId } from '../../bridge/lib/ids.ts';
import type { DeviceRequestBody } from '../../protocol/api.ts';
import { decodeBase64url, encodeBase64url } from '../../protocol/base64url.ts';
import { verifyDeviceBinding } from '../../protocol/device.ts';
import {
  codeCommitment,
  comparisonCode,
  comparisonNonce,
  deviceFingerprint,
} from '../../protocol/device-comparison.ts';
import { decodeVault, vaultContext } from '../../protocol/vault.ts';
import { preToJwk } from '../../recrypt/encoding.ts';
import { openSealed } from '../../recrypt/sealed-box.ts';
import { type BridgeParts, bridgeParts } from '../fakes/bridge-parts.ts';
import {
  approval,
  type ClientDevice,
  contextOf,
  type Enrolled,
  endorse,
  enrol,
  holder,
  newDevice,
  newPerson,
  transformKeyTo,
} from '../fakes/client-side.ts';
import { expectCode } from './expect-code.ts';
import { Interruption } from './interruption.ts';
import { revoke } from './revoke.ts';

const ALICE = 'alice@acme.example';

let parts: BridgeParts;
let alice: string;
let enrolled: Enrolled;
let phone: ClientDevice;
let asking: Holder;
let interruption: Interruption;

beforeEach(async () => {
  interruption = new Interruption();
  parts = await bridgeParts({
    policy: { maxDevices: 3 },
    replace: ({ database }) => ({ database: interruption.of(database) }),
  });
  alice = await parts.addPerson({ addresses: [ALICE] });
  enrolled = await enrol(parts, alice);
  phone = await newDevice(parts.engine, 'phone');
  asking = holder(alice, phone);
});

afterEach(async () => {
  await parts.remove();
});

function keysOf(device: ClientDevice, sub = alice) {
  return { iss: parts.signer.iss, sub, pre: preToJwk(device.pre.publicKey), sig: device.sig.publicKey };
}

function body(device: ClientDevice, comparison: DeviceRequestBody['comparison']): DeviceRequestBody {
  const { pre, sig } = keysOf(device);
  return { request_id: newId(), device_key: pre, device_sig: sig, label: device.label, comparison };
}

function ask(comparison: DeviceRequestBody['comparison'] = { method: 'fingerprint' }) {
  return parts.deviceAdditions.request(asking, body(phone, comparison), contextOf(asking));
}

async function askByCode() {
  const nonce = comparisonNonce();
  const request = await ask({ method: 'code', commitment: codeCommitment(keysOf(phone), nonce) });
  return { id: request.id, nonce };
}

function approvalOf(device = phone) {
  return approval(parts.engine, enrolled.person, enrolled.offer.statement, device);
}

async function approve(id: string, who = enrolled.who, sent = approvalOf()) {
  return parts.deviceAdditions.approve(who, id, await sent, contextOf(who));
}

function challenge(id: string, nonce: string, who = enrolled.who) {
  return parts.deviceAdditions.challenge(who, id, nonce);
}

async function addAnother(label: string): Promise<{ device: ClientDevice; who: Holder }> {
  const device = await newDevice(parts.engine, label);
  const who = holder(alice, device);
  const { id } = await parts.deviceAdditions.request(
    who,
    body(device, { method: 'fingerprint' }),
    contextOf(who),
  );
  await approve(id, enrolled.who, approvalOf(device));
  return { device, who: { ...who, endorsed: true } };
}

describe('a device that is approved by fingerprint', () => {
  it('opens the vault, and has a binding that verifies', async () => {
    const { id } = await ask();
    expect(await approve(id)).toMatchObject({ status: 'approved', label: 'phone' });
    const who = { ...asking, endorsed: true };
    const { vault, statement } = await parts.vaults.open(who, contextOf(who));
    const aad = vaultContext(statement);
    const content = await openSealed(parts.engine, phone.pre.privateKey, decodeBase64url(vault), aad, 1);
    expect(decodeVault(content).pre).toBe(encodeBase64url(enrolled.person.half.privateKey));
    const binding = await parts.credentials.deviceBinding(phone.sig.kid);
    const now = Math.floor(parts.clock.now() / 1000);
    const verified = await verifyDeviceBinding(binding ?? '', parts.signer.onlineKeys(), statement, now);
    expect(verified.keys).toEqual([keysOf(phone).pre, keysOf(phone).sig]);
  });

  it('can approve the next one', async () => {
    await approve((await ask()).id);
    const tablet = await newDevice(parts.engine, 'tablet');
    const who = holder(alice, tablet);
    const request = body(tablet, { method: 'fingerprint' });
    const { id } = await parts.deviceAdditions.request(who, request, contextOf(who));
    await approve(id, { ...asking, endorsed: true }, approvalOf(tablet));
    expect(await parts.credentials.deviceBinding(tablet.sig.kid)).not.toBeNull();
  });

  it('leaves events that name who approved it', async () => {
    await approve((await ask()).id);
    const events = await parts.eventsSoFar();
    expect(events.at(-2)).toMatchObject({ type: 'device.requested', data: { label: 'phone' } });
    expect(events.at(-1)).toMatchObject({
      type: 'device.added',
      subject: { sub: alice, device: phone.sig.kid },
      data: { label: 'phone', method: 'approval', approved_by: enrolled.who.deviceId },
    });
  });

  it('has shown what the approving device computes itself', async () => {
    const { id } = await ask();
    const seen = await parts.deviceAdditions.find(enrolled.who, id);
    const { iss, sub, device_key, device_sig } = seen;
    const computed = deviceFingerprint({ iss, sub, pre: device_key, sig: device_sig });
    expect(computed).toBe(deviceFingerprint(keysOf(phone)));
  });
});

describe('the six digits', () => {
  it('come out the same on both devices', async () => {
    const { id, nonce } = await askByCode();
    const approverNonce = comparisonNonce();
    await challenge(id, approverNonce);
    const seen = await parts.deviceAdditions.reveal(asking, id, nonce);
    const approver = { sig: enrolled.device.sig.publicKey, nonce: approverNonce };
    expect(seen).toMatchObject({
      approver_sig: approver.sig,
      approver_nonce: approverNonce,
      device_nonce: nonce,
    });
    const here = comparisonCode({ keys: keysOf(phone), nonce: seen.device_nonce ?? '' }, approver);
    expect(here).toBe(comparisonCode({ keys: keysOf(phone), nonce }, approver));
    expect((await approve(id)).status).toBe('approved');
  });

  it('need the challenge before the reveal', async () => {
    const { id, nonce } = await askByCode();
    await expectCode(parts.deviceAdditions.reveal(asking, id, nonce), 'device_request_state');
  });

  it('are challenged once', async () => {
    const { id } = await askByCode();
    await challenge(id, comparisonNonce());
    await expectCode(challenge(id, comparisonNonce()), 'device_request_state');
  });

  it('are challenged by one of two at the same time', async () => {
    const { id } = await askByCode();
    const both = [comparisonNonce(), comparisonNonce()].map((nonce) => challenge(id, nonce));
    const outcomes = await Promise.allSettled(both);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  it('are revealed once', async () => {
    const { id, nonce } = await askByCode();
    await challenge(id, comparisonNonce());
    await parts.deviceAdditions.reveal(asking, id, nonce);
    await expectCode(parts.deviceAdditions.reveal(asking, id, nonce), 'device_request_state');
  });

  it('are not challenged after the reveal', async () => {
    const { id, nonce } = await askByCode();
    await challenge(id, comparisonNonce());
    await parts.deviceAdditions.reveal(asking, id, nonce);
    await expectCode(challenge(id, comparisonNonce()), 'device_request_state');
  });

  it('refuse a nonce that is not the committed one', async () => {
    const { id } = await askByCode();
    await challenge(id, comparisonNonce());
    await expectCode(parts.deviceAdditions.reveal(asking, id, comparisonNonce()), 'device_commitment');
  });

  it('are revealed by the device that asks alone', async () => {
    const { id, nonce } = await askByCode();
    await challenge(id, comparisonNonce());
    await expectCode(parts.deviceAdditions.reveal(enrolled.who, id, nonce), 'forbidden');
  });

  it('are not for a request by fingerprint', async () => {
    const { id } = await ask();
    await expectCode(challenge(id, comparisonNonce()), 'device_request_state');
    await expectCode(parts.deviceAdditions.reveal(asking, id, comparisonNonce()), 'device_request_state');
  });

  it('must have been seen on the device that approves', async () => {
    const { who } = await addAnother('tablet');
    const { id, nonce } = await askByCode();
    await expectCode(approve(id), 'device_request_state');
    await challenge(id, comparisonNonce());
    await expectCode(approve(id), 'device_request_state');
    await parts.deviceAdditions.reveal(asking, id, nonce);
    await expectCode(approve(id, who), 'device_request_state');
    expect((await approve(id)).status).toBe('approved');
  });
});

describe('an approval is refused', () => {
  it('from the device that asks', async () => {
    const { id } = await ask();
    await expectCode(approve(id, asking), 'forbidden');
    await expectCode(approve(id, { ...asking, endorsed: true }), 'device_not_endorsed');
  });

  it('from another device that is not endorsed', async () => {
    const { id } = await ask();
    const other = holder(alice, await newDevice(parts.engine));
    await expectCode(approve(id, other), 'device_request_unknown');
  });

  it('from another person: the request does not exist for them', async () => {
    const { id } = await ask();
    const bob = await enrol(parts, await parts.addPerson({ addresses: ['bob@acme.example'] }));
    const { deviceAdditions } = parts;
    const acts = [
      () => approve(id, bob.who),
      () => deviceAdditions.find(bob.who, id),
      () => challenge(id, comparisonNonce(), bob.who),
      () => deviceAdditions.reveal(bob.who, id, comparisonNonce()),
      () => deviceAdditions.refuse(bob.who, id, contextOf(bob.who)),
    ];
    for (const act of acts) await expectCode(act(), 'device_request_unknown');
    expect(await parts.deviceAdditions.list(bob.who)).toEqual([]);
  });

  it('a second time', async () => {
    const { id } = await ask();
    await approve(id);
    await expectCode(approve(id), 'device_request_state');
  });

  it('but for one, when two come at the same time', async () => {
    const { id } = await ask();
    const sent = approvalOf();
    const outcomes = await Promise.allSettled([
      approve(id, enrolled.who, sent),
      approve(id, enrolled.who, sent),
    ]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  it('with an endorsement by another key, or for other keys', async () => {
    const { id } = await ask();
    const { statement } = enrolled.offer;
    const good = await approvalOf();
    const byAnother = await endorse((await newPerson(parts.engine)).sig, statement, phone);
    await expectCode(
      approve(id, enrolled.who, Promise.resolve({ ...good, endorsement: byAnother })),
      'endorsement_mismatch',
    );
    const forAnother = await endorse(enrolled.person.sig, statement, await newDevice(parts.engine));
    await expectCode(
      approve(id, enrolled.who, Promise.resolve({ ...good, endorsement: forAnother })),
      'endorsement_mismatch',
    );
  });

  it('with a transform key to other keys, or signed by another key', async () => {
    const { id } = await ask();
    const { engine } = parts;
    const good = await approvalOf();
    const elsewhere = preToJwk(engine.generateKeyPair().publicKey);
    const other = await newPerson(engine);
    const wrong = [
      await transformKeyTo(engine, enrolled.person, elsewhere),
      await transformKeyTo(engine, enrolled.person, keysOf(phone).pre, other.sig),
    ];
    for (const transformKey of wrong) {
      const sent = { ...good, transform_key: encodeBase64url(transformKey) };
      await expectCode(approve(id, enrolled.who, Promise.resolve(sent)), 'transform_key_mismatch');
    }
  });

  it('beyond the number of devices that policy allows', async () => {
    const { id } = await ask();
    await addAnother('tablet');
    await addAnother('desktop');
    await expectCode(approve(id), 'device_limit');
  });

  it('of two at the same time, when policy allows one more device', async () => {
    await addAnother('tablet');
    const first = await ask();
    const desktop = await newDevice(parts.engine, 'desktop');
    const who = holder(alice, desktop);
    const request = body(desktop, { method: 'fingerprint' });
    const second = await parts.deviceAdditions.request(who, request, contextOf(who));
    const outcomes = await Promise.allSettled([
      approve(first.id),
      approve(second.id, enrolled.who, approvalOf(desktop)),
    ]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const refused = outcomes.find((outcome) => outcome.status === 'rejected');
    expect(refused?.reason).toMatchObject({ code: 'device_limit' });
  });

  it('when the approving device is removed after its approval was checked', async () => {
    const { id } = await ask();
    interruption.beforeNextTransaction(() =>
      parts.database.transaction((tx) => deleteDevice(tx, enrolled.who.deviceId)),
    );
    await expectCode(approve(id), 'device_not_endorsed');
    expect((await parts.deviceAdditions.find(asking, id)).status).toBe('pending');
  });

  it('when the person is reset after it was checked', async () => {
    const { id } = await ask();
    interruption.beforeNextTransaction(() => revoke(parts, ALICE, 'reset'));
    await expectCode(approve(id), 'device_not_endorsed');
    expect(await parts.credentials.deviceBinding(phone.sig.kid)).toBeNull();
  });

  it('after the approving device was removed', async () => {
    const { id } = await ask();
    await parts.database.transaction((tx) => deleteDevice(tx, enrolled.who.deviceId));
    await expectCode(approve(id), 'device_not_endorsed');
  });

  it('after a reset', async () => {
    const { id } = await ask();
    await revoke(parts, ALICE, 'reset');
    await expectCode(approve(id), 'device_not_endorsed');
  });

  it('when the request has expired', async () => {
    const { id } = await ask();
    parts.clock.advance(600);
    await expectCode(approve(id), 'device_request_expired');
    expect((await parts.deviceAdditions.find(asking, id)).status).toBe('expired');
  });
});

describe('a request to add a device', () => {
  it('is seen by endorsed devices, and by the device that asks', async () => {
    const request = await ask();
    expect(await parts.deviceAdditions.list(enrolled.who)).toEqual([request]);
    expect(await parts.deviceAdditions.list(asking)).toEqual([request]);
    expect(await parts.deviceAdditions.find(asking, request.id)).toEqual(request);
    const third = holder(alice, await newDevice(parts.engine));
    expect(await parts.deviceAdditions.list(third)).toEqual([]);
    await expectCode(parts.deviceAdditions.find(third, request.id), 'device_request_unknown');
  });

  it('is answered the same when it is repeated, and refused with another body', async () => {
    const request = body(phone, { method: 'fingerprint' });
    const first = await parts.deviceAdditions.request(asking, request, contextOf(asking));
    expect(await parts.deviceAdditions.request(asking, request, contextOf(asking))).toEqual(first);
    const changed = { ...request, label: 'tablet' };
    await expectCode(parts.deviceAdditions.request(asking, changed, contextOf(asking)), 'request_id_reused');
  });

  it('is for the key that the token is bound to', async () => {
    const request = body(await newDevice(parts.engine), { method: 'fingerprint' });
    await expectCode(parts.deviceAdditions.request(asking, request, contextOf(asking)), 'dpop_invalid');
  });

  it('is refused for a person without a key, and for a device that is one already', async () => {
    const bob = await parts.addPerson({ addresses: ['bob@acme.example'] });
    const who = { ...asking, sub: bob };
    const request = body(phone, { method: 'fingerprint' });
    await expectCode(parts.deviceAdditions.request(who, request, contextOf(who)), 'conflict');
    const again = body(enrolled.device, { method: 'fingerprint' });
    const same = enrolled.who;
    await expectCode(parts.deviceAdditions.request(same, again, contextOf(same)), 'conflict');
  });

  it('is refused beyond the number of devices that policy allows', async () => {
    await addAnother('tablet');
    await addAnother('desktop');
    await expectCode(ask(), 'device_limit');
  });

  it('is refused when ten others are open', async () => {
    for (let count = 0; count < 10; count++) await ask();
    await expectCode(ask(), 'device_limit');
  });

  it('can be refused by an endorsed device, and withdrawn by the device that asked', async () => {
    const first = await ask();
    const refused = await parts.deviceAdditions.refuse(enrolled.who, first.id, contextOf(enrolled.who));
    expect(refused.status).toBe('refused');
    await expectCode(approve(first.id), 'device_request_state');
    const second = await ask();
    await parts.deviceAdditions.refuse(asking, second.id, contextOf(asking));
    const reasons = (await parts.eventsSoFar())
      .filter(({ type }) => type === 'device.refused')
      .map(({ data }) => data.reason);
    expect(reasons).toEqual(['refused', 'withdrawn']);
  });

  it('leaves an event when nobody answered it in time', async () => {
    await ask();
    expect(await parts.deviceAdditions.expire()).toBe(0);
    parts.clock.advance(600);
    expect(await parts.deviceAdditions.expire()).toBe(1);
    const last = (await parts.eventsSoFar()).at(-1);
    expect(last).toMatchObject({ type: 'device.refused', code: 'device_request_expired' });
    expect(await parts.deviceAdditions.list(enrolled.who)).toEqual([]);
  });
});
