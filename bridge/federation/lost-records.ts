import { loggedPartnerRecord } from '../../protocol/logged-records.ts';
import type { EventLog } from '../events/event-log.ts';
import { succeeded } from '../events/succeeded.ts';
import type { StagingLog } from '../keylog/key-log.ts';
import { SYSTEM } from '../lib/request-context.ts';
import type { Transaction } from '../storage/database.ts';
import { writeFact } from '../storage/facts.ts';
import { OWN_RECORD } from './partner-records.ts';
import { findPartner, savePartner } from './partner-store.ts';

export interface LostRecordsDeps {
  readonly issuer: string;
  readonly events: Pick<EventLog, 'append'>;
  readonly keyLog: StagingLog;
}

const REASON = 'What was decided about it last is lost with the store: approve it anew by its fingerprint.';

/**
 * After a recovery of the log, of records whose newest versions are lost (`marker`: the version that was put behind them):
 * a partner is suspended until it is approved anew, since it may have been removed; the counters go on. Answers whether the
 * name is that of a record.
 */
export async function restrictLostRecord(
  { issuer, events, keyLog }: LostRecordsDeps,
  tx: Transaction,
  { name, version: marker }: { readonly name: string; readonly version: number },
): Promise<boolean> {
  // records count from 1, the log from 0
  const lastRecord = marker + 1;
  if (name === issuer) {
    await writeFact(tx, OWN_RECORD, `${lastRecord} lost`);
    return true;
  }
  const partner = await findPartner(tx, name);
  if (partner === undefined) return false;
  const status = partner.status === 'removed' ? 'removed' : 'suspended';
  const restricted = { ...partner, status, reason: REASON, version: lastRecord + 1 } as const;
  await savePartner(tx, restricted);
  await keyLog.stage(tx, loggedPartnerRecord({ ...restricted, iss: issuer }));
  const said = { type: 'partner.suspended', subject: { partner: name }, data: { reason: REASON } } as const;
  await events.append(tx, succeeded(said, SYSTEM));
  return true;
}
