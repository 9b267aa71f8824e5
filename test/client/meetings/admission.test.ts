import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Attendance } from '../../../client/meetings/attendance.ts';
import type { Participant } from '../../../client/meetings/meeting.ts';
import { verifyAdmission } from '../../../protocol/meetings/admission.ts';
import type { AdmissionPolicy } from '../../../protocol/meetings/admission-policy.ts';
import { claimedRekey, verifyRekey } from '../../../protocol/meetings/rekey-message.ts';
import { codeOf } from '../../protocol/codes.ts';
import { NOW } from '../../protocol/company.ts';
import { type Heard, hear } from './heard.ts';
import { keyOf, type MeetingAtWork, meetingOf, type SignIn } from './meeting-fixture.ts';

const HOUR = 3600;
const STRICT: AdmissionPolicy = {
  companies: [{ domain: 'acme.example' }],
  sign_in: { max_age: 12 * HOUR, multi_factor: true },
};
const MFA: SignIn = { protocol: 'oidc', acr: null, amr: ['pwd', 'otp'], auth_time: NOW - HOUR };
const PASSWORD: SignIn = { ...MFA, amr: ['pwd'] };
const YESTERDAY: SignIn = { ...MFA, auth_time: NOW - 24 * HOUR };

let at: MeetingAtWork;
beforeEach(async () => {
  at = await meetingOf(['hana', 'ben', 'carol', 'dan'], ['carol']);
  for (const name of ['hana', 'ben', 'carol']) at.signsIn(name, MFA);
});
afterEach(() => at.close());

async function placed(name: string): Promise<{ meeting: Attendance; heard: Heard }> {
  const meeting = await at.join(name);
  const heard = hear(meeting);
  await heard.next('placed');
  return { meeting, heard };
}

/** Somebody whom their own client would let in: it is told of another sign-in than the host. */
async function joinAnyhow(name: string, told: SignIn | null): Promise<Attendance> {
  at.signsIn(name, MFA);
  const meeting = await at.join(name);
  at.signsIn(name, told);
  return meeting;
}

async function rosterOf(meeting: Attendance): Promise<Participant[]> {
  const roster: Participant[] = [];
  for await (const each of meeting.roster()) roster.push(each);
  return roster;
}

/** A host that lets in whom it likes: whatever it is told, it says to itself that they used several factors. */
function credulous(name: string) {
  const { client, device } = at.person(name);
  const lookUp = async (addresses: readonly string[]) => {
    const answers = await client.lookUp(addresses);
    return answers.map((answer) => {
      if (answer.status !== 'verified') return answer;
      const { iss, sub } = answer.statement;
      const names = { iss, sub, aud: device.id, jti: 'made-up', iat: NOW, exp: NOW + HOUR };
      return { ...answer, attributes: { ...names, sign_in: MFA } };
    });
  };
  return { lookUp };
}

const admissionOf = () => at.meeting.admissions.at(-1) ?? '';
const rekeyOf = () => at.meeting.uploads.at(-1)?.token ?? '';

describe('a meeting with an admission policy', () => {
  it('gives its key to those whom it admits, by a place and in no other way', async () => {
    const hana = await at.host('hana', STRICT);
    expect(hana.admission).toEqual({ version: 1, policy: STRICT, unchecked: 0 });
    const ben = await at.join('ben');
    const heard = hear(ben);
    expect(await keyOf(ben, 1)).toEqual(hana.currentKey());
    expect(ben.admission).toEqual({ version: 1, policy: STRICT, unchecked: 0 });
    expect(at.group.opened).toBe(0);
    expect(at.meeting.uploads.some(({ sealed_key: sealed }) => sealed !== undefined)).toBe(false);
    await hana.rekey();
    expect(await keyOf(ben, hana.currentKey().epoch)).toEqual(hana.currentKey());
    expect(heard.events.filter(({ type }) => type === 'fallback')).toEqual([]);
    const roster = await rosterOf(ben);
    expect(roster.map(({ address, state, reasons }) => [address, state, reasons])).toEqual([
      ['hana@acme.example', 'verified', []],
      ['ben@acme.example', 'verified', []],
    ]);
  });

  it('has no key for whoever waits to be admitted, and says so', async () => {
    const hana = await at.host('hana', STRICT);
    await hana.leave();
    const ben = await at.join('ben');
    expect(await codeOf(async () => ben.currentKey())).toBe('admission_pending');
    expect(ben.fingerprint()).toBe(hana.fingerprint());
  });

  it.each<[string, SignIn | null, string, string]>([
    ['with one factor', PASSWORD, 'single_factor', 'They did not sign in with several factors.'],
    ['too long ago', YESTERDAY, 'sign_in_old', 'They signed in too long ago.'],
    [
      'in a way that their company does not tell',
      null,
      'sign_in_untold',
      'Their company does not say how they signed in.',
    ],
  ])('lets in nobody who signed in %s, and tells the host why', async (_how, told, reason, text) => {
    const hana = await at.host('hana', STRICT);
    const host = hear(hana);
    const dan = await joinAnyhow('dan', told);
    const refused = await host.next('participant_refused');
    expect(refused).toMatchObject({
      address: 'dan@acme.example',
      code: 'admission_refused',
      reasons: [{ reason, text }],
    });
    await hana.rekey();
    expect(await codeOf(async () => dan.currentKey())).toBe('admission_pending');
    expect(hana.currentKey().epoch).toBe(2);
  });

  it('says at once to people whom it does not admit what is missing, as their own company tells it', async () => {
    await at.host('hana', STRICT);
    at.signsIn('dan', PASSWORD);
    const refused = await at.join('dan').catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'admission_refused', reasons: [{ reason: 'single_factor' }] });
    at.signsIn('dan', MFA);
    const dan = await at.join('dan');
    expect((await keyOf(dan, 1)).epoch).toBeGreaterThan(1);
  });

  it('is not begun by a host who does not satisfy it, nor in a form that nobody knows', async () => {
    at.signsIn('hana', PASSWORD);
    expect(await codeOf(() => at.host('hana', STRICT))).toBe('admission_refused');
    at.signsIn('hana', MFA);
    const hana = await at.host('hana', STRICT);
    const wider = { ...STRICT, countries: ['ch'] } as AdmissionPolicy;
    expect(await codeOf(() => hana.setAdmission(wider))).toBe('admission_invalid');
    expect(await codeOf(() => hana.setAdmission({ assurances: ['room'] }))).toBe('admission_refused');
    expect(hana.admission).toEqual({ version: 1, policy: STRICT, unchecked: 0 });
  });
});

