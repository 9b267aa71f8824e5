import { newId } from '../../bridge/lib/ids.ts';
import type { Meetings } from '../../bridge/meetings/services.ts';
import type { ToldMessage } from '../../bridge/meetings/told-messages.ts';
import { encodeBase64url } from '../../protocol/base64url.ts';
import { sealedKeyCommitment, signSealedKey } from '../../protocol/groups/sealed-key.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import type { PresenceUpload, RekeyUpload } from '../../protocol/meetings/api.ts';
import { placementHash } from '../../protocol/meetings/placement.ts';
import { type Rekey, signRekey } from '../../protocol/meetings/rekey-message.ts';
import { PRESENCE_LIFE, type Presence, signPresence } from '../../protocol/presence.ts';
import { encodeEncryptedValue, preFromJwk } from '../../recrypt/encoding.ts';
import { contextOf, type Enrolled } from '../fakes/client-side.ts';
import {
  addMembers,
  exclusion,
  type MadeGroup,
  makeGroup,
  memberOf,
  memberOfGroup,
  removals,
} from '../fakes/group-side.ts';
import { ADMINISTRATOR, type MeetingBridge } from './meeting-bridges.ts';

const random = () => encodeBase64url(crypto.getRandomValues(new Uint8Array(32)));

/** A meeting as its host's client knows it. */
export interface MadeMeeting extends MadeGroup {
  term: number;
  epoch: number;
  /** Hash of the newest rekey message. */
  rekeyHead: string | null;
  challenge: string;
}

/** A meeting with its members, people or durable groups; nothing is relayed yet. `lasts`: seconds. */
export async function makeMeeting(
  bridge: MeetingBridge,
  host: Enrolled,
  members: readonly (Enrolled | MadeGroup)[],
  admins: readonly Enrolled[] = [host],
  lasts = 3600,
): Promise<MadeMeeting> {
  const made = await makeGroup(bridge, host, {
    ...{ kind: 'meeting', ends: now(bridge) + lasts },
    admins: admins.map(({ who }) => who.sub),
  });
  const meeting = Object.assign(made, { term: 1, epoch: 0, rekeyHead: null, challenge: '' });
  await addMembers(bridge, meeting, members);
  return meeting;
}

/** A meeting whose host has sent its first epoch. */
export async function hostedMeeting(
  bridge: MeetingBridge,
  host: Enrolled,
  members: readonly (Enrolled | MadeGroup)[],
  lasts?: number,
): Promise<MadeMeeting> {
  const meeting = await makeMeeting(bridge, host, members, [host], lasts);
  await rekey(bridge, meeting, host);
  return meeting;
}

/** An administrator removes somebody's device. */
export async function removeDevice({ lifecycle }: MeetingBridge, { who }: Enrolled): Promise<void> {
  await lifecycle.removeDevice({ sub: who.sub, deviceId: who.deviceId }, ADMINISTRATOR);
}

/** What was heard of the leaving of somebody's device. */
export function leavingsOf({ messages }: Heard, { who }: Enrolled): ToldMessage[] {
  return messages.filter(({ kind, data }) => kind === 'left' && data.includes(who.deviceId));
}

export async function makeDurable(
  bridge: MeetingBridge,
  creator: Enrolled,
  members: readonly Enrolled[],
): Promise<MadeGroup> {
  const made = await makeGroup(bridge, creator, { kind: 'durable' });
  await addMembers(bridge, made, members);
  return made;
}

export async function removeMember(
  { groups }: MeetingBridge,
  made: MadeGroup,
  member: Enrolled | MadeGroup,
): Promise<void> {
  const { who } = made.creator;
  const named = 'group' in member ? memberOfGroup(member) : memberOf(member);
  await groups.members.change(who, made.group, await removals(made, [named.member]), contextOf(who));
}

export async function exclude({ groups }: MeetingBridge, made: MadeGroup, person: Enrolled): Promise<void> {
  const { who } = made.creator;
  const token = await exclusion(made, { iss: person.offer.iss, sub: person.who.sub });
  await groups.members.exclude(who, made.group, { tokens: [token] }, contextOf(who));
}

export const now = ({ parts }: MeetingBridge) => Math.floor(parts.clock.now() / 1000);

/** A box for a newcomer; nobody opens it here. */
export function placement({ offer, who }: Enrolled, leaf: number) {
  const box = encodeBase64url(crypto.getRandomValues(new Uint8Array(100)));
  const name = { iss: offer.iss, device_id: who.deviceId };
  const joined = { leaf, ...name, sub: who.sub, placement: placementHash(box) };
  return { joined, placed: { ...name, box } };
}

