import { CountersignError } from '../../protocol/errors.ts';
import type { AdmissionPolicy } from '../../protocol/meetings/admission-policy.ts';
import { MeetingHost } from '../../protocol/meetings/host-tree.ts';
import { createHostAdmission } from './host-admission.ts';
import type { HostRole } from './host-role.ts';
import { Hosting } from './hosting.ts';
import { showPresence } from './own-presence.ts';
import type { Head, Session } from './session.ts';

/**
 * Makes this device the host, and begins the term with a first epoch. `after`: the newest message, for a take-over, which
 * goes on with the admission policy that is in force. Throws `conflict` when it is not the newest, `admission_refused`
 * where the host does not satisfy the policy.
 */
export async function beginHosting(
  session: Session,
  after: Head | null,
  policy?: AdmissionPolicy,
): Promise<HostRole> {
  const { group, device, self } = session.parts;
  const host = MeetingHost.begin({
    ...{ group: group.group, iss: group.iss, sub: self.sub, device: device.sig },
    after,
  });
  const role = new Hosting(session, host, await createHostAdmission(session, host.term, policy));
  await role.rekey();
  await showHost(session, host);
  return role;
}

/** The host has no place in the tree, but is in the roster of the others. */
async function showHost(session: Session, host: MeetingHost): Promise<void> {
  const challenge = host.challenge(host.epoch);
  if (challenge === undefined) throw new CountersignError('internal', 'a term without an epoch');
  await showPresence(session, { epoch: host.epoch, challenge });
}
