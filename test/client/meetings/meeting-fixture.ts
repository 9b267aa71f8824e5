import type { Attendance } from '../../../client/meetings/attendance.ts';
import { hostMeeting, joinMeeting } from '../../../client/meetings/enter-meeting.ts';
import type { EpochKey, JoinedMeeting } from '../../../client/meetings/meeting.ts';
import type { MeetingRelay } from '../../../client/meetings/relay.ts';
import type { MeetingParts } from '../../../client/meetings/session.ts';
import { sha256Base64url } from '../../../protocol/hash.ts';
import type { IdentityAttributes } from '../../../protocol/identity-attributes.ts';
import type { AdmissionPolicy } from '../../../protocol/meetings/admission-policy.ts';
import { claimedRekey } from '../../../protocol/meetings/rekey-message.ts';
import { PRESENCE_LIFE } from '../../../protocol/presence.ts';
import { type PresenceRenewal, signPresenceRenewal } from '../../../protocol/presence-renewal.ts';
import { loadTransformEngine } from '../../../recrypt/load-node.ts';
import { type FakeBridge, startFakeBridge } from '../../fakes/fake-bridge/fake-bridge.ts';
import { createMemoryMeeting, type MemoryMeeting } from './memory-relay.ts';
import { type Attending, attending, createMemoryGroup, type MemoryGroup } from './people.ts';

const engine = await loadTransformEngine();

export type SignIn = NonNullable<IdentityAttributes['sign_in']>;

/** A meeting with a host and people of one company, over a relay that can lie. */
export interface MeetingAtWork {
  readonly bridge: FakeBridge;
  readonly meeting: MemoryMeeting;
  readonly group: MemoryGroup;
  readonly people: Readonly<Record<string, Attending>>;
  person(name: string): Attending;
  relay(name: string): MeetingRelay;
  /** `parts`: what this device, a dishonest host's for one, has in the place of its own. */
  host(name: string, admission?: AdmissionPolicy, parts?: Partial<MeetingParts>): Promise<Attendance>;
  join(name: string, signal?: AbortSignal, parts?: Partial<MeetingParts>): Promise<Attendance>;
  /** Time passes; what the company says from then on is as of then. */
  pass(seconds: number): void;
  /** Somebody's device shows again that it is there, without waiting for it; `changes` and `signer` make it a lie. */
  renew(
    name: string,
    lie?: { readonly changes?: Partial<PresenceRenewal>; readonly signer?: string },
  ): Promise<void>;
  /** From now on their company tells this of how they signed in; null: nothing. */
  signsIn(name: string, signIn: SignIn | null): void;
  close(): Promise<void>;
}

/** The first is the host; all are members of the group, `admins` may host. */
export async function meetingOf(
  names: readonly string[],
  admins: readonly string[] = [],
): Promise<MeetingAtWork> {
  const { bridge, close } = await startFakeBridge(engine);
  const people: Record<string, Attending> = {};
  for (const name of names) people[name] = await attending(bridge, engine, name);
  const meeting = createMemoryMeeting();
  const person = (name: string): Attending => {
    const found = people[name];
    if (found === undefined) throw new TypeError(`nobody is called ${name}`);
    return found;
  };
  const group = createMemoryGroup(engine, person(names[0] ?? ''), meeting);
  for (const name of names) group.members.add(person(name));
  for (const name of admins) group.admins.push(person(name));
  const open: Attendance[] = [];

  function relay(name: string): MeetingRelay {
    const who = person(name);
    const { iss, sub, device } = who;
    const admin = group.admins.includes(who);
    return meeting.relayFor({ iss, sub, deviceId: device.id, admin, evidence: () => who.evidence() });
  }
  function partsOf(name: string): MeetingParts {
    const who = person(name);
    const { iss, sub, address, client, context, device } = who;
    return {
      ...{ context, device, mediaKey: `media of ${name}`, self: { iss, sub, address } },
      ...{ relay: relay(name), group: group.of(who) },
      present: (request) => client.createPresence(request),
      lookUp: (addresses) => client.lookUp(addresses),
    };
  }
  async function keeping(entering: Promise<Attendance>): Promise<Attendance> {
    const attendance = await entering;
    open.push(attendance);
    return attendance;
  }
  return {
    ...{ bridge, meeting, group, people, person, relay },
    host: (name, admission, changes) => keeping(hostMeeting({ ...partsOf(name), ...changes }, { admission })),
    pass(seconds) {
      bridge.time += seconds;
      bridge.company.issuedAt = bridge.time;
    },
    async renew(name, { changes = {}, signer = name } = {}) {
      const { device, iss, sub } = person(name);
      const { proof = '' } = meeting.shown.findLast(({ device_id }) => device_id === device.id) ?? {};
      const { epoch, challenge } = claimedRekey(meeting.uploads.at(-1)?.token ?? '').claims;
      const renewal = await signPresenceRenewal(person(signer).device.sig, {
        ...{ iss, sub, device_id: device.id, aud: iss, meeting: group.id },
        ...{ presence: sha256Base64url(proof), epoch, challenge },
        ...{ iat: bridge.time, exp: bridge.time + PRESENCE_LIFE, ...changes },
      });
      await relay(name).renew(renewal);
    },
    signsIn(name, signIn) {
      const { address, sub } = person(name);
      bridge.lookUps.results.set(address, async (honest) => {
        if (honest.status !== 'credential' || signIn === null) return honest;
        const attributes = await bridge.company.attributes(bridge.issuer, { sub, sign_in: signIn });
        return { ...honest, credential: { ...honest.credential, attributes } };
      });
    },
    join: (name, signal, changes) => keeping(joinMeeting({ ...partsOf(name), ...changes }, signal)),
    async close() {
      await Promise.all(open.map((each) => each.leave().catch(() => undefined)));
      await close();
    },
  };
}

/** The key of this epoch, or the first after it. */
export async function keyOf(attendance: JoinedMeeting, epoch: number): Promise<EpochKey> {
  for await (const key of attendance.keys()) if (key.epoch >= epoch) return key;
  throw new Error(`the meeting ended before epoch ${epoch}`);
}
