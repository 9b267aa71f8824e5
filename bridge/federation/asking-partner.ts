import type { AskingParty } from '../binding/permission.ts';
import type { Partner } from './partner-store.ts';

/** A partner as policy knows it. Who of its people asks, and how they signed in, only their own bridge knows. */
export function askingPartner({ entity_id: id, status, domains }: Partner): AskingParty {
  const standing = status === 'active' ? 'active' : 'suspended';
  return { principal: { kind: 'partner', id, status: standing, domains }, context: {} };
}
