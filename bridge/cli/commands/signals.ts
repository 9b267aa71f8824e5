import { type Command, Option } from 'commander';
import * as z from 'zod';
import { nothing, openApi } from '../api-client.ts';
import { confirm } from '../confirm.ts';
import { facts, show } from '../output.ts';
import { repeatable } from '../repeatable.ts';
import type { Terminal } from '../terminal.ts';
import {
  issuedSchema,
  partnersSchema,
  partnerTable,
  receiversSchema,
  receiverTable,
} from './signal-views.ts';
import { addTransmitterCommands } from './signals-transmitter.ts';

interface Options {
  readonly json?: boolean;
  readonly yes?: boolean;
  readonly reason?: string;
}

interface NewOptions extends Options {
  readonly name: string;
  readonly audience: string;
  readonly subjects: 'email' | 'iss_sub';
  readonly domain?: readonly string[];
  readonly endpointHost?: string;
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
  addRegistering(signals, terminal);
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

function addRegistering(signals: Command, terminal: Terminal): void {
  const tokenShown = ({ id, name, audience, token }: z.infer<typeof issuedSchema>) =>
    `${facts({ id, name, audience, token })}\n\nThe token is shown this once. The receiver makes its stream with it.`;
  signals
    .command('add')
    .description('register a receiver, for example the SaaS provider; shows its bearer token once')
    .requiredOption('--name <name>', 'what it is called')
    .requiredOption('--audience <audience>', 'what its tokens name as aud')
    .addOption(
      new Option('--subjects <format>', 'how it knows people').choices(['email', 'iss_sub']).default('email'),
    )
    .option('--domain <domain>', 'only people of this domain; repeatable', repeatable)
    .option('--endpoint-host <host>', 'the one host to push to, which may be internal; else any public one')
    .option('--json', 'answer as JSON')
    .action(async ({ name, audience, subjects, domain, endpointHost, json }: NewOptions) => {
      const domains = domain === undefined ? {} : { domains: domain };
      const host = endpointHost === undefined ? {} : { endpoint_host: endpointHost };
      const body = { name, audience, subject_format: subjects, ...domains, ...host };
      const added = await (await openApi(terminal)).send('POST', `${PATH}/receivers`, issuedSchema, body);
      show(terminal, { json }, added, tokenShown);
    });
  signals
    .command('token')
    .argument('<receiver>', 'its id')
    .description('give a receiver another token; the one before is void at once')
    .option('--yes', 'do not ask')
    .option('--json', 'answer as JSON')
    .action(async (id: string, options: Options) => {
      await confirm(terminal, options.yes, `The token that ${id} has now stops working.`);
      const issued = await (await openApi(terminal)).send('POST', `${one(id)}/token`, issuedSchema);
      show(terminal, options, issued, tokenShown);
    });
  signals
    .command('remove')
    .argument('<receiver>', 'its id')
    .description('remove a receiver, with its stream and what waits for it')
    .option('--yes', 'do not ask')
    .option('--json', 'answer as JSON')
    .action(async (id: string, options: Options) => {
      await confirm(terminal, options.yes, `What waits for ${id} is never sent.`);
      await (await openApi(terminal)).send('DELETE', one(id), nothing);
      show(terminal, options, { removed: id }, () => `Removed ${id}.`);
    });
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
