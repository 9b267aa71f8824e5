import { facts, printable, table } from '../output.ts';
import { describeType, schemaProperties } from './settings-schema.ts';
import type {
  DeadLettersAnswer,
  ReplayAnswer,
  SinkAnswer,
  SinkKindAnswer,
  TestedAnswer,
} from './sink-answers.ts';

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
  const { id, name, kind, format, redaction, builtin, created, settings, filter, health } = sink;
  return [
    facts({
      ...{ name, id, kind, format, redaction },
      events: filterWords(filter),
      since: `${moment(created)}${builtin ? ', by the configuration file' : ''}`,
    }),
    `Settings:\n${indented(settingsText(settings))}`,
    healthView(health),
    ...(health.replays.length === 0 ? [] : [replaysView(health.replays)]),
    ...trouble(sink),
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
  const lines: string[] = [];
  if (state === 'failing' && error !== null) {
    const tries = failures === 1 ? 'once' : `${count(failures)} times in a row`;
    lines.push(`${name}: failed ${tries}, last at ${moment(error.time)}: ${error.detail} (${error.code})`);
    const hint = HINTS[error.code];
    if (hint !== undefined) lines.push(`  ${hint.replaceAll('NAME', name)}`);
  }
  if (status === 'paused') {
    lines.push(`${name}: is paused. What happens waits for \`countersign sink resume ${name}\`.`);
  }
  if (buffer >= 50) {
    lines.push(`${name}: at 100 % of the buffer the oldest events are given up.`);
  }
  if (letters > 0) {
    const events = letters === 1 ? 'one event' : `${count(letters)} events`;
    lines.push(`${name}: the receiver refuses ${events}: \`countersign sink dead-letters ${name}\`.`);
  }
  return lines.map(printable);
}

const HINTS: Readonly<Record<string, string>> = {
  sink_misconfigured:
    'Mend its settings with `countersign sink set NAME`, try with `countersign sink test NAME`.',
  outbound_refused:
    'Name its network under outbound.allowed_networks in the configuration, if it is your own.',
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

export function kindsView(kinds: readonly SinkKindAnswer[]): string {
  return [
    table(
      ['kind', 'formats', 'for'],
      kinds.map(({ kind, formats, doc }) => [kind, formats.join(', '), doc]),
    ),
    '',
    'The settings of one: `countersign sink kinds KIND`.',
  ].join('\n');
}

/** What an administrator must know to add one. */
export function kindView({ kind, doc, formats, settings, secrets }: SinkKindAnswer): string {
  const properties = Object.entries(schemaProperties(settings));
  const required = settings.required ?? [];
  const examples = required.map((name) => (secrets.includes(name) ? `--secret ${name}` : `--set ${name}=…`));
  return [
    printable(doc),
    facts({ formats: `${formats.join(', ')} (the first, unless --format says another)` }),
    table(
      ['setting', 'value', 'default', 'meaning'],
      properties.map(([name, schema]) => [
        name,
        secrets.includes(name) ? 'secret' : describeType(schema),
        schema.default === undefined ? (required.includes(name) ? 'required' : '-') : text(schema.default),
        schema.description ?? '',
      ]),
      'It has no settings.',
    ),
    `Add one:\n  ${['countersign sink add', kind, '--name NAME', ...examples].join(' ')}`,
  ].join('\n\n');
}

export function replaysView(replays: readonly ReplayAnswer[]): string {
  return table(
    ['replay', 'events', 'done to', 'status', 'asked'],
    replays.map(({ id, from_seq, to_seq, done_seq, status, created }) => [
      ...[id, `${from_seq} to ${to_seq}`, `${done_seq}`, status, moment(created)],
    ]),
  );
}

export function deadLettersView(name: string, { dead_letters: letters, next }: DeadLettersAnswer): string {
  return [
    table(
      ['seq', 'refused', 'times', 'event id', 'the receiver said'],
      letters.map(({ seq, refused, tries, resending, event_id, words }) => [
        ...[`${seq}`, resending ? 'sent again soon' : moment(refused), `${tries}`, event_id, words],
      ]),
      'There are none: the receiver took every event.',
    ),
    ...(letters.length === 0
      ? []
      : [
          '',
          `Again: countersign sink resend ${name} --all`,
          `Never: countersign sink discard ${name} --all`,
        ]),
    ...(next === null ? [] : [`More: --after ${next}`]),
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

/** To the second, in UTC. */
function moment(time: string | null): string {
  return time === null ? '-' : `${time.slice(0, 19).replace('T', ' ')}Z`;
}

function count(number: number): string {
  return number.toLocaleString('en');
}

function duration(seconds: number): string {
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 120) return `${Math.round(seconds * 10) / 10} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}

function indented(words: string): string {
  return words.replaceAll(/^/gm, '  ');
}
