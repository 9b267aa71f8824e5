import { facts, printable, table } from '../output.ts';
import { describeType, schemaProperties } from './settings-schema.ts';
import type { SinkKindAnswer } from './sink-answers.ts';

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
export function kindView({ kind, doc, formats, originals, settings, secrets }: SinkKindAnswer): string {
  const properties = Object.entries(schemaProperties(settings));
  const required = settings.required ?? [];
  const examples = required.map((name) => (secrets.includes(name) ? `--secret ${name}` : `--set ${name}=…`));
  return [
    printable(doc),
    facts({
      formats: `${formats.join(', ')} (the first, unless --format says another)`,
      '--original':
        originals.length === 0
          ? null
          : `for ${originals.join(', ')}: copies can be proven with it, and not without`,
    }),
    table(
      ['setting', 'value', 'default', 'meaning'],
      properties.map(([name, schema]) => [
        name,
        secrets.includes(name) ? 'secret' : describeType(schema),
        schema.default === undefined ? (required.includes(name) ? 'required' : '-') : shown(schema.default),
        schema.description ?? '',
      ]),
      'It has no settings.',
    ),
    `Add one:\n  ${['countersign sink add', kind, '--name NAME', ...examples].join(' ')}`,
  ].join('\n\n');
}

function shown(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
