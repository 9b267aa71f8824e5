import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Auditor, type AuditReport, openAuditor } from '../../bridge/keylog/audit/auditor.ts';
import { createAuditorKey, openAuditorKey } from '../../bridge/keylog/audit/auditor-key.ts';
import { boundedRequest } from '../../bridge/keylog/audit/bounded-fetch.ts';
import { systemClock } from '../../bridge/lib/clock.ts';
import { must } from '../finding.ts';
import type { Company } from './company.ts';
import type { Stage } from './stage.ts';

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
