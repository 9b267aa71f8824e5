import { facts, printable, table } from '../output.ts';
import { count, duration, moment } from '../quantities.ts';
import type { SinkAnswer, TestedAnswer } from './sink-answers.ts';
import { replaysView } from './sink-delivery-views.ts';

/** One line a sink, and below the table what its receiver said, where it does not take events. */
export function sinksView(sinks: readonly SinkAnswer[]): string {
  const rows = sinks.map(({ name, kind, health }) => [
    ...[name, kind, health.state, lag(health), `${Math.round(health.buffer_percent)} %`],
    ...[moment(health.last_success), count(health.delivered), count(health.dead_letters)],
  ]);
  return [
    table(
      ['name', 'kind', 'state', 'behind', 'buffer', 'last success', 'delivered', 'dead letters'],
      rows,
      'There are none. See `countersign sink kinds`, then add one with `countersign sink add KIND`.',
    ),
    ...sinks.flatMap((sink) => trouble(sink)),
  ].join('\n');
}

export function sinkView(sink: SinkAnswer): string {
  const { id, name, kind, format, redaction, original, builtin, created, settings, filter, health } = sink;
  return [
    facts({
      ...{ name, id, kind, format, redaction, original: original ? 'stands in each event' : null },
      events: filterWords(filter),
      since: `${moment(created)}${builtin ? ', by the configuration file' : ''}`,
    }),
    `Settings:\n${indented(settingsText(settings))}`,
    healthView(health),
    ...(health.replays.length === 0 ? [] : [replaysView(health.replays)]),
    ...[trouble(sink).join('\n')].filter((words) => words !== ''),
    ...(health.delivered === 0 && health.failures === 0 ? [`Next: countersign sink test ${name}`] : []),
  ].join('\n\n');
}

function healthView(health: SinkAnswer['health']): string {
  const { state, settled, buffer_percent: buffer, last_success: success, delivered, dead_letters } = health;
  return facts({
    state,
    behind: lag(health),
    'settled to': `event ${settled}`,
    buffer: `${Math.round(buffer)} % of what may be waiting`,
    delivered: count(delivered),
    'last success': moment(success),
    'dead letters': count(dead_letters),
  });
}

function lag({ behind, lag_seconds: seconds }: SinkAnswer['health']): string {
  if (behind === 0) return '0';
  return seconds === null ? count(behind) : `${count(behind)} (${duration(seconds)})`;
}

/** What is wrong, in the receiver's words, and what to do about it. */
function trouble({ name, status, health }: SinkAnswer): string[] {
  const { state, last_error: error, failures, dead_letters: letters, buffer_percent: buffer } = health;
  const { dead_letters_forgotten: forgotten } = health;
  const lines: string[] = [];
  if (state === 'failing' && error !== null) {
    const tries = failures === 1 ? 'once' : `${count(failures)} times in a row`;
    lines.push(`${name}: failed ${tries}, last at ${moment(error.time)}`, `  ${error.code}: ${error.detail}`);
    const hint = HINTS[error.code];
    if (hint !== undefined) lines.push(`  ${hint.replaceAll('NAME', name)}`);
  }
  if (status === 'paused') {
    lines.push(`${name}: is paused. What happens waits for \`countersign sink resume ${name}\`.`);
    if (error?.code === 'sink_gone' && failures > 0) {
      lines.push(
        `  Its receiver wants no more events, since ${moment(error.time)}: ${error.detail}`,
        `  See why there; \`countersign sink test ${name}\` says whether it takes any, then resume it.`,
      );
    }
  }
  if (buffer >= 50) {
    lines.push(`${name}: at 100 % of the buffer the oldest events are given up.`);
  }
  if (letters > 0) {
    const events = letters === 1 ? 'one event' : `${count(letters)} events`;
    lines.push(`${name}: the receiver refuses ${events}: \`countersign sink dead-letters ${name}\`.`);
  }
  if (forgotten > 0) {
    const events = forgotten === 1 ? 'one refused event' : `${count(forgotten)} refused events`;
    lines.push(`${name}: ${events} had no room among the dead letters; a replay brings them.`);
  }
  return lines.map(printable);
}

const HINTS: Readonly<Record<string, string>> = {
  sink_misconfigured:
    'Change its settings with `countersign sink set NAME`, or mend the receiver; then `countersign sink test NAME`.',
};

export function testedView(
  name: string,
  { accepted, took_ms, code, detail, event_id }: TestedAnswer,
): string {
  const took = duration(took_ms / 1000);
  if (accepted) {
    return `The test event arrived after ${took}.\nFind it there by type sink.tested or id ${event_id}.`;
  }
  const hint = HINTS[code ?? ''];
  return [
    `The test event did not arrive: ${printable(detail ?? 'no reason was given')}`,
    ...(hint === undefined ? [] : [hint.replaceAll('NAME', name)]),
    `(code ${code ?? 'none'}, after ${took})`,
  ].join('\n');
}

function filterWords({ types, outcomes, min_severity: severity }: SinkAnswer['filter']): string {
  const words = [
    ...(types === undefined ? [] : [types.join(', ')]),
    ...(outcomes === undefined ? [] : [`outcome ${outcomes.join(' or ')}`]),
    ...(severity === undefined ? [] : [`${severity} or more severe`]),
  ];
  return words.length === 0 ? 'all' : words.join('; ');
}

/** Secrets as what they are: there, or not. */
function settingsText(settings: SinkAnswer['settings']): string {
  const entries = Object.entries(settings).map(([name, value]): [string, string] => [name, text(value)]);
  return entries.length === 0 ? 'none' : facts(Object.fromEntries(entries));
}

function text(value: unknown): string {
  if (typeof value === 'string') return firstLine(value);
  if (typeof value === 'object' && value !== null && 'set' in value) return '(a secret, kept)';
  return JSON.stringify(value);
}

/** Certificates are long. */
function firstLine(value: string): string {
  const lines = value.trim().split('\n');
  return lines.length === 1 ? value : `${lines[0]} … (${lines.length} lines)`;
}

function indented(words: string): string {
  return words.replaceAll(/^/gm, '  ');
}
