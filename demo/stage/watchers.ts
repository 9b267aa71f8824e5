import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type Auditor, type AuditReport, openAuditor } from '../../bridge/keylog/audit/auditor.ts';
import { createAuditorKey, openAuditorKey } from '../../bridge/keylog/audit/auditor-key.ts';
import { boundedRequest } from '../../bridge/keylog/audit/bounded-fetch.ts';
import { systemClock } from '../../bridge/lib/clock.ts';
import {
  type Level,
  type LogTrust,
  parseCheckpoint,
  parseNote,
  type VerificationPolicy,
} from '../../protocol/index.ts';
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

/** A head of a log as anybody can read it. */
export interface PublishedHead {
  readonly note: string;
  readonly size: number;
  /** Names of keys: the log's own first. */
  readonly signers: readonly string[];
}

const TRIES = 200;

/** Waits until the log’s published head is larger than `beyond` and its witness has cosigned it. */
export async function cosignedHead(
  stage: Stage,
  company: Company,
  beyond = 0,
): Promise<PublishedHead & { readonly by: string }> {
  const [by = ''] = stage.watchers.get().witnessOf[company.key].vkey.split('+');
  const isCosigned = ({ size, signers }: PublishedHead) => size > beyond && signers.includes(by);
  return { ...(await publishedHead(stage, company, isCosigned)), by };
}

/** The head that the log shows to everybody, once it is as it should be. */
export async function publishedHead(
  stage: Stage,
  company: Company,
  isIt: (head: PublishedHead) => boolean = () => true,
): Promise<PublishedHead> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const answer = await stage.fetch(`${company.issuer}/log/checkpoint`);
    if (answer.ok) {
      const note = await answer.text();
      const { text, signatures } = parseNote(note);
      const head = { note, size: parseCheckpoint(text).size, signers: signatures.map(({ name }) => name) };
      if (isIt(head)) return head;
    }
    await pause(25);
  }
  must(false, `${company.name}’s log does not come as far as it should`);
}
