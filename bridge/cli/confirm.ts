import type { Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

/** Asks before something that cannot be taken back. Without a person to ask, only `--yes` lets it pass. */
export async function confirm(terminal: Terminal, yes: boolean | undefined, what: string): Promise<void> {
  if (yes === true) return;
  if (!terminal.interactive) throw new UsageError(`${what} Add --yes to do it without being asked.`);
  const answer = await terminal.ask(`${what} Go on? Type yes: `);
  if (answer.toLowerCase() !== 'yes') throw new UsageError('Nothing was done.');
}
