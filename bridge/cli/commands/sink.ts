import type { Command } from 'commander';
import { Alarm } from '../alarm.ts';
import { type ApiClient, nothing, openApi } from '../api-client.ts';
import { confirm } from '../confirm.ts';
import { show } from '../output.ts';
import { repeatable } from '../repeatable.ts';
import type { Terminal } from '../terminal.ts';
import { UsageError } from '../usage-error.ts';
import {
  KINDS,
  kindsSchema,
  SINKS,
  type SinkAnswer,
  type SinkKindAnswer,
  sinkPath,
  sinkSchema,
  sinksSchema,
  testedSchema,
} from './sink-answers.ts';
import { addSinkDeliveryCommands } from './sink-delivery.ts';
import { kindsView, kindView } from './sink-kind-views.ts';
import { assertComplete, type SettingOptions, sinkSettings } from './sink-settings.ts';
import { sinksView, sinkView, testedView } from './sink-views.ts';

interface Options {
  readonly json?: boolean;
  readonly yes?: boolean;
}

type SinkOptions = Options &
  SettingOptions & {
    readonly name?: string;
    readonly format?: string;
    readonly redaction?: string;
    readonly type?: readonly string[];
    readonly outcome?: readonly string[];
    readonly minSeverity?: string;
    readonly everything?: boolean;
  };

/** Where the security events go. */
export function addSinkCommands(program: Command, terminal: Terminal): void {
  const sink = program.command('sink').description('where the security events go: SIEMs, files, webhooks');
  addReadingCommands(sink, terminal);
  addConfiguringCommands(sink, terminal);
  addSinkDeliveryCommands(sink, terminal);
}

function addReadingCommands(sink: Command, terminal: Terminal): void {
  sink
    .command('kinds')
    .argument('[kind]', 'one of them, with its settings')
    .description('the kinds of sinks that there are')
    .option('--json', 'answer as JSON')
    .action(async (name: string | undefined, options: Options) => {
      const api = await openApi(terminal);
      if (name === undefined) {
        show(terminal, options, await api.get(KINDS, kindsSchema), ({ kinds }) => kindsView(kinds));
      } else {
        show(terminal, options, await kindNamed(api, name), kindView);
      }
    });
  sink
    .command('list')
    .description('the sinks and how they stand')
    .option('--json', 'answer as JSON')
    .action(async (options: Options) => {
      const found = await (await openApi(terminal)).get(SINKS, sinksSchema);
      show(terminal, options, found, ({ sinks }) => sinksView(sinks));
    });
  sink
    .command('show')
    .argument('<sink>', 'its name or id')
    .description('one sink: its settings, how it stands, its replays')
    .option('--json', 'answer as JSON')
    .action(async (name: string, options: Options) => {
      show(terminal, options, await (await openApi(terminal)).get(sinkPath(name), sinkSchema), sinkView);
    });
}

function addConfiguringCommands(sink: Command, terminal: Terminal): void {
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
  sink
    .command('pause')
    .argument('<sink>', 'its name or id')
    .description('deliver nothing for now; what happens waits, within the bound of the buffer')
    .option('--json', 'answer as JSON')
    .action(async (name: string, options: Options) => {
      const paused = await patch(terminal, name, { status: 'paused' });
      show(terminal, options, paused, (now) => `${now.name} is paused; its events wait.`);
    });
  sink
    .command('resume')
    .argument('<sink>', 'its name or id')
    .description('deliver again, what waits first')
    .option('--json', 'answer as JSON')
    .action(async (name: string, options: Options) => {
      const resumed = await patch(terminal, name, { status: 'enabled' });
      show(terminal, options, resumed, ({ name: now, health }) => `${now} goes on; ${health.behind} wait.`);
    });
  sink
    .command('remove')
    .argument('<sink>', 'its name or id')
    .description('send it nothing any more, and forget its dead letters')
    .option('--yes', 'do not ask')
    .option('--json', 'answer as JSON')
    .action(async (name: string, options: Options) => {
      const api = await openApi(terminal);
      const { health } = await api.get(sinkPath(name), sinkSchema);
      await confirm(terminal, options.yes, whatIsLost(name, health));
      await api.send('DELETE', sinkPath(name), nothing);
      show(terminal, options, { removed: name }, () => `Removed ${name}.`);
    });
  sink
    .command('test')
    .argument('<sink>', 'its name or id')
    .description('send an event made for it, and say whether it arrived; a paused one too')
    .option('--json', 'answer as JSON')
    .action((name: string, options: Options) => test(terminal, name, options));
}

function whatIsLost(name: string, { behind, dead_letters: letters }: SinkAnswer['health']): string {
  if (behind + letters === 0) return `${name} will get no events any more.`;
  const waiting = behind === 1 ? 'one event that waits' : `${behind} events that wait`;
  const dead = letters === 1 ? 'one dead letter' : `${letters} dead letters`;
  const lost = [...(behind === 0 ? [] : [waiting]), ...(letters === 0 ? [] : [dead])].join(' and ');
  return `${name} will get no events any more, nor ${lost}.`;
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
  const { kind: kindName, filter } = await api.get(sinkPath(name), sinkSchema);
  const settings = await sinkSettings(terminal, await kindNamed(api, kindName), options);
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
  const { name, format, redaction, type, outcome, minSeverity, everything } = options;
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
    ...(filtered ? { filter: { ...(everything === true ? {} : before), ...filter } } : {}),
  };
}

async function patch(terminal: Terminal, name: string, changes: object) {
  return (await openApi(terminal)).send('PATCH', sinkPath(name), sinkSchema, changes);
}

async function test(terminal: Terminal, name: string, options: Options): Promise<void> {
  const tested = await (await openApi(terminal)).send('POST', sinkPath(name, '/test'), testedSchema);
  const view = testedView(name, tested);
  if (tested.accepted || options.json === true) show(terminal, options, tested, () => view);
  if (!tested.accepted) throw new Alarm(view);
}

async function kindNamed(api: ApiClient, name: string): Promise<SinkKindAnswer> {
  const { kinds } = await api.get(KINDS, kindsSchema);
  const found = kinds.find(({ kind }) => kind === name);
  if (found !== undefined) return found;
  throw new UsageError(`There is no kind “${name}”, but ${kinds.map(({ kind }) => kind).join(', ')}.`);
}
