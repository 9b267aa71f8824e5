import type { Command } from 'commander';
import { nothing, openApi } from '../api-client.ts';
import { confirm } from '../confirm.ts';
import { show, table, when } from '../output.ts';
import type { Terminal } from '../terminal.ts';
import { findSub, overviewSchema, pathOfPerson } from './person-lookup.ts';

interface Options {
  readonly json?: boolean;
  readonly yes?: boolean;
}

const WHO = 'an address, or the id of a person';

export function addDeviceCommands(program: Command, terminal: Terminal): void {
  const device = program.command('device').description('people’s devices');
  device
    .command('list')
    .argument('<person>', WHO)
    .description('the devices of a person')
    .option('--json', 'answer as JSON')
    .action(async (who: string, options: Options) => {
      const api = await openApi(terminal);
      const { devices } = await api.get(pathOfPerson(await findSub(api, who)), overviewSchema);
      show(terminal, options, { devices }, () =>
        table(
          ['device', 'label', 'added', 'last seen'],
          devices.map(({ id, label, added, lastSeen }) => [id, label, when(added), when(lastSeen)]),
          'No devices.',
        ),
      );
    });
  device
    .command('remove')
    .argument('<person>', WHO)
    // An option, because a thumbprint may begin with a hyphen.
    .requiredOption('--device <id>', 'as `countersign device list` shows it')
    .description('take a lost device away: it can open nothing any more, at once')
    .option('--yes', 'do not ask')
    .option('--json', 'answer as JSON')
    .action(async (who: string, options: Options & { device: string }) => {
      const api = await openApi(terminal);
      const path = pathOfPerson(await findSub(api, who));
      await confirm(
        terminal,
        options.yes,
        `The device ${options.device} of ${who} will be of no use any more.`,
      );
      await api.send('DELETE', `${path}/devices/${encodeURIComponent(options.device)}`, nothing);
      const { device: id } = options;
      show(terminal, options, { removed: id }, () => `Removed the device ${id}.`);
    });
}
