import type { Command } from 'commander';
import { Alarm } from '../alarm.ts';
import { nothing, openApi } from '../api-client.ts';
import { confirm } from '../confirm.ts';
import { show } from '../output.ts';
import type { Terminal } from '../terminal.ts';
import {
  KINDS,
  kindsSchema,
  SINKS,
  type SinkAnswer,
  sinkPath,
  sinkSchema,
  sinksSchema,
  testedSchema,
} from './sink-answers.ts';
import { addSinkDeliveryCommands } from './sink-delivery.ts';
import { kindsView, kindView } from './sink-kind-views.ts';
import { addSinkSettingCommands, kindNamed } from './sink-set.ts';
import { sinksView, sinkView, testedView } from './sink-views.ts';

interface Options {
  readonly json?: boolean;
  readonly yes?: boolean;
}

/** Where the security events go. */
export function addSinkCommands(program: Command, terminal: Terminal): void {
  const sink = program.command('sink').description('where the security events go: SIEMs, files, webhooks');
  addReadingCommands(sink, terminal);
  addSinkSettingCommands(sink, terminal);
  addLifeCommands(sink, terminal);
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

function addLifeCommands(sink: Command, terminal: Terminal): void {
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

async function patch(terminal: Terminal, name: string, changes: object) {
  return (await openApi(terminal)).send('PATCH', sinkPath(name), sinkSchema, changes);
}

async function test(terminal: Terminal, name: string, options: Options): Promise<void> {
  const tested = await (await openApi(terminal)).send('POST', sinkPath(name, '/test'), testedSchema);
  const view = testedView(name, tested);
  if (tested.accepted || options.json === true) show(terminal, options, tested, () => view);
  if (!tested.accepted) throw new Alarm(view);
}
