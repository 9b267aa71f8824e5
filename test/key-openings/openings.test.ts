import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../bridge/lib/ids.ts';
import { expectCode } from '../binding/expect-code.ts';
import { contextOf, type Enrolled } from '../fakes/client-side.ts';
import type { MadeGroup } from '../fakes/group-side.ts';
import { depositKey, makeGroupOf, open, receive, recipientGroup, type Sealed } from './sealing.ts';
import { type OpeningBridge, type TwoBridges, twoBridges } from './two-bridges.ts';

let bridges: TwoBridges;
let acme: OpeningBridge;
let globex: OpeningBridge;
/** Ada hosts at Acme; Bob is her colleague. Gwen and Hal are of Globex. */
let ada: Enrolled;
let bob: Enrolled;
let gwen: Enrolled;
let hal: Enrolled;

beforeAll(async () => {
  bridges = await twoBridges();
  ({ acme, globex } = bridges);
  [ada, bob] = [await acme.addEnrolled('ada'), await acme.addEnrolled('bob')];
  [gwen, hal] = [await globex.addEnrolled('gwen'), await globex.addEnrolled('hal')];
});

afterAll(() => bridges.close());

/** Opens as a device, and checks all that a receiver checks. */
async function openAndReceive(
  bridge: OpeningBridge,
  who: Enrolled,
  sealed: Sealed,
  sealerBridge: OpeningBridge,
) {
  const opening = await open(bridge, who, sealed.to, sealed.keyId);
  const plaintext = await receive(opening, who, { to: sealed.to, keyId: sealed.keyId, sealerBridge });
  return { plaintext, hops: opening.hops };
}

async function eventsOf(bridge: OpeningBridge, keyId: string) {
  const events = await bridge.parts.eventsSoFar();
  return events
    .filter(({ type, data }) => type.startsWith('key.') && data.key_id === keyId)
    .map(({ type, actor, subject, code, data }) => ({ type, actor, subject, code, data }));
}

