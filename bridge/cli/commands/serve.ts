import type { Command } from 'commander';
import { describeFault } from '../../config/index.ts';
import { leadConsoleTo } from '../../lib/console-lines.ts';
import { boundHeapGrowth } from '../../lib/heap-growth.ts';
import { createLogger, type Logger } from '../../lib/logger.ts';
import { checkLocalConfig, type LocalOptions, withLocalOptions } from '../local-store.ts';
import { when } from '../output.ts';
import { stopSignal } from '../stop-signal.ts';
import type { Terminal } from '../terminal.ts';

export function addServeCommand(program: Command, terminal: Terminal): void {
  withLocalOptions(program.command('serve'))
    .description('run the bridge until SIGTERM or SIGINT; open requests are finished first')
    .action((options: LocalOptions) => serve(terminal, options));
}

async function serve(terminal: Terminal, options: LocalOptions): Promise<void> {
  boundHeapGrowth();
  const stopAsked = stopSignal();
  const { config, warnings } = checkLocalConfig(terminal, options);
  const logger = createLogger({ level: config.log.level });
  for (const warning of warnings) logger.warn(describeFault(warning));
  // Before the libraries are loaded: one of them has something to say then.
  const undo = leadConsoleTo(logger);
  try {
    // Only here: the other commands need not wait for the whole bridge to load.
    const { startBridge } = await import('../../main.ts');
    const bridge = await startBridge(config, { logger });
    const { administrators } = bridge.services;
    if ((await administrators.list()).length === 0) {
      await tellHowToAdminister(terminal, logger, administrators);
    }
    await stopAsked;
    await bridge.stop();
  } finally {
    undo();
  }
}

/** A link is a secret: it is shown to a person, and never to whatever collects the output of a service. */
async function tellHowToAdminister(
  terminal: Terminal,
  logger: Logger,
  administrators: { createLink(): Promise<{ url: string; expires: number }> },
): Promise<void> {
  if (!terminal.interactive) {
    logger.warn('nobody administers this bridge now: run `countersign admin link` on this machine');
    return;
  }
  const { url, expires } = await administrators.createLink();
  terminal.say(
    `Nobody administers this bridge now. Until ${when(expires)}, once:\n  countersign admin claim '${url}'`,
  );
}
