import { CountersignError } from '../../protocol/errors.ts';
import type { Addition } from '../groups/groups.ts';
import { Attendance } from './attendance.ts';
import { beginHosting } from './host-role.ts';
import { createMemberRole } from './member-role.ts';
import { createSession, type MeetingParts, type Session } from './session.ts';
import { untilSent } from './until-sent.ts';

/** Hosts the meeting of a group that this device has just made, until the signal is aborted. */
export async function hostMeeting(
  parts: MeetingParts,
  {
    signal,
    notAdded = [],
  }: { readonly signal?: AbortSignal | undefined; readonly notAdded?: Addition['notAdded'] } = {},
): Promise<Attendance> {
  return entering(parts, signal, async (session) => {
    const { rekey, signers, seq } = await untilSent(session, () => parts.relay.state());
    const before = rekey === null ? null : await session.senders.verify(rekey, signers);
    return { role: await beginHosting(session, before), seq, notAdded };
  });
}

/** Takes part: with a key as soon as this resolves, with a place in the tree when the host has given one. */
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