describe('a sealed key', () => {
  it('is opened by a member at home over two hops, and each side of it is an event', async () => {
    const group = await makeGroupOf(acme, ada, [bob], 'meeting');
    const sealed = await depositKey(acme, ada, recipientGroup(group));
    const { plaintext, hops } = await openAndReceive(acme, bob, sealed, acme);
    expect({ plaintext, hops }).toEqual({ plaintext: sealed.plaintext, hops: 2 });
    const [stored, opened] = await eventsOf(acme, sealed.keyId);
    expect(stored).toMatchObject({ type: 'key.sealed', data: { group: group.group, sealer: ada.who.sub } });
    expect(opened).toMatchObject({
      type: 'key.opened',
      actor: { kind: 'person', sub: bob.who.sub },
      subject: { sub: bob.who.sub, device: bob.who.deviceId, group: group.group },
      data: { iss: acme.iss, person: bob.who.sub, person_iss: acme.iss, path: [group.group, bob.who.sub] },
    });
  });

  it('is opened by a member of a durable group at home over three hops', async () => {
    const durable = await makeGroupOf(acme, ada, [bob]);
    const meeting = await makeGroupOf(acme, ada, [durable], 'meeting');
    const sealed = await depositKey(acme, ada, recipientGroup(meeting));
    const { plaintext, hops } = await openAndReceive(acme, bob, sealed, acme);
    expect({ plaintext, hops }).toEqual({ plaintext: sealed.plaintext, hops: 3 });
    const [, opened] = await eventsOf(acme, sealed.keyId);
    expect(opened?.data.path).toEqual([meeting.group, durable.group, bob.who.sub]);
  });

  it('that is sealed to a person is opened in one hop, by them alone', async () => {
    const { iss, sub, keys } = bob.offer.statement;
    const sealed = await depositKey(acme, ada, { to: { iss, sub }, key: keys[0] });
    const { plaintext, hops } = await openAndReceive(acme, bob, sealed, acme);
    expect({ plaintext, hops }).toEqual({ plaintext: sealed.plaintext, hops: 1 });
    await expectCode(open(acme, ada, sealed.to, sealed.keyId), 'sealed_key_unknown');
  });

  it('is opened by a member of a partner: each bridge applies one hop', async () => {
    const group = await makeGroupOf(acme, ada, [gwen], 'meeting');
    const sealed = await depositKey(acme, ada, recipientGroup(group));
    const before = [acme.transformsRun(), globex.transformsRun()];
    const { plaintext, hops } = await openAndReceive(globex, gwen, sealed, acme);
    expect({ plaintext, hops }).toEqual({ plaintext: sealed.plaintext, hops: 2 });
    expect([acme.transformsRun(), globex.transformsRun()]).toEqual(before.map((runs) => runs + 1));
    const [, atHome] = await eventsOf(acme, sealed.keyId);
    expect(atHome).toMatchObject({
      type: 'key.opened',
      actor: { kind: 'partner', iss: globex.iss },
      data: { person: gwen.who.sub, person_iss: globex.iss, path: [group.group, gwen.who.sub] },
    });
    const [there] = await eventsOf(globex, sealed.keyId);
    expect(there).toMatchObject({
      type: 'key.opened',
      actor: { kind: 'person', sub: gwen.who.sub },
      data: { iss: acme.iss, group: group.group, path: [gwen.who.sub] },
    });
  });

  it('is opened by a partner’s member of a durable group at home: two hops there, one here', async () => {
    const durable = await makeGroupOf(acme, ada, [gwen]);
    const meeting = await makeGroupOf(acme, ada, [durable], 'meeting');
    const sealed = await depositKey(acme, ada, recipientGroup(meeting));
    const { plaintext, hops } = await openAndReceive(globex, gwen, sealed, acme);
    expect({ plaintext, hops }).toEqual({ plaintext: sealed.plaintext, hops: 3 });
    expect((await eventsOf(globex, sealed.keyId)).at(-1)?.data.path).toEqual([gwen.who.sub]);
  });

  it('is opened by a member of a durable group at the partner: one hop at home, two there', async () => {
    const durable = await makeGroupOf(globex, gwen, [gwen, hal]);
    const meeting = await makeGroupOf(acme, ada, [durable], 'meeting');
    const sealed = await depositKey(acme, ada, recipientGroup(meeting));
    for (const person of [gwen, hal]) {
      const { plaintext, hops } = await openAndReceive(globex, person, sealed, acme);
      expect({ plaintext, hops }).toEqual({ plaintext: sealed.plaintext, hops: 3 });
    }
    const opened = (await eventsOf(acme, sealed.keyId)).filter(({ type }) => type === 'key.opened');
    // Home knows the durable group as the way, and who asked as its bridge says.
    expect(opened.map(({ data }) => data)).toMatchObject([
      { person: gwen.who.sub, path: [meeting.group, durable.group] },
      { person: hal.who.sub, path: [meeting.group, durable.group] },
    ]);
    expect((await eventsOf(globex, sealed.keyId)).at(-1)?.data.path).toEqual([durable.group, hal.who.sub]);
  });

  it('is transformed to a durable group once for those of it who join together, and anew a minute later', async () => {
    const durable = await makeGroupOf(globex, gwen, [gwen, hal]);
    const meeting = await makeGroupOf(acme, ada, [durable], 'meeting');
    const [sealed, next] = [
      await depositKey(acme, ada, recipientGroup(meeting)),
      await depositKey(acme, ada, recipientGroup(meeting)),
    ];
    const runs = () => [acme.transformsRun(), globex.transformsRun()];
    const runsOf = async (...opened: [Enrolled, Sealed][]) => {
      const [here = 0, there = 0] = runs();
      const results = await Promise.all(opened.map(([who, key]) => openAndReceive(globex, who, key, acme)));
      for (const [index, { plaintext }] of results.entries())
        expect(plaintext).toEqual(opened[index]?.[1].plaintext);
      return [acme.transformsRun() - here, globex.transformsRun() - there];
    };
    expect(await runsOf([gwen, sealed], [hal, sealed])).toEqual([1, 2]);
    expect(await runsOf([gwen, sealed], [gwen, next])).toEqual([1, 2]);
    acme.parts.clock.advance(60);
    expect(await runsOf([hal, sealed])).toEqual([1, 1]);
  });

  it('is transformed to a durable group at home once, and from there for each member', async () => {
    const durable = await makeGroupOf(acme, ada, [ada, bob, gwen]);
    const meeting = await makeGroupOf(acme, ada, [durable], 'meeting');
    const sealed = await depositKey(acme, ada, recipientGroup(meeting));
    const before = acme.transformsRun();
    for (const [bridge, person] of [[acme, ada] as const, [acme, bob] as const, [globex, gwen] as const]) {
      const { plaintext } = await openAndReceive(bridge, person, sealed, acme);
      expect(plaintext).toEqual(sealed.plaintext);
    }
    expect(acme.transformsRun() - before).toBe(1 + 3);
  });

  it('that a partner’s member sealed is kept at home, and opened on both sides', async () => {
    const group = await makeGroupOf(acme, ada, [bob, gwen, hal]);
    const sealed = await depositKey(globex, gwen, recipientGroup(group));
    for (const [bridge, person] of [[acme, bob] as const, [globex, hal] as const]) {
      const { plaintext } = await openAndReceive(bridge, person, sealed, globex);
      expect(plaintext).toEqual(sealed.plaintext);
    }
    const [stored] = await eventsOf(acme, sealed.keyId);
    expect(stored).toMatchObject({
      type: 'key.sealed',
      actor: { kind: 'partner', iss: globex.iss },
      data: { sealer: gwen.who.sub, sealer_iss: globex.iss },
    });
    expect(await eventsOf(globex, sealed.keyId)).toMatchObject([{ type: 'key.opened' }]);
  });

  it('that a partner’s person sealed to one of ours is theirs alone to open', async () => {
    const { iss, sub, keys } = ada.offer.statement;
    const sealed = await depositKey(globex, gwen, { to: { iss, sub }, key: keys[0] });
    const { plaintext, hops } = await openAndReceive(acme, ada, sealed, globex);
    expect({ plaintext, hops }).toEqual({ plaintext: sealed.plaintext, hops: 1 });
    await expectCode(open(globex, gwen, sealed.to, sealed.keyId), 'sealed_key_unknown');
  });

  it('is opened again by the same device as often as it asks', async () => {
    const group = await makeGroupOf(acme, ada, [bob]);
    const sealed = await depositKey(acme, ada, recipientGroup(group));
    const body = { request_id: newId(), to: sealed.to, key_id: sealed.keyId };
    for (let time = 0; time < 2; time += 1) {
      const opening = await acme.keyOpenings.open(bob.who, body, contextOf(bob.who));
      const asked = { to: sealed.to, keyId: sealed.keyId, sealerBridge: acme };
      expect(await receive(opening, bob, asked)).toEqual(sealed.plaintext);
    }
  });
});

describe('the list of what is sealed to a group', () => {
  it('shows its participants tokens and sealers in order, and strangers nothing', async () => {
    const group = await makeGroupOf(acme, ada, [bob, gwen]);
    const sealed = [
      await depositKey(acme, ada, recipientGroup(group)),
      await depositKey(acme, bob, recipientGroup(group)),
      await depositKey(globex, gwen, recipientGroup(group)),
    ];
    const page = await acme.sealedKeys.list(bob.who, group.group, 0);
    expect(page.tokens).toEqual(sealed.map(({ body }) => body.token));
    expect(page.signers.map(({ address }) => address).sort()).toEqual([
      'ada@acme.example',
      'bob@acme.example',
      'gwen@globex.example',
    ]);
    expect(page.next).toBeNull();
    const other: MadeGroup = await makeGroupOf(acme, ada, []);
    await expectCode(acme.sealedKeys.list(bob.who, other.group, 0), 'group_unknown');
  });
});
