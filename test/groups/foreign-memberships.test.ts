import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createPartnerMemberships, MEMBERSHIPS_PATH } from '../../bridge/groups/foreign-memberships.ts';
import { generateSigningKey } from '../../protocol/ed25519.ts';
import { MEMBERSHIP_BATCH, VIA_GROUPS } from '../../protocol/groups/api.ts';
import {
  groupMembershipsRequestSchema,
  groupMembershipsResponseSchema,
} from '../../protocol/groups/federation.ts';
import { decodeClaims, signJws } from '../../protocol/jws.ts';
import { expectCode } from '../binding/expect-code.ts';
import { type Enrolled, holder, newDevice } from '../fakes/client-side.ts';
import { addMembers, type MadeGroup, makeGroup } from '../fakes/group-side.ts';
import { testPolicy } from '../fakes/test-policy.ts';
import { type OpeningBridge, type TwoBridges, twoBridges } from '../key-openings/two-bridges.ts';
import { policyText, withFile } from '../policy/policy-texts.ts';

let bridges: TwoBridges;
let acme: OpeningBridge;
let globex: OpeningBridge;
let alice: Enrolled;
let dora: Enrolled;
let team: MadeGroup;

beforeAll(async () => {
  bridges = await twoBridges();
  ({ acme, globex } = bridges);
  alice = await acme.addEnrolled('alice');
  dora = await globex.addEnrolled('dora');
});
beforeEach(async () => {
  team = await makeGroup(globex, dora, { label: 'Team' });
  await addMembers(globex, team, [dora]);
});
afterEach(() => {
  acme.lie = undefined;
});
afterAll(() => bridges?.close());

const nameOf = ({ offer, who }: Enrolled) => ({ iss: offer.iss, sub: who.sub });
const find = ({ group } = team, who = alice.who) =>
  acme.groups.members.find(who, { iss: globex.iss, group, people: [nameOf(dora)] });
const now = () => Math.floor(acme.clock.now() / 1000);

/** A meeting of Dora’s, with her and this group in it. */
async function meetingWith(durable: MadeGroup): Promise<MadeGroup> {
  const weekly = await makeGroup(globex, dora, { kind: 'meeting', ends: now() + 3600, label: 'Weekly' });
  await addMembers(globex, weekly, [dora, durable]);
  return weekly;
}

const TYPE = 'group-memberships-request+jwt';

/** What Acme asks of Globex, for Alice unless said otherwise. */
const claims = (changes: object = {}) => ({
  ...{ iss: acme.iss, aud: globex.iss, jti: crypto.randomUUID(), group: team.group },
  ...{ sub: alice.who.sub, via: [], people: [nameOf(dora)], iat: now(), exp: now() + 60, ...changes },
});
const signed = (changes: object = {}) => acme.parts.signer.sign('federation', TYPE, claims(changes));
const answer = (token: string, changes: Partial<OpeningBridge> = {}) =>
  createPartnerMemberships({ ...globex, ...changes })(token, {
    requestId: 'r-1',
    actor: { kind: 'anonymous' },
  });

