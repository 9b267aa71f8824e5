import type { Transaction } from '../database.ts';
import * as storage from './001-storage.ts';
import * as directory from './002-directory.ts';
import * as oneTime from './003-one-time.ts';
import * as signer from './004-signer.ts';
import * as logs from './005-logs.ts';
import * as federation from './006-federation.ts';
import * as binding from './007-binding.ts';
import * as administration from './008-administration.ts';
import * as identity from './009-identity.ts';
import * as oauth from './010-oauth.ts';
import * as appKinds from './011-app-kinds.ts';
import * as administratorLineage from './012-administrator-lineage.ts';
import * as services from './013-services.ts';
import * as transparency from './014-transparency.ts';
import * as keyMap from './015-key-map.ts';
import * as witness from './016-witness.ts';
import * as groups from './017-groups.ts';
import * as meetings from './018-meetings.ts';
import * as rotation from './019-rotation.ts';
import * as escrow from './020-escrow.ts';
import * as organizationEscrow from './021-organization-escrow.ts';
import * as policy from './022-policy.ts';
import * as meetingAdmission from './023-meeting-admission.ts';
import * as meetingsAbroad from './024-meetings-abroad.ts';
import * as sinks from './025-sinks.ts';
import * as foreignChanges from './026-foreign-changes.ts';
import * as signals from './027-signals.ts';
import * as eventPruning from './028-event-pruning.ts';
import * as signalTransmitters from './029-signal-transmitters.ts';
import * as originalEvents from './030-original-events.ts';
import * as receiverTokens from './031-receiver-tokens.ts';
import * as meetingProgress from './032-meeting-progress.ts';
import * as sinkBounds from './033-sink-bounds.ts';
import * as groupEvidence from './034-group-evidence.ts';
import * as publishedSize from './035-published-size.ts';
import * as officerRoots from './036-officer-roots.ts';
import * as keptEscrows from './037-kept-escrows.ts';
import * as lostEntries from './038-lost-entries.ts';
import * as recoveryKeyReplacement from './039-recovery-key-replacement.ts';
import * as encryptionKeyAges from './040-encryption-key-ages.ts';
import * as withdrawnApprovals from './041-withdrawn-approvals.ts';

/** One step of the schema. It must not read what later versions of the code may change: spell everything out. */
export interface Migration {
  /** `NNN-name`, numbered from 001 without gaps: the name of its file. Never changed once released. */
  readonly id: string;
  up(transaction: Transaction): Promise<void>;
}

/**
 * In the order in which they are applied, each in a transaction of its own. Only ever add at the end.
 *
 * Column types are `text`, `integer` (64 bits: the PostgreSQL driver makes it `bigint`) and `blob` (there `bytea`).
 * No autoincrement: an id is minted by the code, a sequence number by whoever sequences.
 */
export const MIGRATIONS: readonly Migration[] = [
  { id: '001-storage', up: storage.up },
  { id: '002-directory', up: directory.up },
  { id: '003-one-time', up: oneTime.up },
  { id: '004-signer', up: signer.up },
  { id: '005-logs', up: logs.up },
  { id: '006-federation', up: federation.up },
  { id: '007-binding', up: binding.up },
  { id: '008-administration', up: administration.up },
  { id: '009-identity', up: identity.up },
  { id: '010-oauth', up: oauth.up },
  { id: '011-app-kinds', up: appKinds.up },
  { id: '012-administrator-lineage', up: administratorLineage.up },
  { id: '013-services', up: services.up },
  { id: '014-transparency', up: transparency.up },
  { id: '015-key-map', up: keyMap.up },
  { id: '016-witness', up: witness.up },
  { id: '017-groups', up: groups.up },
  { id: '018-meetings', up: meetings.up },
  { id: '019-rotation', up: rotation.up },
  { id: '020-escrow', up: escrow.up },
  { id: '021-organization-escrow', up: organizationEscrow.up },
  { id: '022-policy', up: policy.up },
  { id: '023-meeting-admission', up: meetingAdmission.up },
  { id: '024-meetings-abroad', up: meetingsAbroad.up },
  { id: '025-sinks', up: sinks.up },
  { id: '026-foreign-changes', up: foreignChanges.up },
  { id: '027-signals', up: signals.up },
  { id: '028-event-pruning', up: eventPruning.up },
  { id: '029-signal-transmitters', up: signalTransmitters.up },
  { id: '030-original-events', up: originalEvents.up },
  { id: '031-receiver-tokens', up: receiverTokens.up },
  { id: '032-meeting-progress', up: meetingProgress.up },
  { id: '033-sink-bounds', up: sinkBounds.up },
  { id: '034-group-evidence', up: groupEvidence.up },
  { id: '035-published-size', up: publishedSize.up },
  { id: '036-officer-roots', up: officerRoots.up },
  { id: '037-kept-escrows', up: keptEscrows.up },
  { id: '038-lost-entries', up: lostEntries.up },
  { id: '039-recovery-key-replacement', up: recoveryKeyReplacement.up },
  { id: '040-encryption-key-ages', up: encryptionKeyAges.up },
  { id: '041-withdrawn-approvals', up: withdrawnApprovals.up },
];
