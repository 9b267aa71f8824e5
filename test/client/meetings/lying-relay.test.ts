import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Attendance } from '../../../client/meetings/attendance.ts';
import type { RelayEvent } from '../../../client/meetings/relay.ts';
import { encodeBase64url } from '../../../protocol/base64url.ts';
import { sealedKeySchema, signSealedKey } from '../../../protocol/groups/sealed-key.ts';
import { decodeClaims } from '../../../protocol/jws.ts';
import type { RekeyUpload } from '../../../protocol/meetings/api.ts';
import { MeetingHost } from '../../../protocol/meetings/host-tree.ts';
import { claimedRekey, signRekey, verifyRekey } from '../../../protocol/meetings/rekey-message.ts';
import { codeOf } from '../../protocol/codes.ts';
import { type Heard, hear } from './heard.ts';
import { keyOf, type MeetingAtWork, meetingOf } from './meeting-fixture.ts';
import type { Lie } from './memory-relay.ts';

let at: MeetingAtWork;
let hana: Attendance;
let ben: Attendance;
let heard: Heard;
beforeEach(async () => {
  at = await meetingOf(['hana', 'ben', 'carol'], ['carol']);
  hana = await at.host('hana');
  ben = await at.join('ben');
  heard = hear(ben);
  await heard.next('placed');
});
afterEach(() => at.close());

/** Once, for the next event of this kind that goes to Ben. */
function once(kind: RelayEvent['event'], lie: (event: RelayEvent) => readonly RelayEvent[]): void {
  let done = false;
  const applied: Lie = (event, { deviceId }) => {
    if (done || event.event !== kind || deviceId !== at.person('ben').device.id) return [event];
    done = true;
    return lie(event);
  };
  at.meeting.lie(applied);
}

/** A message that this person's device makes as if it were the host, on what went before. */
async function messageBy(name: string, changes: object = {}): Promise<string> {
  const { iss, sub, device } = at.person(name);
  const [token = ''] = at.meeting.uploads.slice(-1).map((upload) => upload.token);
  const { claims } = claimedRekey(token);
  const sender = at.person('hana');
  const message = await verifyRekey(token, { iss, sub: sender.sub, key: sender.device.sig.publicKey });
  return signRekey(device.sig, {
    ...claims,
    ...{ sub, epoch: claims.epoch + 1, prev: message.hash, change: { joined: [], left: [] } },
    ...changes,
  });
}

const newestKeyId = () => claimedRekey(at.meeting.uploads.at(-1)?.token ?? '').claims.key_id ?? '';
const tell = (token: string) => at.meeting.tell({ event: 'rekey', token });

