import type { Command } from 'commander';
import * as z from 'zod';
import { openApi } from '../api-client.ts';
import { confirm } from '../confirm.ts';
import { show } from '../output.ts';
import type { Terminal } from '../terminal.ts';
import { partnersSchema, partnerTable, receiversSchema, receiverTable } from './signal-views.ts';
import { addReceiverCommands } from './signals-receiver.ts';
import { addTransmitterCommands } from './signals-transmitter.ts';

interface Options {
  readonly json?: boolean;
  readonly yes?: boolean;
  readonly reason?: string;
}

const PATH = '/admin/v1/signals';
const one = (id: string) => `${PATH}/receivers/${encodeURIComponent(id)}`;
const view = z.object({ id: z.string() });

/** Who is told of revocations by Shared Signals. */
export function addSignalsCommands(program: Command, terminal: Terminal): void {
  const signals = program
    .command('signals')
    .description('Shared Signals: who is told of revocations, and whether they got it');
  addReading(signals, terminal);
  addTransmitterCommands(signals, terminal);
  addReceiverCommands(signals, terminal);
  addKeys(signals, terminal);
  addStreams(signals, terminal);
}

function addReading(signals: Command, terminal: Terminal): void {
  signals
    .command('list')
    .description('the registered receivers, their streams, and how delivery stands')
    .option('--json', 'answer as JSON')
    .action(async (options: Options) => {
      const found = await (await openApi(terminal)).get(`${PATH}/receivers`, receiversSchema);
      show(terminal, options, found, ({ receivers }) => receiverTable(receivers));
    });
  signals
    .command('partners')
    .description('the partners: of how many they know, and how delivery stands')
    .option('--json', 'answer as JSON')
    .action(async (options: Options) => {
      const found = await (await openApi(terminal)).get(`${PATH}/partners`, partnersSchema);
      show(terminal, options, found, ({ partners }) => partnerTable(partners));
    });
}

function addKeys(signals: Command, terminal: Terminal): void {
  signals
    .command('rotate-key')
    .description('sign signals to receivers with another key; those before stay published')
    .option('--json', 'answer as JSON')
    .action(async (options: Options) => {
      const schema = z.object({ kid: z.string() });
      const made = await (await openApi(terminal)).send('POST', `${PATH}/keys`, schema);
      show(terminal, options, made, ({ kid }) => `Signals to receivers are signed with ${kid} now.`);
    });
}

function addStreams(signals: Command, terminal: Terminal): void {
  const statuses = { pause: 'paused', resume: 'enabled', disable: 'disabled' } as const;
  const said = {
    pause: 'keep what there is for a receiver until it is resumed',
    resume: 'send to a receiver again, from where it stood',
    disable: 'forget what waits for a receiver and keep nothing for it',
  };
  for (const verb of ['pause', 'resume', 'disable'] as const) {
    signals
      .command(verb)
      .argument('<receiver>', 'its id')
      .description(said[verb])
      .option('--reason <text>', 'why; the receiver can read it')
      .option('--yes', 'do not ask')
      .option('--json', 'answer as JSON')
      .action(async (id: string, options: Options) => {
        if (verb === 'disable') await confirm(terminal, options.yes, `What waits for ${id} is forgotten.`);
        const reason = options.reason === undefined ? {} : { reason: options.reason };
        const body = { status: statuses[verb], ...reason };
        await (await openApi(terminal)).send('POST', `${one(id)}/status`, view, body);
        show(terminal, options, { id, status: statuses[verb] }, () => `${id} is ${statuses[verb]}.`);
      });
  }
  signals
    .command('verify')
    .argument('<receiver>', 'its id')
    .description('send a verification event to a receiver; `signals list` shows whether it was taken')
    .option('--json', 'answer as JSON')
    .action(async (id: string, options: Options) => {
      await (await openApi(terminal)).send('POST', `${one(id)}/verification`, view);
      show(terminal, options, { id, verification: 'sent' }, () => `A verification is on its way to ${id}.`);
    });
}
