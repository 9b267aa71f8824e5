import { encodeBase64url } from '../../protocol/base64url.ts';
import { equalBytes } from '../../protocol/bytes.ts';
import { generateSigningKey, type SigningKey } from '../../protocol/ed25519.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import {
  type EpochSecret,
  MeetingHost,
  type MembersChange,
  type Newcomer,
  type PreparedRekey,
} from '../../protocol/meetings/host-tree.ts';
import { type EphemeralKey, generateEphemeralKey } from '../../protocol/meetings/hpke.ts';
import { REKEY_JOINS } from '../../protocol/meetings/limits.ts';
import { followRekey, type MemberPath, openEpochKey } from '../../protocol/meetings/member-path.ts';
import { openPlacement } from '../../protocol/meetings/placement.ts';
import { verifyRekey } from '../../protocol/meetings/rekey-message.ts';
import { answerParent } from '../processes/child.ts';
import { cpuMs } from '../processes/cpu.ts';

const HOME = 'https://bridge.bench.example';
const PARTNER = 'https://bridge.partner.example';
const GROUP = sha256Base64url('a meeting of the bench');

/** What one message cost its host. */
export interface HostCost {
  readonly cpuMs: number;
  /** Of the message as it is sent, and of the placements beside it as JSON. */
  readonly tokenBytes: number;
  readonly placementBytes: number;
}

export interface Growth {
  readonly messages: readonly HostCost[];
  readonly joined: number;
}

export interface Removal extends HostCost {
  /** To verify the message and to find the new key, one participant; the mean over everybody who stays. */
  readonly memberCpuMs: number;
}

interface Participant {
  readonly newcomer: Newcomer;
  readonly ephemeral: EphemeralKey;
  path: MemberPath | undefined;
}

/** One meeting in this process: a host, and the keys that every participant has. */
let device: SigningKey;
let host: MeetingHost;
let participants: Participant[] = [];
let made = 0;

const handlers = {
  /** A meeting of nobody yet. */
  begin: async (): Promise<void> => {
    device = await generateSigningKey(false);
    host = MeetingHost.begin({ group: GROUP, iss: HOME, sub: 'host', device, after: null });
    participants = [];
  },

  /** Lets people in until there are as many, 200 with a message; everybody takes their place. */
  grow: async (size: number): Promise<Growth> => {
    const messages: HostCost[] = [];
    const before = participants.length;
    while (participants.length < size) {
      const count = Math.min(REKEY_JOINS, size - participants.length);
      const arriving = await Promise.all(Array.from({ length: count }, makeParticipant));
      const joined = arriving.map(({ newcomer }) => newcomer);
      const { sent, cost } = await send({ joined, left: [] });
      messages.push(cost);
      await Promise.all(participants.map((each) => follow(each, sent)));
      await Promise.all(arriving.map((each) => takePlace(each, sent)));
      participants.push(...arriving);
    }
    return { messages, joined: participants.length - before };
  },

  /** Removes somebody in the middle; everybody who stays must come to the new key, and who left must not. */
  remove: async (place: number): Promise<Removal> => {
    const [gone] = participants.splice(place % participants.length, 1);
    if (gone === undefined) throw new RangeError('nobody is there');
    const { sent, cost, key } = await send({ joined: [], left: [gone.newcomer.device_id] });
    const before = cpuMs();
    for (const each of participants) {
      await verifyRekey(sent.token, { iss: HOME, sub: 'host', key: device.publicKey });
      await follow(each, sent);
      if (each.path === undefined || !equalBytes(await openEpochKey(each.path, sent.claims), key)) {
        throw new Error('somebody who stays has another key');
      }
    }
    const memberCpuMs = (cpuMs() - before) / participants.length;
    const stillOpens = await follow(gone, sent).then(
      () => true,
      () => false,
    );
    if (stillOpens) throw new Error('who left can follow');
    return { ...cost, memberCpuMs };
  },
};
export type TreeProcess = typeof handlers;

async function send(
  change: MembersChange,
): Promise<{ sent: PreparedRekey; cost: HostCost; key: Uint8Array }> {
  const secret = epochSecret();
  const before = cpuMs();
  const sent = await host.prepare(change, secret, Math.floor(Date.now() / 1000));
  host.commit(sent);
  const cost = {
    cpuMs: cpuMs() - before,
    tokenBytes: sent.token.length,
    placementBytes: sent.placements.length === 0 ? 0 : JSON.stringify(sent.placements).length,
  };
  return { sent, cost, key: secret.key };
}

function epochSecret(): EpochSecret {
  const id = () => encodeBase64url(crypto.getRandomValues(new Uint8Array(32)));
  return { key: crypto.getRandomValues(new Uint8Array(32)), keyId: id(), commitment: id() };
}

async function makeParticipant(): Promise<Participant> {
  made += 1;
  const number = made;
  const ephemeral = await generateEphemeralKey();
  const newcomer = {
    iss: PARTNER,
    sub: `019a0000-0000-7000-8000-${String(number).padStart(12, '0')}`,
    device_id: sha256Base64url(`device ${number}`),
    ephemeral: encodeBase64url(ephemeral.publicKey),
  };
  return { newcomer, ephemeral, path: undefined };
}

async function follow(participant: Participant, { claims }: PreparedRekey): Promise<void> {
  if (participant.path !== undefined) participant.path = await followRekey(participant.path, claims);
}

async function takePlace(participant: Participant, { claims, placements }: PreparedRekey): Promise<void> {
  const { device_id } = participant.newcomer;
  const entry = claims.change.joined.find((each) => each.device_id === device_id);
  const placement = placements.find((each) => each.device_id === device_id);
  if (entry === undefined || placement === undefined) throw new Error('somebody has no place');
  const place = { ...claims, ...entry };
  participant.path = await openPlacement(placement.box, place, claims.levels, participant.ephemeral);
}

answerParent(handlers);