describe('a relay that lies', () => {
  it('cannot send in the host’s place: another admin’s message in the same term is refused', async () => {
    at.meeting.signers.push(await at.person('carol').evidence());
    tell(await messageBy('carol'));
    expect(await heard.next('refused')).toMatchObject({ code: 'rekey_sender' });
    await hana.rekey();
    expect(await keyOf(ben, hana.currentKey().epoch)).toEqual(hana.currentKey());
  });

  it('cannot make somebody the host who is no admin', async () => {
    at.meeting.signers.push(await at.person('ben').evidence());
    tell(await messageBy('ben', { term: 2 }));
    expect(await heard.next('refused')).toMatchObject({ code: 'group_not_admin' });
  });

  it('cannot change a message', async () => {
    once('rekey', (event) => {
      if (event.event !== 'rekey') return [event];
      const [header, payload, signature = ''] = event.token.split('.');
      const other = `${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`;
      return [{ ...event, token: `${header}.${payload}.${other}` }];
    });
    await hana.rekey();
    expect(await heard.next('refused')).toMatchObject({ code: 'jws_signature' });
    await hana.rekey();
    expect(await keyOf(ben, hana.currentKey().epoch)).toEqual(hana.currentKey());
    expect(await heard.next('fallback')).toMatchObject({ reason: 'gap', code: 'rekey_gap' });
  });

  it('cannot repeat an old message', async () => {
    const old = at.meeting.uploads[0]?.token ?? '';
    tell(old);
    expect(await heard.next('refused')).toMatchObject({ code: 'rekey_replayed' });
    expect(ben.currentKey()).toEqual(hana.currentKey());
  });

  it('cannot leave a message out unseen: the sealed key is opened instead, and the device placed anew', async () => {
    once('rekey', () => []);
    await hana.rekey();
    await hana.rekey();
    expect(await heard.next('fallback')).toMatchObject({ reason: 'gap', code: 'rekey_gap' });
    await heard.next('placed');
    expect(ben.currentKey()).toEqual(hana.currentKey());
    const opened = at.group.opened;
    await hana.rekey();
    expect(await keyOf(ben, hana.currentKey().epoch)).toEqual(hana.currentKey());
    expect(at.group.opened).toBe(opened);
  });

  it('cannot hand messages over in another order', async () => {
    let kept: RelayEvent[] = [];
    at.meeting.lie((event, { deviceId }) => {
      if (event.event !== 'rekey' || deviceId !== at.person('ben').device.id) return [event];
      kept.push(event);
      if (kept.length < 2) return [];
      const [first, second] = kept.map(({ seq }) => seq);
      const swapped = kept.map((each, index) => ({ ...each, seq: (index === 0 ? second : first) ?? 0 }));
      kept = [];
      at.meeting.lie(null);
      return swapped.reverse();
    });
    await hana.rekey();
    await hana.rekey();
    expect(await heard.next('fallback')).toMatchObject({ reason: 'gap', code: 'rekey_gap' });
    expect(await keyOf(ben, hana.currentKey().epoch)).toEqual(hana.currentKey());
  });

  it('cannot give a device another place than the host did', async () => {
    const broken: Lie = (event) =>
      event.event === 'placement' ? [{ ...event, box: encodeBase64url(new Uint8Array(80)) }] : [event];
    at.meeting.lie(broken);
    const carol = await at.join('carol');
    const told = hear(carol);
    await told.next('fallback', ({ reason }) => reason === 'placement');
    expect(await keyOf(carol, hana.currentKey().epoch)).toEqual(hana.currentKey());
    at.meeting.lie(null);
    await told.next('placed');
    expect(await keyOf(carol, hana.currentKey().epoch)).toEqual(hana.currentKey());
  });

  it('cannot lead a device back to an older state', async () => {
    const relay = at.relay('ben');
    const old = await relay.state();
    const token = at.meeting.uploads[0]?.token ?? '';
    await hana.rekey();
    await keyOf(ben, hana.currentKey().epoch);
    at.meeting.pretend({ ...old, rekey: token });
    tell(await gapBy());
    expect(await heard.next('refused', ({ code }) => code === 'rekey_replayed')).toBeDefined();
    expect(ben.currentKey()).toEqual(hana.currentKey());
  });

  it('cannot slip in another key, not even one that another admin sealed', async () => {
    const { term, epoch } = claimedRekey(at.meeting.uploads.at(-1)?.token ?? '').claims;
    const keyId = newestKeyId();
    const { device } = at.person('carol');
    const sealed = await at.group.of(at.person('carol')).seal({ term, epoch });
    const claims = decodeClaims(sealed.token, 'sealed-key+jwt', sealedKeySchema);
    const token = await signSealedKey(device.sig, { ...claims, key_id: keyId });
    at.meeting.swap(keyId, { token, encrypted: sealed.encrypted });
    expect(await codeOf(() => at.join('carol'))).toBe('sealed_key_mismatch');
  });

  it('cannot have another admin stand behind the host’s key', async () => {
    const { token, encrypted } = at.meeting.uploads.at(-1)?.sealed_key ?? { token: '', encrypted: '' };
    const { device, sub } = at.person('carol');
    const claims = decodeClaims(token, 'sealed-key+jwt', sealedKeySchema);
    at.meeting.swap(claims.key_id, { token: await signSealedKey(device.sig, { ...claims, sub }), encrypted });
    expect(await codeOf(() => at.join('carol'))).toBe('sealed_key_mismatch');
  });

  it('cannot have the host’s key of another epoch pass for this one’s', async () => {
    const old = at.meeting.uploads.at(-1);
    await hana.rekey();
    const keyId = newestKeyId();
    if (old?.sealed_key === undefined) throw new Error('nothing was uploaded');
    at.meeting.swap(keyId, old.sealed_key);
    expect(await codeOf(() => at.join('carol'))).toBe('sealed_key_mismatch');
  });

  it('cannot have a presence proof count twice, or one from another meeting, or of somebody else', async () => {
    const host = hear(hana);
    const [shown] = at.meeting.shown.filter(({ device_id }) => device_id === at.person('ben').device.id);
    if (shown === undefined) throw new Error('Ben has shown nothing');
    at.meeting.tell({ event: 'presence', ...shown }, 'admins');
    expect(await host.next('participant_refused')).toMatchObject({ code: 'replayed' });

    const { challenge, epoch } = claimedRekey(at.meeting.uploads.at(-1)?.token ?? '').claims;
    const place = { aud: hana.iss, meeting: hana.group, epoch, challenge, mediaKey: 'm' };
    const present = async (changes: object) => {
      const { client, device, address } = at.person('carol');
      const { ephemeralPrivateKey: _own, ...proof } = await client.createPresence({ ...place, ...changes });
      at.meeting.tell({ event: 'presence', device_id: device.id, ...proof, address }, 'admins');
      return (await host.next('participant_refused')).code;
    };
    expect(await present({ meeting: 'another' })).toBe('presence_mismatch');
    expect(await present({ challenge: 'c'.repeat(43) })).toBe('presence_mismatch');
    expect(await present({ epoch: epoch + 7 })).toBe('presence_mismatch');
    expect(await present({ aud: 'https://bridge.globex.example' })).toBe('jws_audience');
    at.group.members.delete(at.person('carol'));
    expect(await present({})).toBe('group_not_member');
    expect(hana.currentKey().epoch).toBe(ben.currentKey().epoch);
  });

  it('cannot stop the host by a message of its own term from elsewhere', async () => {
    const host = hear(hana);
    at.meeting.signers.push(await at.person('carol').evidence());
    tell(await messageBy('carol'));
    expect(await host.next('refused')).toMatchObject({ code: 'rekey_sender' });
    expect(hana.role).toBe('host');
  });
});

