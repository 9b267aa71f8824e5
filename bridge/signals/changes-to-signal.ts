import type { Json } from '../../protocol/canonical-json.ts';
import type { StoredEvent } from '../events/event.ts';
import { CAEP } from './event-uris.ts';

/** What is told of one event, before it is known to whom. */
export interface ChangeToSignal {
  /** URI of the CAEP event. */
  readonly uri: string;
  /** Whose it is. */
  readonly sub: string;
  /** The address that it is about; else it is about the person, under every address. */
  readonly address?: string;
  /** The device that it is about. Partners are told nothing of devices. */
  readonly device?: string;
  /** `everybody`: partners too. */
  readonly for: 'everybody' | 'receivers';
  readonly members: { readonly [member: string]: Json };
}

/** Names of ours for what CAEP has no word for (credential-change: "any other credential type supported mutually"). */
const KEY = 'countersign-key';
const DEVICE = 'countersign-device';

/**
 * What CAEP 1.0 says of an event of ours; nothing of most. The reasons are fixed sentences: what somebody typed is for the
 * company itself. What a closing or a reset does to each device and token is said once, of the person.
 */
export function changesToSignal(event: StoredEvent): ChangeToSignal[] {
  const { sub, address, device } = event.subject;
  if (sub === undefined || event.outcome !== 'success') return [];
  const said = (uri: string, reason: string, members: ChangeToSignal['members'] = {}) => ({
    ...{ uri, sub },
    members: {
      ...members,
      event_timestamp: Math.floor(Date.parse(event.time) / 1000),
      initiating_entity: initiatorOf(event),
      reason_admin: { en: reason },
    },
  });
  const withAll = event.data.reason === 'closed' || event.data.reason === 'reset';
  switch (event.type) {
    case 'person.closed':
      return [{ ...said(CAEP.sessionRevoked, 'The account was closed.'), for: 'everybody' }];
    case 'person.reset':
      return [{ ...said(CAEP.sessionRevoked, 'The person’s keys were reset.'), for: 'everybody' }];
    case 'statement.revoked':
    case 'statement.published': {
      if (address === undefined) return [];
      return [{ ...said(CAEP.credentialChange, ...keyChange(event)), address, for: 'everybody' }];
    }
    case 'token.revoked': {
      if (withAll) return [];
      const about = device === undefined ? {} : { device };
      return [{ ...said(CAEP.sessionRevoked, 'Tokens were revoked.'), ...about, for: 'receivers' }];
    }
    case 'device.added':
    case 'device.rotated':
    case 'device.removed':
      return device === undefined || withAll ? [] : deviceChanges(event.type, said, device);
    default:
      return [];
  }
}

type Said = (
  uri: string,
  reason: string,
  members?: ChangeToSignal['members'],
) => Pick<ChangeToSignal, 'uri' | 'sub' | 'members'>;

function keyChange({ type, data }: StoredEvent): [reason: string, members: ChangeToSignal['members']] {
  const change = (change_type: string) => ({ credential_type: KEY, change_type });
  if (type === 'statement.revoked') return ['The key was revoked.', change('revoke')];
  if (data.version === 1) return ['The person enrolled.', change('create')];
  return ['The person has another key.', change('update')];
}

function deviceChanges(
  type: 'device.added' | 'device.rotated' | 'device.removed',
  said: Said,
  device: string,
): ChangeToSignal[] {
  const credential = (change_type: string, reason: string): ChangeToSignal => ({
    ...said(CAEP.credentialChange, reason, { credential_type: DEVICE, change_type }),
    ...{ device, for: 'receivers' },
  });
  if (type === 'device.added') return [credential('create', 'A device was added.')];
  if (type === 'device.rotated') return [credential('update', 'A device replaced its key.')];
  const statuses = { previous_status: 'compliant', current_status: 'not-compliant' };
  return [
    credential('delete', 'A device was removed.'),
    {
      ...said(CAEP.deviceComplianceChange, 'A device was removed.', statuses),
      ...{ device, for: 'receivers' },
    },
  ];
}

/** CAEP 1.0 §2: who began it. */
function initiatorOf({ actor }: StoredEvent): 'admin' | 'user' | 'system' {
  if (actor.kind === 'administrator') return 'admin';
  return actor.kind === 'person' ? 'user' : 'system';
}
