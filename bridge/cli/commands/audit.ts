import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Command } from 'commander';
import { CountersignError, isCountersignError } from '../../../protocol/errors.ts';
import {
  type AuditOutcome,
  type AuditReport,
  openAuditor,
  type StandingAlarm,
} from '../../keylog/audit/auditor.ts';
import { createAuditorKey, openAuditorKey } from '../../keylog/audit/auditor-key.ts';
import { boundedRequest } from '../../keylog/audit/bounded-fetch.ts';
import { checkEvidence, type EvidenceVerdict } from '../../keylog/audit/check-evidence.ts';
import type { Evidence } from '../../keylog/audit/evidence.ts';
import { writeEvidence } from '../../keylog/audit/evidence-file.ts';
import { FINDINGS } from '../../keylog/audit/finding.ts';
import { systemClock } from '../../lib/clock.ts';
import { Alarm } from '../alarm.ts';
import { describeFailure } from '../failure.ts';
import { facts, printable, show } from '../output.ts';
import { stopSignal } from '../stop-signal.ts';
import type { Terminal } from '../terminal.ts';
import { UsageError } from '../usage-error.ts';

interface TrustOptions {
  readonly root?: string;
  readonly logKey?: string;
  readonly json?: boolean;
}

interface AuditOptions extends TrustOptions {
  readonly state?: string;
  readonly key?: string;
  readonly once?: boolean;
  readonly every?: string;
  readonly evidence?: string;
  readonly alarmExamined?: boolean;
}

const ROOT = ['--root <thumbprint>', 'the bridge’s root key, as the organization tells it'] as const;
const LOG_KEY = ['--log-key <vkey>', 'the log’s key itself, in place of what the bridge publishes'] as const;

export function addAuditCommands(program: Command, terminal: Terminal): void {
  const audit = program
    .command('audit')
    .description('replay the key log of any bridge, and raise an alarm if it broke a rule')
    .argument('<bridge-url>', 'as https://bridge.acme.example')
    .option('--state <folder>', 'where the copy of the log and what was verified are kept')
    .option('--key <file>', 'cosign what was verified with this key (see `countersign audit keygen`)')
    .option('--once', 'one run, which is what happens unless --every is given')
    .option('--every <seconds>', 'go on until interrupted, so long after each run')
    .option(...ROOT)
    .option(...LOG_KEY)
    .option(
      '--evidence <file>',
      'where an alarm writes its evidence; by default into the folder of the state',
    )
    .option('--alarm-examined', 'go on behind an alarm that stands: somebody has looked into it')
    .option('--json', 'answer as JSON, with --every one object a line')
    .action((bridge: string, options: AuditOptions) => auditLog(terminal, bridge, options));
  audit
    .command('keygen')
    .description('make a key for cosigning; prints the verifier key that bridges configure')
    .argument('<name>', 'the name of the key, as auditor.example/acme')
    .option('--out <file>', 'the new file', 'auditor-key.json')
    .action(async (name: string, { out }: { readonly out: string }) => {
      terminal.out(await createAuditorKey(out, name));
    });
  audit
    .command('check-evidence')
    .description('check what an alarm wrote, without the log: whether it proves what it says')
    .argument('<file>')
    .option(...ROOT)
    .option(...LOG_KEY)
    .option('--json', 'answer as JSON')
    .action((file: string, options: TrustOptions) => judgeEvidence(terminal, file, options));
}

async function auditLog(terminal: Terminal, bridge: string, options: AuditOptions): Promise<void> {
  const pause = secondsOf(options);
  const state = options.state ?? defaultState(terminal, bridge);
  const signer = options.key === undefined ? undefined : await openAuditorKey(options.key);
  const auditor = await openAuditor({
    ...{ bridge, state, request: boundedRequest(terminal.fetch), clock: systemClock },
    alarmExamined: options.alarmExamined === true,
    keepEvidence: (evidence, proven) =>
      writeEvidence(options.evidence ?? join(state, evidenceName(evidence)), evidence, { proven }),
    onProgress: progressOf(terminal),
    onNotice: (text) => terminal.say(printable(text)),
    ...(signer === undefined ? {} : { signer }),
    ...trustOf(options),
  });
  try {
    const runOnce = async () => report(terminal, options, await auditor.run());
    if (pause === undefined) await runOnce();
    else await watch(terminal, runOnce, pause);
  } finally {
    await auditor.close();
  }
}

