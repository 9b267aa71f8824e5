import type { Command } from 'commander';
import { describeFault, printConfig } from '../../config/index.ts';
import { checkLocalConfig, type LocalOptions, readLocalConfig, withLocalOptions } from '../local-store.ts';
import { show } from '../output.ts';
import type { Terminal } from '../terminal.ts';

type Options = LocalOptions & { readonly json?: boolean };

export function addConfigCommands(program: Command, terminal: Terminal): void {
  const config = program.command('config').description('look at the configuration');
  withLocalOptions(config.command('check'))
    .description('check the configuration file and what it refers to')
    .option('--json', 'answer as JSON')
    .action((options: Options) => {
      const { config: found, warnings } = checkLocalConfig(terminal, options);
      show(terminal, options, { valid: true, issuer: found.issuer, warnings }, ({ issuer }) =>
        warnings.length === 0
          ? `${options.config} is in order (${issuer}).`
          : [`${options.config} can be used (${issuer}), but:`, ...warnings.map(describeFault)].join('\n'),
      );
    });
  withLocalOptions(config.command('print'))
    .description('print the configuration in force, defaults included, secrets left out')
    .option('--json', 'answer as JSON')
    .action((options: Options) => {
      show(terminal, options, readLocalConfig(terminal, options), (found) => printConfig(found).trimEnd());
    });
}
