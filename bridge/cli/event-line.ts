import * as z from 'zod';
import { severityOf } from '../../connectors/siem/formats/severity.ts';
import type { SeverityName } from '../../connectors/siem/formats/severity-name.ts';
import { parseErrorCode } from '../../protocol/errors.ts';
import { printable } from './output.ts';

/** What an event must have to be told in a line; another version may have more. */
export const eventSchema = z.object({
  seq: z.int(),
  time: z.string(),
  type: z.string(),
  actor: z.record(z.string(), z.string()),
  subject: z.record(z.string(), z.string()),
  outcome: z.enum(['success', 'failure']),
  code: z.string().nullable(),
  data: z.record(z.string(), z.unknown()),
});

export type LineEvent = z.infer<typeof eventSchema>;

/** Puts a text in a colour; `plainly` in none. */
export type Paint = (text: string, style: Style) => string;

type Style = keyof typeof STYLES;

const STYLES = { dim: '2', bold: '1', red: '31', yellow: '33', cyan: '36', alarm: '1;31' } as const;

export const plainly: Paint = (text) => text;

/** By the escape sequences of ECMA-48, which every terminal has. */
export const coloured: Paint = (text, style) => `\u001b[${STYLES[style]}m${text}\u001b[0m`;

const OF_SEVERITY: Readonly<Record<SeverityName, Style>> = {
  ...{ informational: 'bold', low: 'cyan', medium: 'yellow', high: 'red', critical: 'alarm' },
};

/** One line: what happened, who did it from where, whom it concerns, and the rest. */
export function eventLine(event: LineEvent, paint: Paint = plainly): string {
  const { seq, time, type, actor, subject, outcome, code, data } = event;
  const { kind = 'unknown', address, ...who } = actor;
  const name = who.name ?? who.sub ?? who.iss;
  const words = Object.entries({ ...subject, ...data }).map(
    ([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  const what = outcome === 'success' ? type : `${type} (${code ?? 'failure'})`;
  const severity = severityOf({ type, outcome, code: parseErrorCode(code) ?? null });
  const by = `by ${kind}${name === undefined ? '' : ` ${name}`}${address === undefined ? '' : ` at ${address}`}`;
  const parts = [
    paint(printable(`${String(seq).padStart(6)}  ${time}`), 'dim'),
    paint(printable(what), OF_SEVERITY[severity]),
    printable(by),
    printable(words.join(' ')),
  ];
  return parts.join('  ').trimEnd();
}