describe('a policy that changes in the meeting', () => {
  it('takes the place of whoever does not satisfy it any more, with the message that brings it in', async () => {
    const hana = await at.host('hana', {});
    const host = hear(hana);
    at.signsIn('dan', PASSWORD);
    const { meeting: dan } = await placed('dan');
    const { meeting: ben, heard } = await placed('ben');
    const { epoch } = await keyOf(ben, hana.currentKey().epoch);
    await hana.setAdmission(STRICT);
    expect(hana.currentKey().epoch).toBe(epoch + 1);
    expect(await host.next('participant_refused')).toMatchObject({
      ...{ address: 'dan@acme.example', reasons: [{ reason: 'single_factor' }] },
    });
    expect(await heard.next('admission', ({ version }) => version === 2)).toMatchObject({ policy: STRICT });
    expect(await keyOf(ben, epoch + 1)).toEqual(hana.currentKey());
    expect(await codeOf(() => keyOf(dan, epoch + 1))).toBe('admission_refused');
    expect(claimedRekey(rekeyOf()).claims.change.left).toHaveLength(1);
  });

  it('may begin in a meeting that had none: nothing is sealed to the group from then on', async () => {
    const hana = await at.host('hana');
    const { meeting: ben } = await placed('ben');
    const dan = await at.join('dan');
    await hear(dan).next('placed');
    await hana.setAdmission(STRICT);
    const { epoch } = hana.currentKey();
    expect(await keyOf(ben, epoch)).toEqual(hana.currentKey());
    expect(await codeOf(() => keyOf(dan, epoch))).toBe('admission_refused');
    expect(at.meeting.uploads.at(-1)?.sealed_key).toBeUndefined();
  });

  it('goes on under a host who takes over, who signs it anew, and by which everybody is judged again', async () => {
    const hana = await at.host('hana', STRICT);
    const { meeting: carol } = await placed('carol');
    const { meeting: ben, heard } = await placed('ben');
    const first = admissionOf();
    // Ben's sign-in is older than twelve hours by now.
    at.signsIn('ben', YESTERDAY);
    await carol.takeOver();
    expect(await heard.next('taken_over')).toMatchObject({ by: 'carol@acme.example' });
    expect(carol.admission).toEqual({ version: 2, policy: STRICT, unchecked: 0 });
    expect(admissionOf()).not.toBe(first);
    const { epoch } = carol.currentKey();
    expect(await codeOf(() => keyOf(ben, epoch))).toBe('admission_refused');
    expect(await keyOf(hana, epoch)).toEqual(carol.currentKey());
  });
});

