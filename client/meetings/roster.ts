import { CountersignError } from '../../protocol/errors.ts';
import type { Member } from '../../protocol/meetings/api.ts';
import { MEMBERS_PAGE, ROSTER_DEVICES } from '../../protocol/meetings/limits.ts';
import type { Device } from '../../protocol/meetings/roster.ts';
import { pause } from '../waiting.ts';
import { type Candidate, judgeCandidates } from './candidates.ts';
import { type JudgedDevice, judgeDevices } from './judge-devices.ts';
import type { Participant } from './meeting.ts';
import { withAdmission, withAttributes } from './participants.ts';
import type { Arrival } from './reception.ts';
import { mayBeRenewed, withRenewal } from './renewed-arrivals.ts';
import type { Session } from './session.ts';

/** How often the list is fetched anew because the meeting went on meanwhile. */
const LISTINGS = 20;

/**
 * Everybody, by pages that are verified when they are reached; names as their companies tell them. `known`: who was
 * verified before, which is kept as new as what they show.
 */
export async function* readRoster(
  session: Session,
  devices: readonly Device[],
  known: Map<string, Arrival> = new Map(),
): AsyncGenerator<Participant, void> {
  for (let start = 0; start < devices.length; start += ROSTER_DEVICES) {
    if (session.closing.aborted) return;
    const judged = await judgePage(session, devices.slice(start, start + ROSTER_DEVICES), known);
    const participants = await judgeAdmissions(session, judged);
    yield* await withNames(session, participants);
  }
}

async function judgePage(
  session: Session,
  page: readonly Device[],
  known: Map<string, Arrival>,
): Promise<JudgedDevice[]> {
  const now = session.parts.context.now();
  const isAsked = ({ device_id }: Device) => mayBeRenewed(known.get(device_id), now);
  const asked = page.filter(isAsked);
  const found = await judgeDevices(session, asked);
  const shown = new Map(asked.map(({ device_id }, index) => [device_id, found[index]]));
  return page.flatMap(({ device_id }) => {
    const before = known.get(device_id);
    const after = shown.get(device_id);
    if (before === undefined) return after === undefined ? [] : [after];
    const arrival = after === undefined ? before : withRenewal(before, after, now);
    if (after !== undefined) known.set(device_id, arrival);
    return [arrival];
  });
}

/** With what keeps them out, where the meeting has an admission policy. */
async function judgeAdmissions(session: Session, judged: readonly JudgedDevice[]): Promise<Participant[]> {
  const { admission, parts } = session;
  const candidates = judged.map(({ candidate }) => candidate).filter((each) => each !== null);
  if (admission === null) return judged.map(({ participant }) => participant);
  const reasons = await judgeCandidates(parts, admission, candidates);
  const byCandidate = new Map<Candidate | null, (typeof reasons)[number] | undefined>(
    candidates.map((candidate, index) => [candidate, reasons[index]]),
  );
  return judged.map(({ participant, candidate }) =>
    withAdmission(participant, byCandidate.get(candidate) ?? []),
  );
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

/** One for each leaf of the tree at most: a list without an order would have no end either. */
function assertInOrder(members: readonly Member[], after: number, leaves: number): void {
  let last = after;
  for (const { leaf } of members) {
    if (leaf <= last || leaf >= leaves) {
      throw new CountersignError('bridge_invalid', 'the members are not in the order of the tree');
    }
    last = leaf;
  }
}

/** Null when the list is of another message than the newest one here. */
async function listOnce({ parts, head }: Session): Promise<Member[] | null> {
  const listed: Member[] = [];
  for (;;) {
    const { rekey, members } = await parts.relay.members(listed.at(-1)?.leaf);
    if (rekey === null || rekey !== head?.hash) return null;
    assertInOrder(members, listed.at(-1)?.leaf ?? -1, 2 ** head.claims.levels);
    listed.push(...members);
    if (members.length < MEMBERS_PAGE) return listed;
  }
}
