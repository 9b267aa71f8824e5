import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deleteDevice } from '../../bridge/directory/devices.ts';
import { restrictPerson } from '../../bridge/directory/persons.ts';
import { decodeBase64url, encodeBase64url } from '../../protocol/base64url.ts';
import { decodeVault, vaultContext } from '../../protocol/vault.ts';
import { openSealed } from '../../recrypt/sealed-box.ts';
import { type BridgeParts, bridgeParts } from '../fakes/bridge-parts.ts';
import { contextOf, type Enrolled, enrol, holder, newDevice } from '../fakes/client-side.ts';
import { expectCode } from './expect-code.ts';
import { Interruption } from './interruption.ts';
import { revoke } from './revoke.ts';

const ALICE = 'alice@acme.example';

let parts: BridgeParts;
let alice: string;
let enrolled: Enrolled;
/** Between the transform and the transaction that reads the generations again. */
let interruption: Interruption;

beforeEach(async () => {
  interruption = new Interruption();
  parts = await bridgeParts({ replace: ({ database }) => ({ database: interruption.of(database) }) });
  alice = await parts.addPerson({ addresses: [ALICE] });
  enrolled = await enrol(parts, alice);
});

afterEach(async () => {
  await parts.remove();
});

function open(who = enrolled.who) {
  return parts.vaults.open(who, contextOf(who));
}

async function opened(): Promise<number> {
  return (await parts.eventsSoFar()).filter(({ type }) => type === 'vault.opened').length;
}

describe('the vault', () => {
  it('opens on the device that asks, with what the client had sealed', async () => {
    const { vault, statement } = await open();
    const { engine } = parts;
    const { device, person } = enrolled;
    const bytes = decodeBase64url(vault);
    const content = decodeVault(
      await openSealed(engine, device.pre.privateKey, bytes, vaultContext(statement), 1),
    );
    expect(content.pre).toBe(encodeBase64url(person.half.privateKey));
    expect(content.sig.x).toBe(person.sig.publicKey.x);
    expect(statement).toEqual(enrolled.offer.statement);
    expect(await opened()).toBe(1);
  });

  it('does not open on another device', async () => {
    const { vault, statement } = await open();
    const { pre } = await newDevice(parts.engine);
    const opening = openSealed(
      parts.engine,
      pre.privateKey,
      decodeBase64url(vault),
      vaultContext(statement),
      1,
    );
    await expectCode(opening, 'recrypt_decrypt_failed');
  });

  it('is refused by policy to a device that is not endorsed', async () => {
    const device = await newDevice(parts.engine);
    await expectCode(open(holder(alice, device)), 'forbidden');
  });

  it('is refused to a device whose endorsement is gone since the token was looked at', async () => {
    const device = await newDevice(parts.engine);
    await expectCode(open(holder(alice, device, { endorsed: true })), 'device_not_endorsed');
  });

  it('is refused to another person on the same device', async () => {
    const bob = await parts.addPerson({ addresses: ['bob@acme.example'] });
    await expectCode(open({ ...enrolled.who, sub: bob }), 'device_not_endorsed');
  });

  it('is refused once the person is reset or closed', async () => {
    await revoke(parts, ALICE, 'reset');
    await expectCode(open(), 'device_not_endorsed');
    await parts.database.transaction((tx) => restrictPerson(tx, alice, 'closed'));
    await expectCode(open(), 'person_closed');
  });

  it('is refused when the stored transform key was exchanged for another one', async () => {
    const bob = await parts.addPerson({ addresses: ['bob@acme.example'] });
    const { device } = await enrol(parts, bob);
    await parts.database.transaction(async (tx) => {
      const { transform_key } = await tx
        .selectFrom('devices')
        .select('transform_key')
        .where('device_id', '=', device.sig.kid)
        .executeTakeFirstOrThrow();
      await tx.updateTable('devices').set({ transform_key }).where('sub', '=', alice).execute();
    });
    await expectCode(open(), 'seal_broken');
  });
});

describe('a transform in flight', () => {
  it('is discarded when the device is removed in between', async () => {
    interruption.beforeNextTransaction(() =>
      parts.database.transaction((tx) => deleteDevice(tx, enrolled.who.deviceId)),
    );
    await expectCode(open(), 'device_not_endorsed');
    expect(await opened()).toBe(0);
  });

  it('is discarded when the person is closed in between', async () => {
    interruption.beforeNextTransaction(() =>
      parts.database.transaction((tx) => restrictPerson(tx, alice, 'closed')),
    );
    await expectCode(open(), 'person_closed');
    expect(await opened()).toBe(0);
  });

  it('is discarded when the person is restricted in between, though nothing else shows it', async () => {
    interruption.beforeNextTransaction(() =>
      parts.database.transaction((tx) => restrictPerson(tx, alice, 'active')),
    );
    await expectCode(open(), 'conflict');
    expect(await opened()).toBe(0);
  });

  it('is discarded when the device’s generation was raised in between', async () => {
    interruption.beforeNextTransaction(() =>
      parts.database.transaction((tx) => tx.updateTable('devices').set({ generation: 1 }).execute()),
    );
    await expectCode(open(), 'conflict');
    expect(await opened()).toBe(0);
  });
});