describe('who is in a group here', () => {
  it('is told to whom a durable group of their company brings into it, until that group does not', async () => {
    const board = await makeGroup(acme, alice, { label: 'Board' });
    const weekly = await meetingWith(board);
    await expectCode(find(weekly), 'group_unknown');
    await addMembers(acme, board, [alice]);
    expect((await find(weekly)).tokens).toHaveLength(1);
    const sent = decodeClaims(
      acme.sent.at(-1) ?? '',
      'group-memberships-request+jwt',
      groupMembershipsRequestSchema,
    );
    expect(sent).toMatchObject({ sub: alice.who.sub, via: [board.group], aud: globex.iss });
  });

  it('is told to no partner that names a durable group of another company as its person’s', async () => {
    const staff = await makeGroup(globex, dora, { label: 'Staff' });
    const { group } = await meetingWith(staff);
    await expectCode(answer(await signed({ group, via: [staff.group] })), 'group_unknown');
  });

  it('is told to no partner that asks for somebody of another company', async () => {
    await expectCode(answer(await signed({ sub: dora.who.sub })), 'group_unknown');
  });

  it('is told as policy lets a partner see it', async () => {
    await addMembers(globex, team, [alice]);
    const denied =
      'forbid (principal is Countersign::Partner, action == Countersign::Action::"see-group", resource)';
    const policy = testPolicy({ change: () => withFile(policyText('no-partner-sees', denied)) });
    await expectCode(answer(await signed(), { policy }), 'forbidden');
    expect(await answer(await signed())).toBeTruthy();
  });

  it('is told once for a question, and leaves an event that names who asked', async () => {
    await addMembers(globex, team, [alice]);
    const token = await signed();
    await answer(token);
    await expectCode(answer(token), 'replayed');
    const seen = (await globex.parts.eventsSoFar()).filter(({ type }) => type === 'group.seen');
    expect(seen.at(-1)).toMatchObject({
      actor: { kind: 'partner', iss: acme.iss },
      subject: { sub: alice.who.sub, partner: acme.iss, group: team.group },
      outcome: 'success',
    });
  });

  it('is not told by a question to another bridge, out of its time, of another’s hand or for too many', async () => {
    await addMembers(globex, team, [alice]);
    await expectCode(answer(await signed({ aud: acme.iss })), 'jws_audience');
    await expectCode(answer(await signed({ iat: now() + 600, exp: now() + 660 })), 'jws_not_yet_valid');
    await expectCode(answer(await signed({ exp: now() + 61 })), 'claims_invalid');
    await expectCode(
      answer(await signJws(await generateSigningKey(true), TYPE, claims({}) as never)),
      'jws_unknown_key',
    );
    const people = Array(MEMBERSHIP_BATCH + 1).fill(nameOf(dora));
    await expectCode(answer(await signed({ people })), 'claims_invalid');
  });

  it('is not told of a group that there is none of', async () => {
    await expectCode(answer(await signed({ group: 'A'.repeat(43) })), 'group_unknown');
  });

  it('is told by the longest question that there can be', async () => {
    await addMembers(globex, team, [alice]);
    const via = Array.from({ length: VIA_GROUPS }, (_, index) =>
      `${index}`.padStart(43, 'A').replace(/.$/, 'A'),
    );
    const people = Array.from({ length: MEMBERSHIP_BATCH }, (_, index) => ({
      iss: `https://bridge.${`${'a'.repeat(60)}.`.repeat(3)}example`,
      sub: `${index}`.padStart(64, 'a'),
    }));
    const response = await acme.outbound.request(globex.iss + MEMBERSHIPS_PATH, {
      method: 'POST',
      headers: { 'content-type': 'application/group-memberships-request+jwt' },
      body: await signed({ via, people }),
    });
    expect(response.status).toBe(200);
  });
});

describe('who is in a group of a partner', () => {
  beforeEach(() => addMembers(globex, team, [alice]));

  it('is asked for by an endorsed device alone', async () => {
    const device = await newDevice(acme.parts.engine);
    const sent = acme.sent.length;
    await expectCode(find(team, holder(alice.who.sub, device, { endorsed: true })), 'device_not_endorsed');
    expect(acme.sent).toHaveLength(sent);
  });

  it('is not taken from the answer to another question', async () => {
    const answers: Awaited<ReturnType<NonNullable<typeof acme.lie>>>[] = [];
    acme.lie = async (_request, honest) => {
      answers.push(await honest());
      return answers[0] ?? honest();
    };
    await find();
    await expectCode(find(), 'partner_replay');
  });

  it('is not taken from an answer that the partner did not sign', async () => {
    acme.lie = async (_request, honest) => {
      const response = await honest();
      const token = new TextDecoder().decode(response.body);
      const type = 'group-memberships-response+jwt';
      const said = decodeClaims(token, type, groupMembershipsResponseSchema);
      const forged = await signJws(await generateSigningKey(true), type, said as never);
      return { ...response, body: new TextEncoder().encode(forged) };
    };
    await expectCode(find(), 'partner_lying');
  });
});
