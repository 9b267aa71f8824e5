import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { findPartner, savePartner } from '../../bridge/federation/partner-store.ts';
import {
  MEETING_LONG_POLLS_PER_PARTNER,
  MEETING_PRESENCES_PER_MINUTE,
  MEETING_RESPONSE_BYTES,
} from '../../bridge/lib/limits.ts';
import type { Feed, RelaySource } from '../../bridge/meetings/feeds.ts';
import { createPartnerPolls } from '../../bridge/meetings/partner-polls.ts';
import type { Json } from '../../protocol/canonical-json.ts';
import { decodeClaims } from '../../protocol/jws.ts';
import { meetingBridgeResponses } from '../../protocol/meetings/federation.ts';
import { expectCode } from '../binding/expect-code.ts';
import type { Enrolled } from '../fakes/client-side.ts';
import {
  ADMINISTRATOR,
  type MeetingBridge,
  type TwoMeetingBridges,
  twoMeetingBridges,
} from './meeting-bridges.ts';
import { enter, type MadeMeeting, makeMeeting, rekey, removeMember } from './meeting-side.ts';

let bridges: TwoMeetingBridges;
let acme: MeetingBridge;
let globex: MeetingBridge;
let ada: Enrolled;
let bob: Enrolled;
let gwen: Enrolled;
let hal: Enrolled;
let meeting: MadeMeeting;

beforeAll(async () => {
  // So long that no question ends with nothing.
  bridges = await twoMeetingBridges({ hold: 30_000 });
  ({ acme, globex } = bridges);
  [ada, bob] = [await acme.addEnrolled('ada'), await acme.addEnrolled('bob')];
  [gwen, hal] = [await globex.addEnrolled('gwen'), await globex.addEnrolled('hal')];
});
beforeEach(async () => {
  meeting = await makeMeeting(acme, ada, [bob, gwen]);
  await rekey(acme, meeting, ada);
});
afterAll(() => bridges?.close());

type Claims = Readonly<Record<string, Json>>;

/** A request that Globex's bridge signs, whatever its own code would ask. */
function question(claims: Claims): Promise<string> {
  const seconds = Math.floor(globex.parts.clock.now() / 1000);
  return globex.parts.signer.sign('federation', 'meeting-request+jwt', {
    ...{ iss: globex.iss, aud: acme.iss, jti: crypto.randomUUID(), iat: seconds, exp: seconds + 60 },
    group: meeting.group,
    ...claims,
  });
}

async function ask(claims: Claims): Promise<string> {
  return acme.meetings.answerPartner(await question(claims), ADMINISTRATOR);
}

const onBehalf = ({ who }: Enrolled, via: string[] = []) => ({ sub: who.sub, via });
const poll = (person: Enrolled, after = 0, wait = false) =>
  ask({ ...onBehalf(person), act: 'poll', after, wait });

