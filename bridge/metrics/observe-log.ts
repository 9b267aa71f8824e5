import type { LogStatus } from '../keylog/log-status.ts';
import type { Metrics } from './metrics.ts';

const GAUGES = [
  'countersign_key_log_size',
  'countersign_key_log_epoch_age_seconds',
  'countersign_key_log_quorum_age_seconds',
  'countersign_key_log_quorum_missing_seconds',
  'countersign_key_log_witness_state',
  'countersign_key_log_auditor_age_seconds',
] as const;

const STATES = ['unknown', 'cosigning', 'failing', 'ahead', 'contradicted'] as const;

/** Nothing of the log is known: its gauges are absent. */
export function forgetLog(metrics: Metrics): void {
  for (const name of GAUGES) metrics.reset(name);
}

/** The gauges of the key log as it stands at `now`, in seconds. */
export function observeLog(metrics: Metrics, status: LogStatus, now: number): void {
  const { checkpoint, quorum, witnesses, auditors } = status;
  if (checkpoint !== null) {
    metrics.set('countersign_key_log_size', {}, checkpoint.size);
    metrics.set('countersign_key_log_epoch_age_seconds', {}, age(checkpoint.time, now));
  }
  if (quorum !== null) {
    if (quorum.time !== null)
      metrics.set('countersign_key_log_quorum_age_seconds', {}, age(quorum.time, now));
    const missing = quorum.missingSince === null ? 0 : age(quorum.missingSince, now);
    metrics.set('countersign_key_log_quorum_missing_seconds', {}, missing);
  }
  for (const { name: witness, state } of witnesses) {
    for (const each of STATES) {
      metrics.set('countersign_key_log_witness_state', { witness, state: each }, each === state ? 1 : 0);
    }
  }
  for (const { name: auditor, cosigned } of auditors) {
    if (cosigned === null) continue;
    metrics.set('countersign_key_log_auditor_age_seconds', { auditor }, age(cosigned, now));
  }
}

function age(time: number, now: number): number {
  return Math.max(0, now - time);
}
