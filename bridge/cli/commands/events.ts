import { setTimeout as wait } from 'node:timers/promises';
import type { Command } from 'commander';
import { type ApiClient, openApi } from '../api-client.ts';
import { eventLine, eventSchema } from '../event-line.ts';
import type { Terminal } from '../terminal.ts';
import { UsageError } from '../usage-error.ts';
import { addEventsExport } from './events-export.ts';
import { addEventsTail } from './events-tail.ts';
import { addEventsVerify } from './events-verify.ts';

interface Options {
  readonly json?: boolean;
  readonly since?: string;
  readonly limit?: string;
  readonly follow?: boolean;
}

const PAGE = 1_000;
const FOLLOW_MS = 1_000;

export function addEventsCommand(program: Command, terminal: Terminal): void {
  const command = program
    .command('events')
    .description('the security event log, from the beginning or from an event on')
    .option('--since <seq>', 'only those after this one; from the oldest that is kept where absent')
    .option('--limit <count>', 'at most so many')
    .option('-f, --follow', 'go on with new ones until interrupted')
    .option('--json', 'one JSON object a line, as SIEMs take it')
    .action((options: Options) => events(terminal, options));
  addEventsTail(command, terminal);
  addEventsExport(command, terminal);
  addEventsVerify(command, terminal);
}

async function events(terminal: Terminal, options: Options): Promise<void> {
  const api = await openApi(terminal);
  let since = options.since === undefined ? undefined : wholeNumber(options.since, '--since');
  let left = options.limit === undefined ? Number.POSITIVE_INFINITY : wholeNumber(options.limit, '--limit');
  while (left > 0) {
    const lines = await page(api, since, Math.min(PAGE, left));
    for (const line of lines) {
      const event = eventSchema.parse(JSON.parse(line));
      terminal.out(options.json === true ? line : eventLine(event));
      since = event.seq;
    }
    left -= lines.length;
    if (lines.length > 0) continue;
    if (options.follow !== true) return;
    await wait(FOLLOW_MS);
  }
}

async function page(api: ApiClient, since: number | undefined, limit: number): Promise<string[]> {
  const from = since === undefined ? '' : `since=${since}&`;
  const text = await api.text(`/v1/events?${from}limit=${limit}`);
  return text.split('\n').filter((line) => line !== '');
}

function wholeNumber(text: string, option: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new UsageError(`${option} is a whole number.`);
  return Number(text);
}