describe('a partner’s question about a meeting', () => {
  it('is answered once: the same request again is refused', async () => {
    const token = await question({ ...onBehalf(gwen), act: 'state' });
    await acme.meetings.answerPartner(token, ADMINISTRATOR);
    await expectCode(acme.meetings.answerPartner(token, ADMINISTRATOR), 'replayed');
  });

  it('is for its own people: the name of somebody of ours is of no use to it', async () => {
    await expectCode(poll(bob), 'group_unknown');
    await expectCode(ask({ ...onBehalf(bob), act: 'state' }), 'group_unknown');
    await expectCode(ask({ ...onBehalf(bob), act: 'roster', devices: [bob.who.deviceId] }), 'group_unknown');
    await enter(acme, acme, meeting, bob);
    await ask({ act: 'leave', device_id: bob.who.deviceId, reason: 'left' });
    const devices = [bob.who.deviceId];
    const { participants } = await acme.meetings.roster(ada.who, {
      iss: acme.iss,
      group: meeting.group,
      devices,
    });
    expect(participants).toHaveLength(1);
  });

  it('is not answered for a group that the person is only said to be in', async () => {
    await expectCode(ask({ ...onBehalf(hal, ['x'.repeat(43)]), act: 'state' }), 'group_unknown');
    await expectCode(ask({ ...onBehalf(hal, [meeting.group]), act: 'state' }), 'group_unknown');
  });

  it('says who of several people is let in, and nothing where nobody is', async () => {
    const token = await ask({ act: 'admit', people: [onBehalf(gwen), onBehalf(hal)] });
    const said = decodeClaims(token, 'meeting-response+jwt', meetingBridgeResponses.admit);
    expect(said).toMatchObject({ admitted: [gwen.who.sub], pruned: 0 });
    await expectCode(ask({ act: 'admit', people: [onBehalf(hal)] }), 'group_unknown');
  });

  it('that is held open when the person is removed brings nothing that came meanwhile', async () => {
    const held = poll(gwen, 1, true).then(
      (token) => decodeClaims(token, 'meeting-response+jwt', meetingBridgeResponses.poll).messages,
      (error: unknown) => error,
    );
    await removeMember(acme, meeting, gwen);
    const additions = { kind: 'group', body: { restricts: false } };
    // That members were added before may be told in between, which is theirs to hear; nothing else is.
    const brought = await held;
    if (Array.isArray(brought)) expect(brought).toEqual([expect.objectContaining(additions)]);
    else expect(brought).toMatchObject({ code: 'group_unknown' });
    await rekey(acme, meeting, ada);
    await expectCode(poll(gwen, 1), 'group_unknown');
  });

  it('that is held open is not answered to a partner that was suspended meanwhile', async () => {
    const become = (status: 'active' | 'suspended') =>
      acme.parts.database.transaction(async (tx) => {
        const partner = await findPartner(tx, globex.iss);
        if (partner === undefined) throw new Error('Globex is no partner');
        await savePartner(tx, { ...partner, status });
      });
    const { seq } = await rekey(acme, meeting, ada);
    const accepted = () =>
      acme.parts.database.read((query) =>
        query.selectFrom('one_time').select('id').where('kind', '=', 'bridge-request').execute(),
      );
    const before = (await accepted()).length;
    const held = poll(gwen, seq, true).then(
      () => 'answered',
      (error: { code: string }) => error.code,
    );
    await expect.poll(accepted, { timeout: 5_000 }).toHaveLength(before + 1);
    await become('suspended');
    await rekey(acme, meeting, ada);
    expect(await held).toBe('partner_suspended');
    await become('active');
    expect(await poll(gwen, seq)).toBeTruthy();
  });

  it('from behind the newest message, which no honest partner asks, is refused', async () => {
    await expectCode(poll(gwen, 7), 'meeting_missed');
  });

  it('brings presence proofs of one device only so often, as our own devices may', async () => {
    for (let count = 0; count < MEETING_PRESENCES_PER_MINUTE; count += 1) {
      await enter(acme, acme, meeting, bob);
    }
    await expectCode(enter(acme, acme, meeting, bob), 'rate_limited');
    await enter(globex, acme, meeting, gwen);
    const { iss, aud, jti, iat, exp, group, ...shown } = globex.asked.at(-1) ?? expect.unreachable();
    for (let count = 1; count < MEETING_PRESENCES_PER_MINUTE; count += 1) await ask(shown as Claims);
    await expectCode(ask(shown as Claims), 'rate_limited');
  });

  it('brings none that one of its devices shows too often', async () => {
    for (let count = 0; count < MEETING_PRESENCES_PER_MINUTE; count += 1) {
      await enter(globex, acme, meeting, gwen);
    }
    const asked = globex.asked.length;
    await expectCode(enter(globex, acme, meeting, gwen), 'rate_limited');
    expect(globex.asked.slice(asked)).toEqual([]);
  });

  it('is held open with only so many others of the partner', async () => {
    const polls = createPartnerPolls();
    const source: RelaySource = { read: async (after) => ({ messages: [], through: after }) };
    const feed: Feed = {
      async *follow(_since, signal) {
        await new Promise<void>((resolve) =>
          signal.addEventListener('abort', () => resolve(), { once: true }),
        );
      },
    };
    const asked = { after: 3, wait: true };
    const held = Array.from({ length: MEETING_LONG_POLLS_PER_PARTNER }, () =>
      polls.answer(globex.iss, asked, { feed, source }),
    );
    await expectCode(polls.answer(globex.iss, asked, { feed, source }), 'overloaded');
    const other = polls.answer('https://bridge.initech.example', asked, { feed, source });
    polls.stop();
    for (const answered of await Promise.all([...held, other])) {
      expect(answered).toEqual({ messages: [], through: 3 });
    }
  });
});

describe('the answer to a question about a meeting', () => {
  it('is read as far as such an answer can be long, and is a lie beyond', async () => {
    const asked = { iss: acme.iss, group: meeting.group };
    globex.lengthOfAnswers = MEETING_RESPONSE_BYTES;
    expect(await globex.meetings.state(gwen.who, asked)).toBeTruthy();
    globex.lengthOfAnswers = MEETING_RESPONSE_BYTES + 1;
    await expectCode(globex.meetings.state(gwen.who, asked), 'partner_lying');
    globex.lengthOfAnswers = undefined;
  });
});
