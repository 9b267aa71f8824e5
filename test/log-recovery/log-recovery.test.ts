import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { devicesOf } from '../../bridge/directory/devices.ts';
import { findPersonKeys } from '../../bridge/directory/person-keys.ts';
import { findPerson } from '../../bridge/directory/persons.ts';
import { countLostEntries } from '../../bridge/keylog/lost-entry-store.ts';
import { countStagedVersions } from '../../bridge/keylog/version-store.ts';
import type { RequestContext } from '../../bridge/lib/request-context.ts';
import { createLifecycle } from '../../bridge/lifecycle/lifecycle.ts';
import { readHead } from '../../bridge/tlog/log-heads.ts';
import { verifyCredential } from '../../protocol/credential.ts';
import { type BridgeParts, bridgeParts } from '../fakes/bridge-parts.ts';
import { type Enrolled, enrol } from '../fakes/client-side.ts';
import { SOON } from '../fakes/soon.ts';
import { takeSnapshot } from '../fakes/store-snapshot.ts';
import { copyOf, type RestoredParts, restoredParts, verifyFor } from './recovery-fixture.ts';

const ALICE = 'alice@acme.example';
const BOB = 'bob@acme.example';
const CAROL = 'carol@acme.example';
const DAVE = 'dave@acme.example';
const ERIN = 'erin@acme.example';
const ADA: RequestContext = { requestId: 'r-1', actor: { kind: 'administrator', id: 'a-1', name: 'Ada' } };

let live: BridgeParts;
let restored: RestoredParts;
let people: Record<string, { sub: string; enrolled: Enrolled }>;

async function join(bridge: BridgeParts, address: string) {
  const sub = await bridge.addPerson({ name: null, addresses: [address] });
  return { sub, enrolled: await enrol(bridge, sub) };
}

const subOf = (address: string) => people[address]?.sub ?? '';
const lifecycleOf = (parts: BridgeParts) =>
  createLifecycle({
    ...parts,
    decide: parts.policy.decide,
    tokens: { revokePerson: async () => 0, revokeDevice: async () => 0 },
  });
const statusOf = async (bridge: BridgeParts, address: string) =>
  (await bridge.credentials.forAddress(address)).status;

/** Verified as a client does it, in the log. */
async function verified(bridge: BridgeParts, address: string) {
  const answer = await bridge.credentials.forAddress(address);
  if (answer.status !== 'credential') throw new Error(answer.status);
  return verifyCredential(answer.credential, address, {
    ...{ issuer: bridge.issuer, policy: { level: 'logged', maxAge: 60 } },
    now: Math.floor(bridge.clock.now() / 1000),
  });
}

/** Alice and Bob enrol before the backup; behind it Bob is reset and enrols anew, Carol is closed, and Dave comes. */
beforeEach(async () => {
  live = await bridgeParts();
  people = {};
  for (const address of [ALICE, BOB, CAROL]) people[address] = await join(live, address);
  const backup = await takeSnapshot(live.database);
  const lifecycle = lifecycleOf(live);
  await lifecycle.resetPerson(subOf(BOB), undefined, ADA);
  await enrol(live, subOf(BOB));
  await lifecycle.closePerson(subOf(CAROL), undefined, ADA);
  people[DAVE] = await join(live, DAVE);
  await live.keyLog.published('address', CAROL, 1);
  live.clock.advance(60);
  restored = await restoredParts(live, backup);
});

afterEach(async () => {
  await restored.remove();
  await live.remove();
});

