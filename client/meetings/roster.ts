import { CountersignError } from '../../protocol/errors.ts';
import { CLOCK_SKEW } from '../../protocol/jws.ts';
import type { Member, RosterParticipant } from '../../protocol/meetings/api.ts';
import { MEMBERS_PAGE, ROSTER_DEVICES } from '../../protocol/meetings/limits.ts';
import type { Device } from '../../protocol/meetings/roster.ts';
import type { Presence } from '../../protocol/presence.ts';
import { pause } from '../waiting.ts';
import { type ExpectedPlace, type JudgedPresence, judgePresences } from './judge-presences.ts';
import type { Participant } from './meeting.ts';
import { describePresent, describeRefused, withAttributes } from './participants.ts';
import type { Session } from './session.ts';

/** How often the list is fetched anew because the meeting went on meanwhile. */
const LISTINGS = 20;

/** Everybody, by pages that are verified when they are reached; names as their companies tell them. */
export async function* readRoster(
  session: Session,
  devices: readonly Device[],
  known: (deviceId: string) => Participant | undefined,
): AsyncGenerator<Participant, void> {
  for (let start = 0; start < devices.length; start += ROSTER_DEVICES) {
    if (session.closing.aborted) return;
    const page = devices.slice(start, start + ROSTER_DEVICES);
    const judged = await judgePage(
      session,
      page.filter(({ device_id }) => known(device_id) === undefined),
    );
    const participants = page.map(
      (device) =>
        known(device.device_id) ?? judged.get(device.device_id) ?? describeRefused(device, noEvidence()),
    );
    yield* await withNames(session, participants);
  }
}

async function judgePage(
  session: Session,
  devices: readonly Device[],
): Promise<ReadonlyMap<string, Participant>> {
  if (devices.length === 0) return new Map();
  const { relay, context, lookUp } = session.parts;
  const { participants } = await relay.roster(devices.map(({ device_id }) => device_id));
  const judge = (shown: readonly RosterParticipant[]) =>
    judgePresences(context, shown, (claims) => placeOf(session, claims));
  let judged = await judge(participants);
  // Records of companies come with look-ups.
  if (judged.some((each) => !each.ok && each.error.code === 'issuer_unknown')) {
    await lookUp(participants.map(({ address }) => address));
    judged = await judge(participants);
  }
  const byDevice = new Map(participants.map(({ device_id }, index) => [device_id, judged[index]]));
  return new Map(
    devices.map((device) => [device.device_id, describe(device, byDevice.get(device.device_id))]),
  );
}

function describe(device: Device, judged: JudgedPresence | undefined): Participant {
  if (judged === undefined) return describeRefused(device, noEvidence());
  if (!judged.ok) return describeRefused(device, judged.error);
  const { iss, sub, device_id } = judged.presence;
  if (iss !== device.iss || sub !== device.sub || device_id !== device.device_id) {
    return describeRefused(
      device,
      new CountersignError('presence_mismatch', 'the proof is of another device'),
    );
  }
  return describePresent(judged);
}

function noEvidence(): CountersignError {
  return new CountersignError('bridge_invalid', 'the bridge shows no evidence of this device');
}

/** A proof lives two minutes and is looked at later: it must have been alive when it was made, for this meeting. */
function placeOf(session: Session, { epoch, challenge, iat }: Presence): ExpectedPlace {
  const { context, group } = session.parts;
  const newest = session.head?.claims.epoch ?? 0;
  if (epoch > newest || iat > context.now() + CLOCK_SKEW) {
    throw new CountersignError('presence_mismatch', 'the proof is for an epoch that was not yet');
  }
  const known = session.challengeOf(epoch) ?? challenge;
  return { aud: group.iss, meeting: group.group, epoch, challenge: known, at: iat };
}

/** What the companies tell this client of their people. Without an answer the roster has no names. */
async function withNames(session: Session, participants: readonly Participant[]): Promise<Participant[]> {
  const addresses = participants.flatMap(({ address }) => (address === null ? [] : [address]));
  if (addresses.length === 0) return [...participants];
  const answers = await session.parts.lookUp(addresses).catch(() => []);
  const byAddress = new Map(answers.map((answer) => [answer.address, answer]));
  return participants.map((each) =>
    each.address === null ? each : withAttributes(each, byAddress.get(each.address)),
  );
}

/** The list of members that the bridge keeps, whole, after the newest message; `adopt` holds it against that message. */
export async function listMembers(
  session: Session,
  adopt: (members: readonly Member[]) => Promise<void>,
): Promise<void> {
  const { firstMs, longestMs } = session.parts.context.polling;
  for (let listings = 1; ; listings += 1) {
    const members = await listOnce(session);
    if (members !== null) return adopt(members);
    if (listings === LISTINGS) throw new CountersignError('conflict', 'the meeting goes on too fast');
    await pause(Math.min(firstMs * listings, longestMs), session.closing);
  }
}

/** Null when the list is of another message than the newest one here. */
async function listOnce({ parts, head }: Session): Promise<Member[] | null> {
  const listed: Member[] = [];
  for (;;) {
    const { rekey, members } = await parts.relay.members(listed.at(-1)?.leaf);
    if (rekey === null || rekey !== head?.hash) return null;
    const first = members[0];
    if (first !== undefined && first.leaf <= (listed.at(-1)?.leaf ?? -1)) {
      throw new CountersignError('bridge_invalid', 'the members are not in order');
    }
    listed.push(...members);
    if (members.length < MEMBERS_PAGE) return listed;
  }
}
