import { parseAdmissionPolicy } from '../../protocol/meetings/admission-policy.ts';
import { rotateDevice } from '../device-rotation.ts';
import { actingDevice } from '../groups/acting.ts';
import { createGroup } from '../groups/create-group.ts';
import { lookUp } from '../look-up.ts';
import type { ClientParts } from '../own-account.ts';
import { createPresence } from '../presence.ts';
import { createBridgeGroup, endGroup } from './bridge-group.ts';
import { createBridgeRelay } from './bridge-relay.ts';
import { hostMeeting, joinMeeting } from './enter-meeting.ts';
import type { HostedMeeting, JoinedMeeting, MeetingInvitation, NewMeeting } from './meeting.ts';
import type { MeetingParts } from './session.ts';

/** Makes the group of a meeting, adds everybody, and begins with the first epoch. */
export async function startMeeting(parts: ClientParts, request: NewMeeting): Promise<HostedMeeting> {
  const { label, ends, admins = [], people = [], groups = [], mediaKey, signal } = request;
  const admission = request.admission && parseAdmissionPolicy(request.admission);
  const { statement } = await actingDevice(parts);
  const { iss, group } = await createGroup(parts, { kind: 'meeting', label, ends, admins });
  try {
    const meeting = await partsOf(parts, { iss, group, host: statement.address, mediaKey });
    // Who hosts opens keys as everybody does: by another device, or after somebody took over.
    const everybody = [...new Set([statement.address, ...admins, ...people])];
    const { notAdded } = await meeting.group.add({ people: everybody, groups });
    return await hostMeeting(meeting, { notAdded, signal, admission });
  } catch (error) {
    // Nobody would come to it.
    await endGroup(parts, group).catch(() => undefined);
    throw error;
  }
}

export async function joinAsInvited(
  parts: ClientParts,
  invitation: MeetingInvitation,
): Promise<JoinedMeeting> {
  return joinMeeting(await partsOf(parts, invitation), invitation.signal);
}

async function partsOf(
  parts: ClientParts,
  { iss, group, host, mediaKey }: MeetingInvitation,
): Promise<MeetingParts> {
  const { device, statement } = await actingDevice(parts);
  const meeting = { iss, group };
  return {
    ...{ context: parts.context, device, mediaKey },
    self: { iss: statement.iss, sub: statement.sub, address: statement.address },
    relay: createBridgeRelay(parts.api, meeting),
    group: await createBridgeGroup(parts, meeting, host),
    present: (request) => createPresence(parts, request),
    lookUp: (addresses, options) => lookUp(parts, addresses, options),
    rotateDevice: async () => {
      await rotateDevice(parts);
    },
  };
}
