import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { findPartner, savePartner } from '../../bridge/federation/partner-store.ts';
import { GROUPS_PATH } from '../../bridge/groups/foreign-views.ts';
import { KEY_OPENING_REQUEST_BYTES } from '../../bridge/lib/limits.ts';
import { type GroupViewBody, VIA_GROUPS } from '../../protocol/groups/api.ts';
import { groupViewRequestSchema } from '../../protocol/groups/federation.ts';
import { verifyGroupKeyChain } from '../../protocol/groups/group-key-chain.ts';
import { verifySignerEvidence } from '../../protocol/groups/signer-evidence.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import { decodeClaims } from '../../protocol/jws.ts';
import { expectCode } from '../binding/expect-code.ts';
import { contextOf, type Enrolled, holder, newDevice } from '../fakes/client-side.ts';
import {
  additions,
  exclusion,
  type MadeGroup,
  makeGroup,
  memberOf,
  memberOfGroup,
  removals,
} from '../fakes/group-side.ts';
import { type OpeningBridge, type TwoBridges, twoBridges } from '../key-openings/two-bridges.ts';

let bridges: TwoBridges;
let acme: OpeningBridge;
let globex: OpeningBridge;
let alice: Enrolled;
let dora: Enrolled;
let weekly: MadeGroup;
let people = 0;

beforeAll(async () => {
  bridges = await twoBridges();
  ({ acme, globex } = bridges);
  alice = await acme.addEnrolled('alice');
});

afterAll(() => bridges.close());

beforeEach(async () => {
  dora = await globex.addEnrolled(`dora${++people}`);
  const ends = Math.floor(acme.clock.now() / 1000) + 3600;
  weekly = await makeGroup(acme, alice, { kind: 'meeting', ends, label: 'Weekly' });
});

afterEach(() => {
  globex.lie = undefined;
});

const add = async (on: OpeningBridge, made: MadeGroup, wanted: ReturnType<typeof memberOf>) => {
  const { who } = made.creator;
  const body = await additions(on.parts.engine, made, [wanted]);
  return on.groups.members.change(who, made.group, body, contextOf(who));
};
const view = (changes: Partial<GroupViewBody> = {}, who = dora.who) =>
  globex.groups.views.view(who, { iss: acme.iss, group: weekly.group, ...changes }, contextOf(who));

describe('a group of a partner', () => {
  it('is shown to somebody of ours who is a member, who verifies it from a pin of its bridge', async () => {
    await add(acme, weekly, memberOf(dora));
    const seen = await view();
    const now = Math.floor(globex.clock.now() / 1000);
    const context = { issuer: acme.parts.issuer, policy: { level: 'signed' as const, maxAge: 60 }, now };
    const signers = await Promise.all(seen.signers.map((each) => verifySignerEvidence(each, context)));
    const [signer] = signers;
    if (signer === undefined) throw new Error('nobody signed');
    const expected = 'alice@acme.example';
    const verified = await verifyGroupKeyChain(seen.tokens, seen, { expected }, async () => signer);
    expect(verified.claims).toMatchObject({ group: weekly.group, label: 'Weekly' });
    expect(seen).toMatchObject({ iss: acme.iss, members: 1, members_head: weekly.members?.hash });
  });

  it('is shown from the number on that the client has', async () => {
    await add(acme, weekly, memberOf(dora));
    await view({ since_seq: 0 });
    const sent = decodeClaims(globex.sent.at(-1) ?? '', 'group-view-request+jwt', groupViewRequestSchema);
    expect(sent).toMatchObject({ since_seq: 0, sub: dora.who.sub, via: [], aud: acme.iss });
  });

  it('is shown to whoever is in it by a durable group of ours', async () => {
    await expectCode(view(), 'group_unknown');
    const team = await makeGroup(globex, dora, { label: 'Team' });
    await add(globex, team, memberOf(dora));
    await add(acme, weekly, memberOfGroup(team));
    expect((await view()).group).toBe(weekly.group);
    const body = await removals(team, [memberOf(dora).member]);
    await globex.groups.members.change(dora.who, team.group, body, contextOf(dora.who));
    await expectCode(view(), 'group_unknown');
  });

  it('is shown to whoever is in it by one of several hundred durable groups of ours', async () => {
    const team = await makeGroup(globex, dora, { label: 'Team' });
    await add(globex, team, memberOf(dora));
    await add(acme, weekly, memberOfGroup(team));
    await globex.parts.database.transaction(async (tx) => {
      const groups = tx.selectFrom('groups').where('group_id', '=', team.group);
      const group = await groups.selectAll().executeTakeFirstOrThrow();
      const members = tx.selectFrom('group_members').where('group_id', '=', team.group);
      const member = await members.selectAll().executeTakeFirstOrThrow();
      for (let index = 1; index < VIA_GROUPS; index += 1) {
        // Their ids come before that of the one which counts.
        const group_id = `-----${index}`.padEnd(43, 'A');
        await tx
          .insertInto('groups')
          .values({ ...group, group_id })
          .execute();
        await tx
          .insertInto('group_members')
          .values({ ...member, group_id })
          .execute();
      }
    });
    expect((await view()).group).toBe(weekly.group);
    const { length } = globex.sent.at(-1) ?? '';
    expect(length).toBeLessThan(KEY_OPENING_REQUEST_BYTES);
    const token = await exclusion(team, { iss: globex.iss, sub: dora.who.sub });
    await globex.groups.members.exclude(dora.who, team.group, { tokens: [token] }, contextOf(dora.who));
    await expectCode(view(), 'group_unknown');
  });

  it('is hidden from whoever is excluded, and said to have ended when it has', async () => {
    await add(acme, weekly, memberOf(dora));
    const token = await exclusion(weekly, { iss: globex.iss, sub: dora.who.sub });
    const admin = contextOf(alice.who);
    await acme.groups.members.exclude(alice.who, weekly.group, { tokens: [token] }, admin);
    await expectCode(view(), 'group_excluded');
    await acme.groups.endings.end(alice.who, weekly.group, admin);
    await expectCode(view(), 'group_ended');
  });

  it('is asked for by an endorsed device alone', async () => {
    await add(acme, weekly, memberOf(dora));
    const device = await newDevice(globex.parts.engine);
    const sent = globex.sent.length;
    await expectCode(view({}, holder(dora.who.sub, device)), 'forbidden');
    await expectCode(view({}, holder(dora.who.sub, device, { endorsed: true })), 'device_not_endorsed');
    expect(globex.sent).toHaveLength(sent);
  });

  it('is asked of partners alone', async () => {
    await expectCode(view({ iss: 'https://bridge.initech.example' }), 'partner_unknown');
  });

  it('leaves an event at its own bridge that names the partner and whom it asked for', async () => {
    await add(acme, weekly, memberOf(dora));
    await view();
    const seen = (await acme.parts.eventsSoFar()).findLast(({ type }) => type === 'group.seen');
    expect(seen).toMatchObject({
      actor: { kind: 'partner', iss: globex.iss },
      subject: { sub: dora.who.sub, partner: globex.iss, group: weekly.group },
    });
  });
});

