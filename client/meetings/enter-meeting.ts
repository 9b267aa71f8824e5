import { CountersignError } from '../../protocol/errors.ts';
import type { AdmissionPolicy } from '../../protocol/meetings/admission-policy.ts';
import type { Addition } from '../groups/groups.ts';
import { Attendance } from './attendance.ts';
import { beginHosting } from './begin-hosting.ts';
import { createMemberRole } from './member-role.ts';
import { readNewest } from './newest-message.ts';
import { createSession, type MeetingParts, type Session } from './session.ts';

/** Hosts the meeting of a group that this device has just made, until the signal is aborted. */
export async function hostMeeting(
  parts: MeetingParts,
  {
    signal,
    notAdded = [],
    admission,
  }: {
    readonly signal?: AbortSignal | undefined;
    readonly notAdded?: Addition['notAdded'];
    readonly admission?: AdmissionPolicy | undefined;
  } = {},
): Promise<Attendance> {
  return entering(parts, signal, async (session) => {
    const { message, seq } = await readNewest(session);
    return { role: await beginHosting(session, message, admission), seq, notAdded };
  });
}

/**
 * Takes part: with a key as soon as this resolves, with a place in the tree when the host has given one. Where the
 * meeting has an admission policy there is no key before the place.
 */
export async function joinMeeting(parts: MeetingParts, signal?: AbortSignal): Promise<Attendance> {
  return entering(parts, signal, async (session) => {
    const role = createMemberRole(session);
    return { role, seq: await role.enter(), notAdded: [] };
  });
}

interface Begun {
  readonly role: ConstructorParameters<typeof Attendance>[1];
  readonly seq: number;
  readonly notAdded: Addition['notAdded'];
}

async function entering(
  parts: MeetingParts,
  signal: AbortSignal | undefined,
  begin: (session: Session) => Promise<Begun>,
): Promise<Attendance> {
  const session = createSession(parts);
  const end = () => session.close();
  signal?.addEventListener('abort', end, { once: true });
  session.closing.addEventListener('abort', () => signal?.removeEventListener('abort', end), { once: true });
  try {
    signal?.throwIfAborted();
    const { role, seq, notAdded } = await begin(session);
    signal?.throwIfAborted();
    const attendance = new Attendance(session, role, notAdded);
    attendance.listen(seq);
    return attendance;
  } catch (error) {
    session.close();
    throw signal?.aborted ? new CountersignError('aborted') : error;
  }
}