/** Goes on while the log cannot be read; everything else ends the watch. */
async function watch(terminal: Terminal, runOnce: () => Promise<void>, seconds: number): Promise<void> {
  const stopped = new AbortController();
  void stopSignal().then(() => stopped.abort());
  while (!stopped.signal.aborted) {
    try {
      await runOnce();
    } catch (error) {
      if (!isCountersignError(error) || !/^(outbound|name)_/.test(error.code)) throw error;
      terminal.say(`${printable(error.detail ?? error.message)} Trying again in ${seconds} s.`);
    }
    await wait(seconds * 1_000, undefined, { signal: stopped.signal }).catch(() => {});
  }
}

async function report(terminal: Terminal, options: AuditOptions, outcome: AuditOutcome): Promise<void> {
  if (outcome.outcome === 'alarm') {
    const { path, evidence, unkept } = outcome;
    const { finding } = evidence;
    // What is on no disk is in the answer, whole: it may be the only copy that there will ever be.
    if (options.json) printJson(terminal, options, { outcome: 'alarm', finding, evidence: path ?? evidence });
    else if (path === null) terminal.out(JSON.stringify(evidence));
    throw new Alarm(path === null ? describeUnkept(evidence, unkept) : describeAlarm(evidence, path));
  }
  if (outcome.outcome === 'alarm_stands') {
    if (options.json) printJson(terminal, options, outcome);
    throw new Alarm(describeStanding(outcome.alarm));
  }
  if (options.json) printJson(terminal, options, outcome);
  else terminal.out(describeReport(outcome));
  const undelivered = outcome.cosignature?.undelivered ?? null;
  if (undelivered !== null) {
    throw new CountersignError('outbound_failed', `The cosignature could not be handed over: ${undelivered}`);
  }
}

function printJson(terminal: Terminal, { every }: AuditOptions, value: object): void {
  terminal.out(JSON.stringify(value, null, every === undefined ? 2 : undefined));
}

function describeStanding({ code, time, evidence }: StandingAlarm): string {
  const meaning = (FINDINGS as Record<string, string>)[code] ?? code;
  return [
    `ALARM since ${timeOf(time * 1_000)}: ${meaning}`,
    'That is proven, so nothing is verified or cosigned, whatever the log shows now.',
    ...(evidence === '' ? [] : [`The evidence: ${evidence}`]),
    'Once somebody has looked into it: the same command with --alarm-examined.',
  ].join('\n');
}

function describeReport(report: AuditReport): string {
  const { cosignature } = report;
  const lines = facts({
    log: report.origin,
    verified: `${report.size} entries, ${report.replayed} of them in this run`,
    epoch: `${report.epoch}, closed ${timeOf(report.epochTime)}`,
    leaves: String(report.leaves),
    root: report.root,
    'trusted root': report.trustedRoot,
    'log key': report.logKeys.join(' '),
  });
  return cosignature === null ? lines : `${lines}\n${cosignature.line.trimEnd()}`;
}

function describeAlarm(evidence: Evidence, path: string): string {
  const { finding, trust } = evidence;
  const check = `countersign audit check-evidence ${path}${trust.root === null ? '' : ` --root ${trust.root}`}`;
  return [
    ...linesOf(evidence),
    `Nothing of it was cosigned. Keep ${path}; anybody can check it:`,
    `  ${check}`,
    `(finding ${finding.code})`,
  ].join('\n');
}

function describeUnkept(evidence: Evidence, unkept: unknown): string {
  const why = unkept === undefined ? '' : ` (${describeFailure(unkept).text.replaceAll('\n', ' ')})`;
  return [
    ...linesOf(evidence),
    `Nothing of it was cosigned. THE EVIDENCE COULD NOT BE WRITTEN${why}: it is the JSON that stands in the output, in full.`,
    'Keep that as a file; `countersign audit check-evidence` checks it.',
    `(finding ${evidence.finding.code})`,
  ].join('\n');
}