describe('a host that admits whom it should not', () => {
  it('gets nobody else to use the key: their clients refuse it, say why, and go on once that one is out', async () => {
    const hana = await at.host('hana', STRICT, credulous('hana'));
    const { meeting: ben, heard } = await placed('ben');
    const { epoch } = await keyOf(ben, hana.currentKey().epoch);
    at.signsIn('dan', PASSWORD);
    const dan = await joinAnyhow('dan', PASSWORD);
    await hear(dan).next('placed');
    expect(await heard.next('participant_refused')).toMatchObject({
      ...{ address: 'dan@acme.example', code: 'admission_refused', reasons: [{ reason: 'single_factor' }] },
    });
    expect(await heard.next('key_refused')).toMatchObject({ epoch: epoch + 1 });
    expect(ben.currentKey().epoch).toBe(epoch);
    const seen = await rosterOf(ben);
    expect(seen.find(({ address }) => address === 'dan@acme.example')).toMatchObject({
      ...{ state: 'refused', code: 'admission_refused', reasons: [{ reason: 'single_factor' }] },
    });
    await hana.remove('dan@acme.example');
    expect(await keyOf(ben, epoch + 2)).toEqual(hana.currentKey());
  });

  it('gets nobody in beside that one: who comes later checks those who are there', async () => {
    const hana = await at.host('hana', STRICT, credulous('hana'));
    const dan = await joinAnyhow('dan', YESTERDAY);
    await hear(dan).next('placed');
    const ben = await at.join('ben');
    const heard = hear(ben);
    expect(await heard.next('participant_refused')).toMatchObject({ reasons: [{ reason: 'sign_in_old' }] });
    expect(await heard.next('key_refused')).toBeDefined();
    expect(await codeOf(async () => ben.currentKey())).toBe('admission_pending');
    // They sign in anew: nobody has to begin again.
    at.signsIn('dan', MFA);
    expect(await keyOf(ben, hana.currentKey().epoch)).toEqual(hana.currentKey());
  });

  it('is refused itself where it does not satisfy what it demands', async () => {
    at.signsIn('hana', PASSWORD);
    await at.host('hana', STRICT, credulous('hana'));
    const heard = hear(await at.join('ben'));
    expect(await heard.next('participant_refused')).toMatchObject({
      ...{ address: 'hana@acme.example', reasons: [{ reason: 'single_factor' }] },
    });
  });

  it('has signed for what it did: the message, the policy that it names, and who got a place', async () => {
    await at.host('hana', STRICT, credulous('hana'));
    const dan = await joinAnyhow('dan', PASSWORD);
    await hear(dan).next('placed');
    const { iss, sub, device } = at.person('hana');
    const sender = { iss, sub, key: device.sig.publicKey };
    const { claims } = await verifyRekey(rekeyOf(), sender);
    if (claims.v !== 2) throw new Error('no policy is named');
    expect(claims.change.joined).toMatchObject([
      { sub: at.person('dan').sub, device_id: at.person('dan').device.id },
    ]);
    expect((await verifyAdmission(admissionOf(), sender, claims)).claims.policy).toEqual(STRICT);
  });
});

describe('a bridge that lies about the policy', () => {
  it('cannot withhold it: who joins knows that there is one', async () => {
    await at.host('hana', STRICT);
    at.meeting.admissions.length = 0;
    expect(await codeOf(() => at.join('ben'))).toBe('admission_withheld');
  });

  it('cannot put another one in its place, nor an older one', async () => {
    const hana = await at.host('hana', {});
    const old = admissionOf();
    await hana.setAdmission(STRICT);
    at.meeting.admissions.push(old);
    expect(await codeOf(() => at.join('ben'))).toBe('admission_withheld');
  });

  it('cannot keep a stricter one from those who are there: they use no key without it', async () => {
    const hana = await at.host('hana', {});
    const { meeting: ben, heard } = await placed('ben');
    const { epoch } = await keyOf(ben, hana.currentKey().epoch);
    at.meeting.lie((event) => {
      if (event.event !== 'rekey') return [event];
      at.meeting.admissions.length = 0;
      return [{ event: 'rekey', token: event.token, seq: event.seq }];
    });
    await hana.setAdmission(STRICT);
    expect(await heard.next('refused')).toMatchObject({ code: 'admission_withheld' });
    await hana.rekey();
    expect(await heard.next('refused')).toMatchObject({ code: 'admission_withheld' });
    expect(ben.currentKey().epoch).toBe(epoch);
    expect(ben.admission).toMatchObject({ version: 1 });
  });

  it('cannot keep the evidence of somebody back: no key is used that they have too', async () => {
    const hana = await at.host('hana', STRICT);
    const { meeting: ben, heard } = await placed('ben');
    const { epoch } = await keyOf(ben, hana.currentKey().epoch);
    const carol = at.person('carol').device.id;
    const hide = () => {
      for (const [index, { device_id }] of at.meeting.shown.entries()) {
        if (device_id === carol) at.meeting.shown.splice(index, 1);
      }
    };
    at.meeting.lie((event) => {
      if (event.event === 'rekey') hide();
      return [event];
    });
    await at.join('carol');
    expect(await heard.next('participant_refused')).toMatchObject({ address: carol, code: 'bridge_invalid' });
    expect(ben.currentKey().epoch).toBe(epoch);
  });
});
