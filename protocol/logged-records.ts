import { labelled } from './canonical-json.ts';
import type { LoggedKind } from './keytrans/label.ts';

/** What a key log commits to: the version of a name, and its bytes. */
export interface LoggedValue {
  readonly kind: LoggedKind;
  readonly name: string;
  readonly version: number;
  readonly value: Uint8Array<ArrayBuffer>;
}

/** What a company says of itself: under which root, about which domains. `version` counts from 1, as records do. */
export interface OwnRecord {
  readonly iss: string;
  readonly root_thumbprint: string;
  readonly domains: readonly string[];
  readonly version: number;
}

/** What a bridge (`iss`) has pinned of a partner. `version` counts from 1. */
export interface PinnedRecord {
  readonly iss: string;
  readonly entity_id: string;
  readonly version: number;
  readonly root_thumbprint: string;
  readonly domains: readonly string[];
  readonly status: 'active' | 'suspended' | 'removed';
}

/** The own record as the log has it: named by the entity id, its versions counted from 0, where ladders begin. */
export function loggedOwnRecord({ iss, root_thumbprint, domains, version }: OwnRecord): LoggedValue {
  const value = labelled('trust-change', { iss, root_thumbprint, domains, version });
  return { kind: 'trust-change', name: iss, version: version - 1, value };
}

/** A partner's record as the log of the bridge that pinned it has it. */
export function loggedPartnerRecord(record: PinnedRecord): LoggedValue {
  const { iss, entity_id, version, root_thumbprint, domains, status } = record;
  const value = labelled('trust-change', { iss, entity_id, version, root_thumbprint, domains, status });
  return { kind: 'trust-change', name: entity_id, version: version - 1, value };
}