/** The next message of a host: consistent but for `changes`. */
export async function rekeyUpload(
  { parts, iss }: MeetingBridge,
  meeting: MadeMeeting,
  host: Enrolled,
  given: { newcomers?: readonly Enrolled[]; changes?: Partial<Rekey>; signer?: Enrolled } = {},
): Promise<{ upload: RekeyUpload; claims: Rekey; hash: string }> {
  const { engine } = parts;
  const { group, key, term, epoch, rekeyHead } = meeting;
  const places = (given.newcomers ?? []).map((newcomer, index) => placement(newcomer, index));
  const plaintext = engine.generatePlaintext();
  const signing = engine.generateSigningKeyPair().privateKey;
  const encrypted = encodeEncryptedValue(engine.encrypt(plaintext, preFromJwk(engine, key), signing));
  const keyId = newId();
  const commitment = sealedKeyCommitment(plaintext);
  const claims = {
    ...{ v: 1, iss, sub: host.who.sub, group, term, epoch: epoch + 1, prev: rekeyHead },
    ...{ members: random(), levels: places.length === 0 ? 0 : 4, challenge: random(), key_id: keyId },
    commitment,
    change: { joined: places.map(({ joined }) => joined), left: [] },
    ...{ wraps: null, epoch_key: null, iat: Math.floor(parts.clock.now() / 1000) },
    ...given.changes,
  } as Rekey;
  const token = await signRekey((given.signer ?? host).device.sig, claims);
  const sealed = await signSealedKey(host.device.sig, {
    ...{ v: 1, iss, sub: host.who.sub, to: { iss, group }, key_id: keyId },
    ...{ term: claims.term, epoch: claims.epoch, members: null, ciphertext: sha256Base64url(encrypted) },
    ...{ commitment, iat: claims.iat },
  });
  const upload = {
    token,
    sealed_key: { token: sealed, encrypted: encodeBase64url(encrypted) },
    placements: places.map(({ placed }) => placed),
  };
  return { upload, claims, hash: sha256Base64url(token) };
}

/** Sends the next message as the host, and notes what it made of the meeting. */
export async function rekey(
  bridge: MeetingBridge,
  meeting: MadeMeeting,
  host: Enrolled,
  given: Parameters<typeof rekeyUpload>[3] = {},
  meetings: Meetings = bridge.meetings,
): Promise<{ seq: number; token: string }> {
  const { upload, claims, hash } = await rekeyUpload(bridge, meeting, host, given);
  const seq = await meetings.rekey(host.who, upload, contextOf(host.who));
  const { term, epoch, challenge } = claims;
  Object.assign(meeting, { term, epoch, challenge, rekeyHead: hash });
  return { seq, token: upload.token };
}

export async function presence(
  home: MeetingBridge,
  meeting: MadeMeeting,
  { offer, who, device, result }: Enrolled,
  changes: Partial<Presence> = {},
): Promise<PresenceUpload> {
  const { iss } = home;
  const { credential, device_binding } = result;
  const proof = await signPresence(device.sig, {
    ...{ iss: offer.iss, sub: who.sub, device_id: who.deviceId, aud: iss, meeting: meeting.group },
    ...{ epoch: meeting.epoch, challenge: meeting.challenge, media_key: 'media' },
    ephemeral: { kty: 'OKP', crv: 'X25519', x: `${random().slice(0, 42)}A` },
    ...{ iat: now(home), exp: now(home) + PRESENCE_LIFE },
    ...changes,
  });
  const { attributes: _told, ...shown } = credential;
  return {
    ...{ iss, group: meeting.group, proof, credential: shown, device_binding },
    address: offer.statement.address,
  };
}

/** Proves the presence of somebody at their own bridge. */
export async function enter(
  at: MeetingBridge,
  home: MeetingBridge,
  meeting: MadeMeeting,
  person: Enrolled,
): Promise<number> {
  const upload = await presence(home, meeting, person);
  return at.meetings.present(person.who, upload, contextOf(person.who));
}

/** What somebody heard of a meeting. */
export interface Heard {
  readonly messages: readonly ToldMessage[];
  /** Where the stream is taken up again: at the last message, or where it was told that there is nothing up to. */
  readonly place: number;
  /** Kinds, in order. */
  readonly kinds: string[];
  /** Resolves with the first message for which it holds. */
  until(holds: (message: ToldMessage) => boolean): Promise<ToldMessage>;
  /** Resolves when the stream has ended by itself. */
  readonly ended: Promise<void>;
  /** Breaks the connection. */
  close(): Promise<void>;
}

/** Listens as somebody's device does, until the connection is broken. */
export async function listen(
  meetings: Meetings,
  { who }: Enrolled,
  meeting: { readonly iss: string; readonly group: string },
  since: number,
): Promise<Heard> {
  const tell = await meetings.stream(who, { iss: meeting.iss, group: meeting.group, since });
  const breaking = new AbortController();
  const messages: ToldMessage[] = [];
  let place = since;
  const waiting = new Set<() => void>();
  const ended = (async () => {
    for await (const message of tell(breaking.signal)) {
      place = message.seq;
      if (message.kind !== 'place') messages.push(message);
      for (const look of waiting) look();
    }
  })();
  const over = ended.then(() => {
    for (const look of waiting) look();
  });
  let done = false;
  void over.then(() => {
    done = true;
  });
  return {
    messages,
    get place() {
      return place;
    },
    get kinds() {
      return messages.map(({ kind }) => kind);
    },
    until: (holds) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = messages.find(holds);
          if (found === undefined && !done) return;
          waiting.delete(look);
          if (found === undefined) reject(new Error('the stream has ended'));
          else resolve(found);
        };
        waiting.add(look);
        look();
        void over.then(() => {
          done = true;
          look();
        });
      }),
    ended,
    async close() {
      breaking.abort();
      await ended;
    },
  };
}
