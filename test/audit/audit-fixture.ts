import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AuditOutcome, type AuditorOptions, openAuditor } from '../../bridge/keylog/audit/auditor.ts';
import { boundedRequest } from '../../bridge/keylog/audit/bounded-fetch.ts';
import type { Evidence } from '../../bridge/keylog/audit/evidence.ts';
import { systemClock } from '../../bridge/lib/clock.ts';
import { type LyingLog, startLyingLog } from '../fakes/lying-log.ts';

/** A log and an auditor's folder for it. */
export interface AuditFixture {
  readonly log: LyingLog;
  readonly folder: string;
  readonly state: string;
  readonly notices: string[];
  /** Requests that wait a moment only for what is at this path of the log, where no answer ends. */
  impatientFor(path: string): AuditorOptions['request'];
  /** One run of a fresh process, so to say: opens the state, audits, closes. */
  audit(options?: Partial<AuditorOptions>): Promise<AuditOutcome>;
  /** The same; the size that was verified, or the evidence of the alarm. */
  verify(options?: Partial<AuditorOptions>): Promise<number>;
  alarm(options?: Partial<AuditorOptions>): Promise<Evidence>;
  /** A folder with the state as it is now, for a run that shall leave it so. */
  copyOfState(): Promise<string>;
  remove(): Promise<void>;
}

/** @param host - see `startLyingLog` */
export async function auditFixture(host?: string): Promise<AuditFixture> {
  const log = await startLyingLog(host);
  const request = boundedRequest(log.fetch);
  const folder = await mkdtemp(join(tmpdir(), 'countersign-audit-'));
  const state = join(folder, 'state');
  const notices: string[] = [];

  async function audit(options: Partial<AuditorOptions> = {}): Promise<AuditOutcome> {
    const auditor = await openAuditor({
      ...{ bridge: log.url, request, clock: systemClock, state },
      onNotice: (text) => notices.push(text),
      ...options,
    });
    try {
      return await auditor.run();
    } finally {
      await auditor.close();
    }
  }

  return {
    log,
    folder,
    state,
    impatientFor: (path) => (url, options) =>
      request(url, { ...options, ...(String(url).endsWith(`/${path}`) ? { timeoutMs: 300 } : {}) }),
    notices,
    audit,
    async verify(options) {
      const outcome = await audit(options);
      if (outcome.outcome === 'alarm') throw new Error(JSON.stringify(outcome.evidence.finding));
      if (outcome.outcome === 'alarm_stands') throw new Error(JSON.stringify(outcome.alarm));
      return outcome.size;
    },
    async alarm(options) {
      const outcome = await audit(options);
      if (outcome.outcome !== 'alarm') throw new Error('the log was verified');
      return outcome.evidence;
    },
    async copyOfState() {
      const copy = await mkdtemp(join(folder, 'copy-'));
      await cp(state, copy, { recursive: true });
      return copy;
    },
    async remove() {
      await log.close();
      await rm(folder, { recursive: true });
    },
  };
}
