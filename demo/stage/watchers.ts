import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Auditor, type AuditReport, openAuditor } from '../../bridge/keylog/audit/auditor.ts';
import { createAuditorKey, openAuditorKey } from '../../bridge/keylog/audit/auditor-key.ts';
import { boundedRequest } from '../../bridge/keylog/audit/bounded-fetch.ts';
import { systemClock } from '../../bridge/lib/clock.ts';
import type { Level, LogTrust, VerificationPolicy } from '../../protocol/index.ts';
import { must } from '../finding.ts';
import type { Company, CompanyPlan } from './company.ts';
import type { Stage } from './stage.ts';

type CompanyKey = CompanyPlan['key'];

/** A witness as its bridge publishes it. */
export interface PublishedWitness {
  readonly vkey: string;
  readonly url: string;
}

/** Who keeps the two companies' key logs honest: each other's bridge, and an auditor that belongs to neither. */
export interface Watchers {
  /** The witness of this company's log, which is the other one's bridge. */
  readonly witnessOf: Readonly<Record<CompanyKey, PublishedWitness>>;
  /** The auditor's verifier key. */
  readonly auditorKey: string;
  readonly auditors: Readonly<Record<CompanyKey, Auditor>>;
}

const DAY = 86_400;

/** A pinned policy about the people of this company: a witness and an auditor of its log, neither of them its own. */
export function policyFor(
  { witnessOf, auditorKey }: Watchers,
  company: CompanyKey,
  level: Level,
): VerificationPolicy & { readonly log: LogTrust } {
  return {
    ...{ level, maxAge: DAY },
    log: {
      ...{ witnesses: [witnessOf[company].vkey], witnessQuorum: 1 },
      ...{ auditors: [auditorKey], auditorQuorum: 1 },
    },
  };
}

/** Makes the auditor's key; answers its file and the verifier key. */
export async function makeAuditorKey(stage: Stage, name: string): Promise<{ file: string; vkey: string }> {
  const folder = join(stage.folder, 'auditor');
  await mkdir(folder, { recursive: true });
  const file = join(folder, `${name.replaceAll('/', '-')}-key.json`);
  return { file, vkey: await createAuditorKey(file, name) };
}

/** An auditor of the company's log, which knows the company's root by its fingerprint and nothing else. */
export async function startAuditor(stage: Stage, company: Company, keyFile: string): Promise<Auditor> {
  const auditor = await openAuditor({
    ...{ bridge: company.issuer, root: company.rootThumbprint, clock: systemClock },
    state: join(stage.folder, 'auditor', company.key),
    request: boundedRequest(stage.fetch),
    signer: await openAuditorKey(keyFile),
  });
  stage.onClose(() => auditor.close());
  return auditor;
}

/** The auditor comes by: it replays what is new in the log, and its cosignature is handed over. */
export async function audit(auditor: Auditor): Promise<AuditReport> {
  const outcome = await auditor.run();
  must(outcome.outcome === 'verified', 'the auditor raised an alarm');
  const undelivered = outcome.cosignature?.undelivered ?? null;
  must(undelivered === null, `the auditor’s cosignature was not taken: ${undelivered}`);
  return outcome;
}
