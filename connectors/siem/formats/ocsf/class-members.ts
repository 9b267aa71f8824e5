import type { SinkEvent } from '../../sink-event.ts';
import { firstMemberText, memberText } from '../event-members.ts';
import type { EventOrigin } from '../formatter.ts';
import type { OcsfMapping } from '../mapping/event-mapping.ts';
import { mappingOf } from '../mapping/event-mappings.ts';
import { entityMember, groupObject } from './entity-member.ts';
import { actorObject, sourceEndpoint, subjectUser, UNKNOWN_USER } from './people.ts';

/** The members that a class has beyond those of all events, its required ones always. */
export function classMembers(event: SinkEvent, mapping: OcsfMapping, origin: EventOrigin): object {
  const who = { actor: actorObject(event, origin), src_endpoint: sourceEndpoint(event) };
  switch (mapping.class) {
    case 'authentication':
      return { ...who, user: subjectUser(event) ?? UNKNOWN_USER, ...signInMembers(event, origin) };
    case 'account_change':
      return { ...who, user: subjectUser(event) ?? UNKNOWN_USER };
    case 'entity_management':
      return {
        ...who,
        entity: entityMember(event, mapping.entity),
        comment: memberText(event, 'data.reason'),
      };
    case 'group_management':
      return { ...who, group: groupObject(event), ...memberOf(event) };
    case 'api_activity':
      return {
        ...apiMembers(event, origin),
        ...who,
        src_endpoint: who.src_endpoint ?? { name: event.actor.kind },
      };
    case 'application_lifecycle':
      return { app: { name: 'Countersign', vendor_name: 'Countersign', version: origin.version } };
    case 'detection_finding':
      return { is_alert: true, finding_info: findingInfo(event) };
    default:
      return {};
  }
}

const AUTH_PROTOCOLS: Readonly<Record<string, object>> = {
  oidc: { auth_protocol_id: 4, auth_protocol: 'OpenID' },
  saml: { auth_protocol_id: 5, auth_protocol: 'SAML' },
};

function signInMembers(event: SinkEvent, { iss }: EventOrigin): object {
  const protocol = memberText(event, 'data.protocol') ?? '';
  return {
    service: { name: 'Countersign', uid: iss },
    is_remote: true,
    ...(Object.hasOwn(AUTH_PROTOCOLS, protocol) ? AUTH_PROTOCOLS[protocol] : {}),
  };
}

/** Who came into a group, or went out of it. */
function memberOf(event: SinkEvent): object {
  const uid = memberText(event, 'data.member');
  if (uid === undefined) return {};
  return event.data.kind === 'group' ? { subgroup: { uid } } : { user: { uid, type_id: 1 } };
}

function apiMembers(event: SinkEvent, { iss }: EventOrigin): object {
  const partner = event.subject.partner;
  return {
    api: {
      operation: operationOf(event),
      service: { name: 'Countersign', uid: iss },
      request: event.request_id === null ? undefined : { uid: event.request_id },
      response: event.code === null ? undefined : { code: responseCode(event), error: event.code },
    },
    dst_endpoint: partner === undefined ? undefined : { uid: partner, svc_name: partner },
  };
}

function operationOf(event: SinkEvent): string {
  if (event.type === 'request.refused') {
    return (
      `${memberText(event, 'data.method') ?? ''} ${memberText(event, 'data.route') ?? ''}`.trim() ||
      event.type
    );
  }
  return firstMemberText(event, ['data.action']) ?? event.type;
}

function responseCode(event: SinkEvent): number | undefined {
  return typeof event.data.status === 'number' ? event.data.status : undefined;
}

function findingInfo(event: SinkEvent): object {
  return {
    uid: event.event_id,
    title: mappingOf(event.type).title,
    desc: firstMemberText(event, ['data.detail', 'data.finding', 'data.reason']),
    created_time: Date.parse(event.time),
    types: [event.type],
  };
}