describe('a partner that lies', () => {
  beforeEach(() => add(acme, weekly, memberOf(dora)));

  it('by the view of another group is refused', async () => {
    const other = await makeGroup(acme, alice, { label: 'Other' });
    await add(acme, other, memberOf(dora));
    globex.lie = async (request, honest) => {
      const { jti, iat, exp } = decodeClaims(request, 'group-view-request+jwt', groupViewRequestSchema);
      const answer = await honest();
      const shown = await acme.groups.views.view(
        alice.who,
        { iss: acme.iss, group: other.group },
        contextOf(alice.who),
      );
      const claims = {
        iss: acme.iss,
        aud: globex.iss,
        jti,
        iat,
        exp,
        request_hash: sha256Base64url(request),
      };
      const token = await acme.parts.signer.sign('federation', 'group-view-response+jwt', {
        ...claims,
        view: shown,
      } as never);
      return { ...answer, body: new TextEncoder().encode(token) };
    };
    await expectCode(view(), 'partner_lying');
  });

  it('by the answer to another request is refused', async () => {
    const answers: Awaited<ReturnType<NonNullable<typeof globex.lie>>>[] = [];
    globex.lie = async (_request, honest) => {
      answers.push(await honest());
      return answers[0] ?? honest();
    };
    await view();
    await expect(view()).rejects.toMatchObject({
      code: expect.stringMatching(/partner_replay|response_mismatch/),
    });
  });

  it('that asks for somebody of another company learns nothing: whom it names is its own', async () => {
    const asked = await acme.parts.signer.sign('federation', 'group-view-request+jwt', {
      ...{ iss: acme.iss, aud: globex.iss, jti: 'j-1', group: weekly.group, sub: dora.who.sub, via: [] },
      ...{ iat: now(), exp: now() + 60 },
    });
    expect(await post(globex, asked)).toMatchObject({ status: 404, code: 'group_unknown' });
  });
});

describe('a request of a partner', () => {
  const signed = (changes: object = {}) =>
    globex.parts.signer.sign('federation', 'group-view-request+jwt', {
      ...{ iss: globex.iss, aud: acme.iss, jti: crypto.randomUUID(), group: weekly.group },
      ...{ sub: dora.who.sub, via: [], iat: now(), exp: now() + 60, ...changes },
    });

  beforeEach(() => add(acme, weekly, memberOf(dora)));

  it('counts once', async () => {
    const token = await signed();
    expect(await post(acme, token)).toMatchObject({ status: 200 });
    expect(await post(acme, token)).toMatchObject({ status: 409, code: 'replayed' });
  });

  it('is refused when it is for another bridge, or out of its time', async () => {
    expect(await post(acme, await signed({ aud: globex.iss }))).toMatchObject({ code: 'jws_audience' });
    const later = await signed({ iat: now() + 600, exp: now() + 660 });
    expect(await post(acme, later)).toMatchObject({ code: 'jws_not_yet_valid' });
    const lasting = await signed({ exp: now() + 61 });
    expect(await post(acme, lasting)).toMatchObject({ code: 'claims_invalid' });
  });

  it('is refused while the partner is suspended', async () => {
    const suspend = (status: 'active' | 'suspended') =>
      acme.parts.database.transaction(async (tx) => {
        const partner = await findPartner(tx, globex.iss);
        if (partner !== undefined) await savePartner(tx, { ...partner, status });
      });
    await suspend('suspended');
    expect(await post(acme, await signed())).toMatchObject({ code: 'partner_suspended' });
    await suspend('active');
    expect(await post(acme, await signed())).toMatchObject({ status: 200 });
  });
});

const now = () => Math.floor(acme.clock.now() / 1000);

/** Sends a signed request as any other machine can. */
async function post(to: OpeningBridge, token: string): Promise<{ status: number; code?: string }> {
  const sender = to === acme ? globex : acme;
  const response = await sender.outbound.request(to.iss + GROUPS_PATH, {
    method: 'POST',
    headers: { 'content-type': 'application/group-view-request+jwt' },
    body: token,
  });
  if (response.status === 200) return { status: 200 };
  return { status: response.status, ...JSON.parse(new TextDecoder().decode(response.body)) };
}
