import type { Command } from 'commander';
import { type ApiClient, openApi } from '../api-client.ts';
import { show } from '../output.ts';
import { repeatable } from '../repeatable.ts';
import type { Terminal } from '../terminal.ts';
import { UsageError } from '../usage-error.ts';
import { KINDS, kindsSchema, SINKS, type SinkKindAnswer, sinkPath, sinkSchema } from './sink-answers.ts';
import { assertComplete, assertSecretsGiven, type SettingOptions, sinkSettings } from './sink-settings.ts';
import { sinkView } from './sink-views.ts';

interface SinkOptions extends SettingOptions {
  readonly json?: boolean;
  readonly name?: string;
  readonly format?: string;
  readonly redaction?: string;
  readonly original?: boolean;
  readonly type?: readonly string[];
  readonly outcome?: readonly string[];
  readonly minSeverity?: string;
  readonly everything?: boolean;
}

/** Adding a sink, and changing what it has. */
export function addSinkSettingCommands(sink: Command, terminal: Terminal): void {
  withSettings(sink.command('add').argument('<kind>', 'see `countersign sink kinds`'))
    .description('send the events to one more place')
    .requiredOption('--name <name>', 'lower-case letters, digits, hyphens; stands in metrics and commands')
    .option('--from-beginning', 'everything that is kept, instead of what happens from now on')
    .action((kind: string, options: SinkOptions & { fromBeginning?: boolean }) =>
      add(terminal, kind, options),
    );
  withSettings(sink.command('set').argument('<sink>', 'its name or id'))
    .description('change a sink; what is not named stays')
    .option('--name <name>', 'another name')
    .option('--unset <setting>', 'take a setting away; may be repeated', repeatable)
    .option('--everything', 'no filter any more: all events')
    .action((name: string, options: SinkOptions) => change(terminal, name, options));
}

function withSettings(command: Command): Command {
  return command
    .option('--set <setting=value>', 'a setting; a list is given by repeating it', repeatable)
    .option('--set-file <setting=path>', 'a setting whose value is a file, as certificates are', repeatable)
    .option(
      '--secret <setting>',
      'a secret: asked for, or a line of standard input; SETTING=env:VARIABLE and SETTING=file:PATH too',
      repeatable,
    )
    .option('--format <format>', 'plain, ocsf, ecs, cef or cloudevents')
    .option('--redaction <redaction>', 'personal data: none (as it is), drop, or hmac (a keyed hash instead)')
    .option(
      '--original',
      'beside its ocsf, ecs or cef each event as it is, so that copies can be proven; twice the volume',
    )
    .option('--no-original', 'without')
    .option('--type <type>', 'only these types, as device.added or device.*; may be repeated', repeatable)
    .option('--outcome <outcome>', 'only success or failure', repeatable)
    .option('--min-severity <severity>', 'informational, low, medium, high or critical')
    .option('--json', 'answer as JSON');
}

async function add(
  terminal: Terminal,
  kindName: string,
  options: SinkOptions & { readonly fromBeginning?: boolean },
): Promise<void> {
  const api = await openApi(terminal);
  const kind = await kindNamed(api, kindName);
  const settings = await sinkSettings(terminal, kind, options);
  assertComplete(kind, settings);
  const created = await api.send('POST', SINKS, sinkSchema, {
    ...{ kind: kindName, settings, ...common(options) },
    ...(options.fromBeginning === true ? { from: 'beginning' } : {}),
  });
  show(terminal, options, created, (sink) => `Added.\n\n${sinkView(sink)}`);
}

async function change(terminal: Terminal, name: string, options: SinkOptions): Promise<void> {
  const api = await openApi(terminal);
  const { kind: kindName, filter, settings: current } = await api.get(sinkPath(name), sinkSchema);
  const kind = await kindNamed(api, kindName);
  const settings = await sinkSettings(terminal, kind, options);
  assertSecretsGiven(kind, current, settings);
  const changes = {
    ...common(options, filter),
    ...(Object.keys(settings).length === 0 ? {} : { settings }),
  };
  if (Object.keys(changes).length === 0) {
    throw new UsageError('Say what to change: --set, --secret, --unset, --name, --format, --type, …');
  }
  show(terminal, options, await api.send('PATCH', sinkPath(name), sinkSchema, changes), sinkView);
}

/** What every kind has; a part of the filter that is not named stays. */
function common(options: SinkOptions, before: object = {}): Record<string, unknown> {
  const { name, format, redaction, original, type, outcome, minSeverity, everything } = options;
  const filter = {
    ...(type === undefined ? {} : { types: type }),
    ...(outcome === undefined ? {} : { outcomes: outcome }),
    ...(minSeverity === undefined ? {} : { min_severity: minSeverity }),
  };
  const filtered = everything === true || Object.keys(filter).length > 0;
  return {
    ...(name === undefined ? {} : { name }),
    ...(format === undefined ? {} : { format }),
    ...(redaction === undefined ? {} : { redaction }),
    ...(original === undefined ? {} : { original }),
    ...(filtered ? { filter: { ...(everything === true ? {} : before), ...filter } } : {}),
  };
}

/** A kind by its name, or else which there are. */
export async function kindNamed(api: ApiClient, name: string): Promise<SinkKindAnswer> {
  const { kinds } = await api.get(KINDS, kindsSchema);
  const found = kinds.find(({ kind }) => kind === name);
  if (found !== undefined) return found;
  throw new UsageError(`There is no kind “${name}”, but ${kinds.map(({ kind }) => kind).join(', ')}.`);
}
