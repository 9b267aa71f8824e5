import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { sha256Base64url } from '../../protocol/hash.ts';
import { signJws } from '../../protocol/jws.ts';
import { type AdmissionClaims, signAdmission } from '../../protocol/meetings/admission.ts';
import { expectCode } from '../binding/expect-code.ts';
import { contextOf, type Enrolled } from '../fakes/client-side.ts';
import { type MeetingBridge, type TwoMeetingBridges, twoMeetingBridges } from './meeting-bridges.ts';
import { listen, type MadeMeeting, makeMeeting, now, rekey, rekeyUpload } from './meeting-side.ts';

let bridges: TwoMeetingBridges;
let acme: MeetingBridge;
let globex: MeetingBridge;
/** Ada and Ben are admins of each meeting; Gwen, of Globex, is a member. */
let ada: Enrolled;
let ben: Enrolled;
let gwen: Enrolled;
let meeting: MadeMeeting;

beforeAll(async () => {
  bridges = await twoMeetingBridges();
  ({ acme, globex } = bridges);
  [ada, ben] = [await acme.addEnrolled('ada'), await acme.addEnrolled('ben')];
  gwen = await globex.addEnrolled('gwen');
});
beforeEach(async () => {
  meeting = await makeMeeting(acme, ada, [gwen], [ada, ben]);
});
afterAll(() => bridges?.close());

const ref = () => ({ iss: acme.iss, group: meeting.group });
const POLICY = { companies: [{ domain: 'globex.example' }, { iss: 'https://bridge.acme.example' }] };

async function statement(
  host: Enrolled,
  changes: Partial<AdmissionClaims> = {},
  signer = host,
): Promise<string> {
  return signAdmission(signer.device.sig, {
    ...{ v: 1, iss: acme.iss, sub: host.who.sub, group: meeting.group, term: meeting.term },
    ...{ version: 1, prev: null, policy: POLICY, iat: now(acme), ...changes },
  });
}

/** The next message under this statement, which goes with it unless it is left out. */
async function under(host: Enrolled, admission: string, shown: string | null = admission) {
  const changes = { v: 2, key_id: null, commitment: null, admission: sha256Base64url(admission) } as const;
  const { upload, claims, hash } = await rekeyUpload(acme, meeting, host, { changes });
  const { sealed_key: _none, ...rest } = upload;
  const body = shown === null ? rest : { ...rest, admission: shown };
  return {
    body,
    async send() {
      const seq = await acme.meetings.rekey(host.who, body, contextOf(host.who));
      Object.assign(meeting, { epoch: claims.epoch, term: claims.term, rekeyHead: hash });
      return { seq, token: upload.token };
    },
  };
}

describe('an admission statement at the bridges', () => {
  it('goes with the message that names it to everybody, and is shown with the state from then on', async () => {
    await rekey(acme, meeting, ada);
    const heard = [await listen(acme.meetings, ben, ref(), 0), await listen(globex.meetings, gwen, ref(), 0)];
    const token = await statement(ada);
    const named = await (await under(ada, token)).send();
    const next = await (await under(ada, token, null)).send();
    for (const each of heard) {
      await each.until(({ seq }) => seq === next.seq);
      const told = each.messages.filter(({ seq }) => seq === named.seq || seq === next.seq);
      expect(told.map(({ data }) => JSON.parse(data))).toEqual([
        { token: named.token, admission: token },
        { token: next.token },
      ]);
      await each.close();
    }
    for (const [bridge, person] of [
      [acme, ben],
      [globex, gwen],
    ] as const) {
      const state = await bridge.meetings.state(person.who, ref());
      expect(state).toMatchObject({ rekey: next.token, key_id: null, admission: token });
    }
  });

  it('is kept over a restart, and deleted with the end of the meeting', async () => {
    const token = await statement(ada);
    await (await under(ada, token)).send();
    await acme.restart();
    expect((await acme.meetings.state(ben.who, ref())).admission).toBe(token);
    const stored = () =>
      acme.parts.database.read((query) =>
        query.selectFrom('meetings').select('admission').where('group_id', '=', meeting.group).execute(),
      );
    expect(await stored()).toEqual([{ admission: token }]);
    acme.parts.clock.advance(3_601);
    try {
      await acme.meetings.purge();
      expect(await stored()).toEqual([{ admission: null }]);
    } finally {
      acme.parts.clock.advance(-3_601);
    }
  });

  it.each<[string, Partial<AdmissionClaims>]>([
    ['of another group', { group: 'x'.repeat(43) }],
    ['of another term', { term: 2 }],
    ['of another host', { sub: 'somebody' }],
    ['that names one before it and is the first', { prev: 'x'.repeat(43) }],
  ])('is refused %s', async (_what, changes) => {
    const token = await statement(ada, changes);
    await expectCode((await under(ada, token)).send(), 'admission_invalid');
    expect((await acme.meetings.state(ben.who, ref())).rekey).toBeNull();
  });

  it('is refused in another form, by another device, and where it is not the one that is named', async () => {
    const claims = {
      ...{ v: 1, iss: acme.iss, sub: ada.who.sub, group: meeting.group, term: 1, version: 1, prev: null },
      ...{ policy: { ...POLICY, countries: ['ch'] }, iat: now(acme) },
    };
    const wider = await signJws(ada.device.sig, 'meeting-admission+jwt', claims);
    await expectCode((await under(ada, wider)).send(), 'admission_invalid');
    await expectCode((await under(ada, await statement(ada, {}, ben))).send(), 'admission_invalid');
    const [token, other] = [await statement(ada), await statement(ada, { policy: {} })];
    await expectCode((await under(ada, token, other)).send(), 'admission_withheld');
    await expectCode((await under(ada, token, null)).send(), 'admission_withheld');
  });

  it('is followed by the next one that names it, and by no older one, nor by none', async () => {
    const token = await statement(ada);
    await (await under(ada, token)).send();
    const prev = sha256Base64url(token);
    const fork = await statement(ada, { version: 2, prev: 'x'.repeat(43) });
    await expectCode((await under(ada, fork)).send(), 'admission_invalid');
    const next = await statement(ada, { version: 2, prev, policy: {} });
    await (await under(ada, next)).send();
    await expectCode((await under(ada, token)).send(), 'admission_invalid');
    await expectCode(rekey(acme, meeting, ada), 'rekey_mismatch');
    expect((await acme.meetings.state(ben.who, ref())).admission).toBe(next);
  });

  it('is signed anew by who takes over', async () => {
    const token = await statement(ada);
    await (await under(ada, token)).send();
    meeting.term += 1;
    await expectCode((await under(ben, token, null)).send(), 'admission_invalid');
    const own = await statement(ben, { version: 2, prev: sha256Base64url(token) });
    await (await under(ben, own)).send();
    expect((await acme.meetings.state(ada.who, ref())).admission).toBe(own);
  });

  it('goes with no sealed key, and a message without one needs it', async () => {
    const token = await statement(ada);
    const { upload } = await rekeyUpload(acme, meeting, ada);
    const { body } = await under(ada, token);
    const post = (sent: typeof body) => acme.meetings.rekey(ada.who, sent, contextOf(ada.who));
    await expectCode(post({ ...body, ...{ sealed_key: upload.sealed_key } }), 'rekey_mismatch');
    const { sealed_key: _left, ...bare } = upload;
    await expectCode(post(bare), 'rekey_mismatch');
    await expectCode(post({ ...upload, admission: token } as typeof body), 'rekey_mismatch');
  });
});