function linesOf({ finding }: Evidence): string[] {
  return [
    `ALARM: ${finding.meaning}`,
    ...(finding.index === null ? [] : [`  at entry ${finding.index}`]),
    `  expected: ${printable(finding.expected)}`,
    `  found:    ${printable(finding.found)}`,
    ...(finding.code === 'rolled_back'
      ? ['A cache may have answered; if this stays, entries were removed.']
      : []),
  ];
}

async function judgeEvidence(terminal: Terminal, file: string, options: TrustOptions): Promise<void> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(file, 'utf8'));
  } catch (cause) {
    throw new UsageError(`${file} cannot be read, or is no JSON.`, { cause });
  }
  const verdict = await checkEvidence(value, trustOf(options));
  const { finding } = verdict.evidence;
  const answer = { proven: verdict.proven, finding, root: verdict.root, logKeys: verdict.logKeys };
  const compared = options.root !== undefined || options.logKey !== undefined;
  const view = describeVerdict(verdict, compared);
  if (verdict.proven) return show(terminal, options, answer, () => view);
  if (options.json) show(terminal, options, answer, () => view);
  throw new Alarm(view);
}

function describeVerdict({ evidence, proven, root, logKeys }: EvidenceVerdict, compared: boolean): string {
  const { finding, origin, bridge } = evidence;
  const lines = facts({
    finding: `${finding.code}: ${finding.meaning}`,
    log: `${origin} (${bridge})`,
    entry: finding.index === null ? null : String(finding.index),
    expected: finding.expected,
    found: finding.found,
    root: root ?? 'none; compare the log key',
    'log key': logKeys.join(' '),
  });
  const judgement = proven
    ? `PROVEN: ${compared ? 'the log' : 'whoever holds the log key above (compare it, or give --root)'} signed this itself.`
    : 'NOT PROVEN by this file: the signatures are right, but it takes an audit of the log to see the rest.';
  return `${lines}\n${judgement}`;
}

function trustOf({ root, logKey }: TrustOptions): { root?: string; logKey?: string } {
  if (root !== undefined && !/^[A-Za-z0-9_-]{43}$/.test(root)) {
    throw new UsageError('--root is a thumbprint of 43 characters.');
  }
  return { ...(root === undefined ? {} : { root }), ...(logKey === undefined ? {} : { logKey }) };
}

function secondsOf({ every, once }: AuditOptions): number | undefined {
  if (every === undefined) return undefined;
  if (once) throw new UsageError('Give --once or --every, not both.');
  const seconds = Number(every);
  if (!/^\d{1,6}$/.test(every) || seconds < 1) throw new UsageError('--every is a number of seconds.');
  return seconds;
}

function defaultState({ env, home }: Terminal, bridge: string): string {
  if (!URL.canParse(bridge))
    throw new UsageError('The bridge is named by its URL, as https://bridge.acme.example.');
  const base = env.XDG_STATE_HOME ?? join(home, '.local', 'state');
  return join(base, 'countersign', 'audit', new URL(bridge).host.replaceAll(/[^a-z0-9.-]/g, '_'));
}

/** One file for one alarm, however often it is met again. */
function evidenceName({ finding }: Evidence): string {
  return `evidence-${finding.code}${finding.index === null ? '' : `-${finding.index}`}.json`;
}

const PROGRESS_MS = 3_000;

/** Says how far a long replay has come, every few seconds. */
function progressOf(terminal: Terminal): (size: number, of: number) => void {
  let said = performance.now();
  return (size, of) => {
    const now = performance.now();
    if (now - said < PROGRESS_MS) return;
    said = now;
    terminal.say(`${size} of ${of} entries`);
  };
}

function timeOf(milliseconds: number): string {
  const date = new Date(milliseconds);
  return Number.isNaN(date.getTime()) ? 'at no time' : date.toISOString();
}
