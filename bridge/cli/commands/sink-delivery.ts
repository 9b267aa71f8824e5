import type { Command } from 'commander';
import * as z from 'zod';
import { type ApiClient, openApi } from '../api-client.ts';
import { confirm } from '../confirm.ts';
import { show } from '../output.ts';
import type { Terminal } from '../terminal.ts';
import { UsageError } from '../usage-error.ts';
import { deadLettersSchema, type ReplayAnswer, replaySchema, sinkPath } from './sink-answers.ts';
import { deadLettersView } from './sink-delivery-views.ts';

const skippedSchema = z.object({ seq: z.int(), event_id: z.string(), type: z.string() });

interface Options {
  readonly json?: boolean;
  readonly yes?: boolean;
}

interface ReplayOptions extends Options {
  readonly fromSeq?: string;
  readonly toSeq?: string;
  readonly from?: string;
  readonly to?: string;
  readonly cancel?: string;
}

interface LetterOptions extends Options {
  readonly all?: boolean;
}

/** What came to a sink and what did not. */
export function addSinkDeliveryCommands(sink: Command, terminal: Terminal): void {
  sink
    .command('replay')
    .argument('<sink>', 'its name or id')
    .description('send events once more, marked as a replay, beside those that come')
    .option('--from-seq <seq>', 'the first event')
    .option('--to-seq <seq>', 'the last event, itself too')
    .option('--from <time>', 'from this time on, as 2026-11-22T02:00:00Z')
    .option('--to <time>', 'up to this time; without it, up to now')
    .option('--cancel <replay>', 'stop this replay instead')
    .option('--json', 'answer as JSON')
    .action((name: string, options: ReplayOptions) => replay(terminal, name, options));
  sink
    .command('skip')
    .argument('<sink>', 'its name or id')
    .description('lay aside the event that the sink stands at, among its dead letters, and go on behind it')
    .option('--json', 'answer as JSON')
    .action(async (name: string, options: Options) => {
      const api = await openApi(terminal);
      const skipped = await api.send('POST', sinkPath(name, '/skip'), skippedSchema);
      show(
        terminal,
        options,
        skipped,
        ({ seq, type }) =>
          `Event ${seq} (${type}) is laid aside. To send it again: countersign sink resend ${name} ${seq}`,
      );
    });
  sink
    .command('dead-letters')
    .argument('<sink>', 'its name or id')
    .description('the events that the receiver refuses, with its words')
    .option('--after <seq>', 'those behind this event')
    .option('--limit <count>', 'at most so many')
    .option('--json', 'answer as JSON')
    .action(
      async (name: string, { after, limit, ...options }: Options & { after?: string; limit?: string }) => {
        const query = new URLSearchParams({
          ...(after === undefined ? {} : { after: String(wholeNumber(after, '--after')) }),
          ...(limit === undefined ? {} : { limit: String(wholeNumber(limit, '--limit')) }),
        });
        const api = await openApi(terminal);
        const page = await api.get(sinkPath(name, `/dead-letters?${query}`), deadLettersSchema);
        show(terminal, options, page, (found) => deadLettersView(name, found));
      },
    );
  withLetters(sink.command('resend'))
    .description('send dead letters again, when what was wrong at the receiver is mended')
    .action(async (name: string, seqs: readonly string[], options: LetterOptions) => {
      const chosen = chosenLetters(seqs, options);
      const api = await openApi(terminal);
      const path = sinkPath(name, '/dead-letters/resend');
      const answer = await api.send('POST', path, z.object({ resent: z.int() }), { seqs: chosen });
      show(
        terminal,
        options,
        answer,
        ({ resent }) => `${resent} will be sent again. See \`countersign sink dead-letters ${name}\`.`,
      );
    });
  withLetters(sink.command('discard'))
    .description('forget dead letters: the receiver never gets these events')
    .option('--yes', 'do not ask')
    .action(async (name: string, seqs: readonly string[], options: LetterOptions) => {
      const chosen = chosenLetters(seqs, options);
      const what = chosen === 'all' ? 'all its dead letters' : `the dead letters ${chosen.join(', ')}`;
      await confirm(terminal, options.yes, `${name} will never get ${what}.`);
      const api = await openApi(terminal);
      const path = sinkPath(name, '/dead-letters/discard');
      const answer = await api.send('POST', path, z.object({ discarded: z.int() }), { seqs: chosen });
      show(terminal, options, answer, ({ discarded }) => `${discarded} forgotten; the event log keeps them.`);
    });
}

function withLetters(command: Command): Command {
  return command
    .argument('<sink>', 'its name or id')
    .argument('[seq...]', 'as `countersign sink dead-letters` lists them')
    .option('--all', 'all of them')
    .option('--json', 'answer as JSON');
}

function chosenLetters(seqs: readonly string[], { all }: LetterOptions): readonly number[] | 'all' {
  if ((all === true) === seqs.length > 0)
    throw new UsageError('Name the events by their seq, or give --all.');
  return all === true ? 'all' : seqs.map((seq) => wholeNumber(seq, 'A seq'));
}

async function replay(terminal: Terminal, name: string, options: ReplayOptions): Promise<void> {
  const { cancel } = options;
  const api = await openApi(terminal);
  if (cancel !== undefined) {
    const path = sinkPath(name, `/replays/${encodeURIComponent(cancel)}`);
    const cancelled = await api.send('DELETE', path, replaySchema);
    show(terminal, options, cancelled, ({ id, done_seq }) => `${id} stopped behind event ${done_seq}.`);
    return;
  }
  const started = await startReplay(api, name, options);
  show(
    terminal,
    options,
    started,
    ({ id, from_seq, to_seq }) =>
      `${id} brings events ${from_seq} to ${to_seq} once more. See \`countersign sink show ${name}\`.`,
  );
}

function startReplay(api: ApiClient, name: string, options: ReplayOptions): Promise<ReplayAnswer> {
  const { fromSeq, toSeq, from, to } = options;
  const bySeq = fromSeq !== undefined || toSeq !== undefined;
  if (bySeq === (from !== undefined || to !== undefined)) {
    throw new UsageError('Say from where: --from-seq and --to-seq, or --from and --to.');
  }
  if (bySeq && (fromSeq === undefined || toSeq === undefined)) {
    throw new UsageError('By number, both are needed: --from-seq and --to-seq.');
  }
  const range = bySeq
    ? { from_seq: wholeNumber(fromSeq ?? '', '--from-seq'), to_seq: wholeNumber(toSeq ?? '', '--to-seq') }
    : { from: timeOf(from, '--from'), to: to === undefined ? new Date().toISOString() : timeOf(to, '--to') };
  return api.send('POST', sinkPath(name, '/replays'), replaySchema, range);
}

function timeOf(text: string | undefined, option: string): string {
  const time = new Date(text ?? Number.NaN);
  if (Number.isNaN(time.getTime())) throw new UsageError(`${option} is a time, as 2026-11-22T02:00:00Z.`);
  return time.toISOString();
}

function wholeNumber(text: string, option: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new UsageError(`${option} is a whole number.`);
  return Number(text);
}