/** What the host would send two epochs on: something is missing before it. */
async function gapBy(): Promise<string> {
  const { epoch } = claimedRekey(at.meeting.uploads.at(-1)?.token ?? '').claims;
  return messageBy('hana', { epoch: epoch + 2 });
}

describe('streams that break off', () => {
  it('are taken up where they were, and nothing is missed', async () => {
    at.meeting.breakStreams();
    await heard.next('reconnecting');
    const opened = at.group.opened;
    await hana.rekey();
    expect(await keyOf(ben, hana.currentKey().epoch)).toEqual(hana.currentKey());
    expect(at.group.opened).toBe(opened);
  });

  it('let the host’s message wait until the bridge is there again', async () => {
    const restore = at.meeting.cutOff();
    const host = hear(hana);
    const epoch = hana.currentKey().epoch + 1;
    const rekeyed = hana.rekey();
    expect(await host.next('reconnecting')).toMatchObject({ code: 'bridge_unreachable' });
    expect(hana.currentKey().epoch).toBe(epoch - 1);
    restore();
    await rekeyed;
    expect(await keyOf(ben, epoch)).toEqual(hana.currentKey());
  });
});

describe('a relay that keeps too little', () => {
  /** While everybody was away, something was told that is not kept for this one. */
  async function missed(name: string): Promise<void> {
    const restore = at.meeting.cutOff();
    await heard.next('reconnecting');
    at.meeting.tell({ event: 'group' });
    at.meeting.prune(at.person(name).device.id);
    restore();
  }

  it('has a member open the newest key, and be placed anew', async () => {
    await missed('ben');
    expect(await heard.next('fallback')).toMatchObject({ reason: 'gap', code: 'meeting_missed' });
    await heard.next('placed');
    expect(await keyOf(ben, hana.currentKey().epoch)).toEqual(hana.currentKey());
    expect(hana.currentKey().term).toBe(1);
  });

  it('has the host begin anew: it does not know who left', async () => {
    const host = hear(hana);
    await missed('hana');
    expect(await host.next('fallback')).toMatchObject({ reason: 'gap', code: 'meeting_missed' });
    expect(await host.next('key', ({ term }) => term === 2)).toBeDefined();
    expect(hana.role).toBe('host');
    expect(await heard.next('taken_over')).toMatchObject({ term: 2, by: 'hana@acme.example' });
    await heard.next('placed');
    expect(await keyOf(ben, hana.currentKey().epoch)).toEqual(hana.currentKey());
  });
});

describe('another admin', () => {
  it('takes over: a new term, in which everybody is placed anew and the old host is a member', async () => {
    const carol = await at.join('carol');
    const [host, toBen] = [hear(hana), heard];
    await hear(carol).next('placed');
    await carol.takeOver();
    expect(carol.role).toBe('host');
    const taken = { term: 2, by: 'carol@acme.example' };
    expect(await host.next('taken_over')).toMatchObject(taken);
    expect(await toBen.next('taken_over')).toMatchObject(taken);
    await Promise.all([host.next('placed'), toBen.next('placed')]);
    expect(hana.role).toBe('member');
    const { epoch } = carol.currentKey();
    for (const each of [hana, ben]) expect(await keyOf(each, epoch)).toEqual(carol.currentKey());
    expect(await codeOf(() => hana.rekey())).toBe('conflict');
    await carol.rekey();
    expect(await keyOf(ben, epoch + 1)).toEqual(carol.currentKey());
  });

  it('takes over when the host is gone, and the host takes it back', async () => {
    await hana.leave();
    const carol = await at.join('carol');
    await carol.takeOver();
    const again = await at.join('hana');
    await again.takeOver();
    expect(again.currentKey().term).toBe(3);
    expect(await keyOf(ben, again.currentKey().epoch)).toEqual(again.currentKey());
  });

  it('is nobody who is no admin', async () => {
    expect(await codeOf(() => ben.takeOver())).toBe('group_not_admin');
    expect(ben.role).toBe('member');
  });

  it('cannot send in the term of the one before: its message is no next one', async () => {
    const carol = await at.join('carol');
    await carol.takeOver();
    const { iss, sub, device } = at.person('hana');
    const host = MeetingHost.begin({ group: hana.group, iss, sub, device: device.sig, after: null });
    const sealed = await at.group.of(at.person('hana')).seal({ term: 1, epoch: 1 });
    const { token } = await host.prepare({ joined: [], left: [] }, sealed, at.bridge.time);
    const upload: RekeyUpload = { token, sealed_key: sealed, placements: [] };
    expect(await codeOf(() => at.relay('hana').rekey(upload))).toBe('conflict');
    tell(token);
    expect(await heard.next('refused')).toMatchObject({ code: 'rekey_replayed' });
  });
});
