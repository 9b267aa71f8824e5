import type { SinkEvent } from '../../sink-event.ts';
import { actorIp } from '../event-members.ts';
import type { EventOrigin } from '../formatter.ts';

/** What OCSF takes for an e-mail address (`email_t`): a pseudonym is none. */
const EMAIL = /^[a-zA-Z0-9!#$%&'*+\-/=?^_`{|}~.]+@[a-zA-Z0-9-]+\.[a-zA-Z0-9.-]+$/;

/** Where nobody is known: the class demands somebody. */
export const UNKNOWN_USER = { name: 'unknown', type_id: 0, type: 'Unknown' };

/** The person that the event is about. */
export function subjectUser({ subject }: SinkEvent): object | undefined {
  const { sub, address } = subject;
  if (sub === undefined && address === undefined) return undefined;
  return {
    uid: sub,
    name: address,
    email_addr: address !== undefined && EMAIL.test(address) ? address : undefined,
    ...{ type_id: 1, type: 'User' },
  };
}

/** Who acted: a person or an administrator as a user, a partner's bridge or this one as an app. */
export function actorObject({ actor }: SinkEvent, { iss }: EventOrigin): object {
  switch (actor.kind) {
    case 'person':
      return { user: { uid: actor.sub, type_id: 1, type: 'User' } };
    case 'administrator':
      return { user: { uid: actor.id, name: actor.name, type_id: 2, type: 'Admin' } };
    case 'partner':
      return { app_name: 'Partner bridge', app_uid: actor.iss };
    case 'system':
      return { app_name: 'Countersign', app_uid: iss };
    default:
      return { user: { name: 'anonymous', type_id: 0, type: 'Unknown' } };
  }
}

/** Where the request came from. What is no IP address (a pseudonym) stands in the name. */
export function sourceEndpoint(event: SinkEvent): object | undefined {
  const { address, device, iss } = event.actor;
  if (address === undefined && device === undefined && iss === undefined) return undefined;
  const ip = actorIp(event);
  return { ip, name: ip === undefined ? address : undefined, uid: device, svc_name: iss };
}
