import { isCountersignError } from '../../client/index.ts';
import type { Stage } from '../stage/stage.ts';
import type { Step, StepResult } from '../step.ts';
import type { Report } from '../story.ts';
import { shorten, wrap } from './fit-text.ts';
import type { Paint } from './paint.ts';

/** Wider lines are hard to read, narrower ones hold no evidence. */
const WIDEST = 100;
const NARROWEST = 72;
const INDENT = 4;
const LABEL = 26;

/** Where text goes: standard output, or a test's list. */
export interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** The terminal's, within reason; a file or pipe gets the widest. */
function widthOf({ columns = WIDEST }: Output): number {
  return Math.max(NARROWEST, Math.min(WIDEST, columns));
}

/** Tells the story to a person: what happens, and the evidence. */
export function createTextReport(out: Output, paint: Paint): Report {
  const line = (text = '') => out.write(`${text}\n`);
  const width = widthOf(out);
  return {
    began(number, step) {
      if (out.isTTY === true) out.write(paint.faint(underWay(number, step, out.columns ?? width)));
    },
    ended(result) {
      // The line that said that it began.
      if (out.isTTY === true) out.write('\r\u001b[2K');
      const { number, step } = result;
      line(heading(number, step.title, result, paint, width));
      line();
      for (const text of wrap(step.story, width - INDENT)) line(' '.repeat(INDENT) + text);
      line();
      for (const text of evidence(result, paint, width)) line(text);
      line();
    },
  };
}

/** Never as wide as the terminal: a line that wrapped could not be taken back. */
function underWay(number: number, { title }: Step, columns: number): string {
  return `${numbered(number)}${title} …`.slice(0, columns - 1);
}

function heading(number: number, title: string, { ok, ms }: StepResult, paint: Paint, width: number): string {
  const mark = ok ? `✓ ${duration(ms)}` : '✗ failed';
  const start = numbered(number);
  const room = ' '.repeat(Math.max(1, width - start.length - title.length - mark.length));
  return `${start}${paint.bold(title)}${room}${ok ? paint.good(mark) : paint.bad(mark)}`;
}

function numbered(number: number): string {
  return `${String(number).padStart(INDENT - 2)}  `;
}

function evidence(result: StepResult, paint: Paint, width: number): string[] {
  if (!result.ok) {
    return wrap(describeFault(result.error), width - INDENT).map((text) =>
      paint.bad(' '.repeat(INDENT) + text),
    );
  }
  return result.findings.flatMap(({ what, value }) => {
    const [first = '', ...rest] = wrap(shorten(value), width - INDENT - LABEL - 1);
    const continued = rest.map((text) => ' '.repeat(INDENT + LABEL + 1) + text);
    return [`${' '.repeat(INDENT)}${paint.faint(what.padEnd(LABEL))} ${first}`, ...continued];
  });
}

/** What went wrong, for a person; a stack only where it is our own bug. */
export function describeFault(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? ` (${error.cause.message})` : '';
  return isCountersignError(error) || error.name === 'StoryFault'
    ? `${error.message}${cause}`
    : (error.stack ?? error.message);
}

function duration(ms: number): string {
  return ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`;
}

export function introduction(stage: Stage, paint: Paint, out: Output): string {
  return [
    '',
    `  ${paint.bold('Countersign: the story of two companies')}`,
    '',
    ...wrap(
      'Everything below really happens, on this machine: two bridges, two identity providers, HTTPS under an ' +
        'authority made for this run, real cryptography. Nothing leaves 127.0.0.1. Keys, hashes and signed objects ' +
        'are shortened here (…).',
      widthOf(out) - 2,
    ).map((text) => `  ${text}`),
    '',
    `  ${paint.faint(`files and logs: ${stage.folder} (removed at the end)`)}`,
    '',
    '',
  ].join('\n');
}

/** What stays on screen while everything keeps running. */
export function whatRuns(stage: Stage, paint: Paint): string {
  const acme = stage.acme.get();
  const globex = stage.globex.get();
  const rows = [acme, globex].flatMap((company) => [
    [`${company.name}’s bridge`, company.issuer],
    [`${company.name}’s sign-in`, company.identityProvider.origin],
  ]);
  const curl = (path: string, company = acme) =>
    `    curl --cacert ${stage.caFile} \\\n      ${company.issuer}${path}`;
  return [
    `  ${paint.bold('Everything keeps running')}`,
    '',
    ...rows.map(([what = '', url = '']) => `    ${paint.faint(what.padEnd(LABEL))} ${url}`),
    `    ${paint.faint('logs and event logs'.padEnd(LABEL))} ${stage.folder}/logs`,
    '',
    '    Names below .localhost lead to this machine; curl must be told whom to trust:',
    '',
    curl('/health/ready'),
    curl('/.well-known/openid-federation', globex),
    curl('/log/checkpoint'),
    curl('/v1/openapi.json'),
    '',
    '    Where .localhost is not known, add:',
    `      --resolve ${acme.bridgeHost}:${acme.port}:127.0.0.1`,
    '',
    `  ${paint.bold('Ctrl-C stops')} and removes everything.`,
    '',
  ].join('\n');
}

export function conclusion(results: readonly StepResult[], paint: Paint): string {
  if (results.some(({ ok }) => !ok)) return '';
  const total = results.reduce((sum, { ms }) => sum + ms, 0);
  return `  ${paint.good(`All ${results.length} steps hold, in ${duration(total)}.`)}\n\n`;
}
