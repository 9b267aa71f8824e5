import type { Json } from '../../protocol/canonical-json.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { type MeetingBridgeRequest, meetingBridgeRequestSchema } from '../../protocol/meetings/federation.ts';
import type { AcceptedRequest, AcceptedRequests } from '../federation/accepted-requests.ts';
import { askingPartner } from '../federation/asking-partner.ts';
import { findPartner } from '../federation/partner-store.ts';
import { findGroup } from '../groups/services.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import type { RequestContext } from '../lib/request-context.ts';
import type { Decide } from '../policy/decision.ts';
import type { Database } from '../storage/database.ts';
import { type Attendance, requireAttendance } from './attendance.ts';
import type { Feed, RelaySource } from './feeds.ts';
import type { Asking, HomeMeetings } from './home-meetings.ts';
import { findMeeting } from './meeting-store.ts';
import type { PartnerPolls, PollRequest } from './partner-polls.ts';
import { challengeFor, epochOf, partnerEndorsement, verifyPartnerPresence } from './presence-evidence.ts';
import type { RenewPresence } from './presence-renewals.ts';
import type { Presences } from './presences.ts';

export interface PartnerRequestsDeps {
  readonly iss: string;
  readonly database: Database;
  readonly clock: Clock;
  readonly requests: Pick<AcceptedRequests, 'accept' | 'respond'>;
  readonly home: HomeMeetings;
  readonly presences: Presences;
  readonly renewPresence: RenewPresence;
  readonly polls: PartnerPolls;
  readonly decide: Decide;
  /** The messages of a meeting that is kept here. */
  readonly feedOf: (group: string, head: number) => { readonly feed: Feed; readonly source: RelaySource };
}

type Accepted = AcceptedRequest<MeetingBridgeRequest>;
/** Members that are left out are no JSON; everything else that the schemas describe is. */
type Answer = Readonly<Record<string, unknown>>;

/**
 * Answers a partner's signed request about a meeting that is kept here (`meeting-request+jwt`). A partner speaks for its
 * own people: what they may is read from the records each time, and what leaves is for its people alone. Throws what
 * accepting, `HomeMeetings` and `verifyPartnerPresence` throw.
 */
export type AnswerPartner = (token: string, context: RequestContext) => Promise<string>;

export function createAnswerPartner(deps: PartnerRequestsDeps): AnswerPartner {
  const { iss, database, clock, home, presences, polls } = deps;

  function askingOf(
    { partner, claims }: Accepted,
    { sub, via }: { readonly sub: string; readonly via: readonly string[] },
  ): Asking {
    return {
      group: claims.group,
      person: { iss: partner.entity_id, sub, via },
      asker: askingPartner(partner),
    };
  }

  async function enter(
    request: Accepted,
    claims: Extract<MeetingBridgeRequest, { act: 'present' }>,
    context: RequestContext,
  ): Promise<Answer> {
    const { group, sub, via, device_id: deviceId, evidence } = claims;
    const asking = askingOf(request, claims);
    const challenge = await database.read(async (query) => {
      await home.require(query, asking);
      return challengeFor(query, group, epochOf(evidence.proof));
    });
    const device = { iss: request.partner.entity_id, sub, deviceId, via };
    const expected = { aud: iss, meeting: group, ...challenge };
    await verifyPartnerPresence(request.partner, device, evidence, expected, seconds(clock));
    const permit = (attendance: Attendance) => requireAttendance(deps.decide, asking.asker, attendance);
    const seq = await presences.enter({ group, device, evidence, challenge, permit }, context);
    return { seq };
  }

  async function renew(
    request: Accepted,
    claims: Extract<MeetingBridgeRequest, { act: 'renew' }>,
  ): Promise<Answer> {
    const { group, sub, via, device_id: deviceId, evidence } = claims;
    const { asker } = askingOf(request, claims);
    const endorsement = await partnerEndorsement(request.partner, evidence, seconds(clock));
    const device = { iss: request.partner.entity_id, sub, deviceId, via };
    const permit = (attendance: Attendance) => requireAttendance(deps.decide, asker, attendance);
    await deps.renewPresence({ group, device, evidence, endorsement, permit });
    return {};
  }

  async function poll(request: Accepted, claims: PollRequest): Promise<Answer> {
    const asking = askingOf(request, claims);
    const { head } = await home.admit(asking, claims.after);
    const from = deps.feedOf(claims.group, head);
    const { messages, through } = await polls.answer(request.partner.entity_id, claims, from);
    await assertStands(asking);
    return { messages, through };
  }

  /** A question is held open for long: neither partner nor person may have been restricted meanwhile (PROTOCOL §8). */
  async function assertStands(asking: Asking): Promise<void> {
    const { group, person } = asking;
    const partner = await database.read((query) => findPartner(query, person.iss));
    if (partner?.status !== 'active') throw new CountersignError('partner_suspended');
    const [role] = await home.rolesOf(group, [person]);
    // The end is a message of its own.
    if (role === 'none') {
      const record = await database.read((query) => findGroup(query, group));
      if (record?.status !== 'ended') throw new CountersignError('group_unknown');
      return;
    }
    // Another policy may have come into force.
    await database.read((query) => home.require(query, asking));
  }

  /** Who of these people may be there; nothing is said of a meeting in which none of them is. */
  async function admit(
    request: Accepted,
    { group, people }: Extract<MeetingBridgeRequest, { act: 'admit' }>,
  ): Promise<Answer> {
    const asking = people.map((person) => askingOf(request, person));
    const roles = await home.rolesOf(
      group,
      asking.map(({ person }) => person),
    );
    const admitted = asking.filter((_, index) => roles[index] !== 'none');
    const [first] = admitted.length > 0 ? admitted : asking;
    if (first === undefined) throw new CountersignError('group_unknown');
    const meeting = await database.read(async (query) => {
      await home.require(query, first);
      return findMeeting(query, group);
    });
    const { seq = 0, pruned = 0 } = meeting ?? {};
    return { admitted: admitted.map(({ person }) => person.sub), seq, pruned };
  }

  async function answer(request: Accepted, context: RequestContext): Promise<Answer> {
    const { claims } = request;
    switch (claims.act) {
      case 'state':
        return { state: await home.state(askingOf(request, claims)) };
      case 'members':
        return { members: await home.members(askingOf(request, claims), claims.after) };
      case 'roster':
        return { roster: await home.roster(askingOf(request, claims), claims.devices) };
      case 'present':
        return enter(request, claims, context);
      case 'renew':
        return renew(request, claims);
      case 'leave': {
        const device = { iss: request.partner.entity_id, device_id: claims.device_id };
        await presences.leave(claims.group, [device], claims.reason, context);
        return {};
      }
      case 'admit':
        return admit(request, claims);
      case 'poll':
        return poll(request, claims);
    }
  }

  return async (token, context) => {
    const request = await deps.requests.accept(token, 'meeting-request+jwt', meetingBridgeRequestSchema);
    const actor = { kind: 'partner', iss: request.partner.entity_id } as const;
    const said = await answer(request, { ...context, actor });
    return deps.requests.respond(request, 'meeting-response+jwt', said as Readonly<Record<string, Json>>);
  };
}