describe('a store that a copy of the log has recovered', () => {
  it('goes on behind everything that was signed: who has not changed is found as before', async () => {
    const copy = await copyOf(live);
    await restored.recover(copy);
    restored.keyLog.start();
    await restored.keyLog.published('trust-change', 'key-log', 0);
    expect((await verified(restored, ALICE)).statement).toMatchObject({ version: 0, status: 'active' });
    // as an auditor or a witness of the lost bridge sees it: every rule kept, and theirs is its beginning
    const { from, epochs } = await verifyFor(live, await copyOf(restored));
    expect(from.size).toBe((await live.database.read((query) => readHead(query, 'keys')))?.size);
    expect(epochs.length).toBeGreaterThan(0);
  });

  it('serves nobody whose newest version is lost: a key that was revoked after the backup does not come alive again', async () => {
    expect(await statusOf(restored, CAROL)).toBe('credential');
    await restored.recover(await copyOf(live));
    for (const address of [BOB, CAROL]) expect(await statusOf(restored, address)).toBe('not_found');
    await restored.database.read(async (query) => {
      expect(await findPersonKeys(query, subOf(CAROL))).toBeUndefined();
      expect(await devicesOf(query, subOf(CAROL))).toEqual([]);
      expect(await findPersonKeys(query, subOf(ALICE))).toBeDefined();
      expect(await findPerson(query, subOf(CAROL))).toMatchObject({ status: 'active', key_version: 1 });
    });
  });

  it('counts on behind lost versions: nobody is given a number or a key version twice', async () => {
    await restored.recover(await copyOf(live));
    restored.keyLog.start();
    // live: 0 enrolled, 1 reset, 2 enrolled anew; 3 says that 1 and 2 are lost
    await enrol(restored, subOf(BOB));
    expect((await verified(restored, BOB)).statement).toMatchObject({
      version: 4,
      key_version: 3,
      reason: 're-enrolled',
    });
  });

  it('finds the versions of an address that the backup has never heard of when it is enrolled', async () => {
    await restored.recover(await copyOf(live));
    restored.keyLog.start();
    expect(await restored.database.read(countLostEntries)).toBe(1);
    expect(await statusOf(restored, DAVE)).toBe('not_found');
    await join(restored, DAVE);
    expect((await verified(restored, DAVE)).statement).toMatchObject({ version: 2, key_version: 1 });
    expect(await restored.database.read(countLostEntries)).toBe(0);
  });

  it('can be lost and recovered again: what a recovery logged after a backup is counted on behind, too', async () => {
    const backup = await takeSnapshot(restored.database);
    await restored.recover(await copyOf(live));
    restored.keyLog.start();
    await restored.keyLog.published('trust-change', 'key-log', 0);
    const again = await restoredParts(live, backup);
    try {
      await again.recover(await copyOf(restored));
      again.keyLog.start();
      await again.keyLog.published('trust-change', 'key-log', 2);
      await enrol(again, subOf(BOB));
      expect((await verified(again, BOB)).statement.version).toBe(5);
    } finally {
      await again.remove();
    }
  });

  it('keeps a version that was staged when the backup was made, and came into the log as it was', async () => {
    // between transaction 1 and 2 of an enrolment
    await live.keyLog.stop();
    const erin = await live.addPerson({ addresses: [ERIN] });
    const waiting = enrol(live, erin).catch((error: unknown) => error);
    await vi.waitFor(async () => expect(await live.database.read(countStagedVersions)).toBe(1), SOON);
    const backup = await takeSnapshot(live.database);
    live.keyLog.start();
    expect(await waiting).not.toBeInstanceOf(Error);
    const again = await restoredParts(live, backup);
    try {
      const { persons } = await again.recover(await copyOf(live));
      expect(persons).toEqual([]);
      again.keyLog.start();
      expect((await verified(again, ERIN)).statement).toMatchObject({ version: 0, sub: erin });
    } finally {
      await again.remove();
    }
  });

  it('withdraws everybody’s keys where that is decided', async () => {
    const { persons } = await restored.recover(await copyOf(live), { devices: 'withdrawn' });
    expect(persons.toSorted()).toEqual([ALICE, BOB, CAROL].map(subOf).toSorted());
    restored.keyLog.start();
    await restored.keyLog.published('address', ALICE, 1);
    expect(await statusOf(restored, ALICE)).toBe('revoked');
  });
});
