import { type Command, Option } from 'commander';
import type * as z from 'zod';
import { nothing, openApi } from '../api-client.ts';
import { confirm } from '../confirm.ts';
import { facts, show, when } from '../output.ts';
import { repeatable } from '../repeatable.ts';
import type { Terminal } from '../terminal.ts';
import { UsageError } from '../usage-error.ts';
import { describeReceiver, issuedSchema, receiverSchema } from './signal-views.ts';

interface Options {
  readonly json?: boolean;
  readonly yes?: boolean;
}

interface NewOptions extends Options {
  readonly name: string;
  readonly audience: string;
  readonly subjects: 'email' | 'iss_sub';
  readonly domain?: readonly string[];
  readonly endpointHost?: string;
  readonly validDays?: number;
}

interface SetOptions extends Options {
  readonly endpointHost?: string;
  readonly anyPublicHost?: boolean;
}

interface TokenOptions extends Options {
  readonly overlapHours?: number;
  readonly validDays?: number;
}

const PATH = '/admin/v1/signals/receivers';
const one = (id: string) => `${PATH}/${encodeURIComponent(id)}`;

/** `countersign signals add|show|set|token|rotate-token|remove`: who is registered, and by what it shows who it is. */
export function addReceiverCommands(signals: Command, terminal: Terminal): void {
  addRegistering(signals, terminal);
  addChanging(signals, terminal);
  addTokens(signals, terminal);
}

function addRegistering(signals: Command, terminal: Terminal): void {
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
    .option('--valid-days <days>', 'how long its token is valid; a year unless said otherwise', wholeNumber)
    .option('--json', 'answer as JSON')
    .action(async ({ json, ...options }: NewOptions) => {
      const { name, audience, subjects, domain, endpointHost } = options;
      const body = {
        ...{ name, audience, subject_format: subjects },
        ...(domain === undefined ? {} : { domains: domain }),
        ...(endpointHost === undefined ? {} : { endpoint_host: endpointHost }),
        ...validity(options),
      };
      const added = await (await openApi(terminal)).send('POST', PATH, issuedSchema, body);
      show(terminal, { json }, added, issued);
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
}

function addChanging(signals: Command, terminal: Terminal): void {
  signals
    .command('show')
    .argument('<receiver>', 'its id')
    .description('one receiver: where it may be pushed to, its token, its stream, and how delivery stands')
    .option('--json', 'answer as JSON')
    .action(async (id: string, options: Options) => {
      const found = await (await openApi(terminal)).get(one(id), receiverSchema);
      show(terminal, options, found, describeReceiver);
    });
  signals
    .command('set')
    .argument('<receiver>', 'its id')
    .description('change where a receiver’s stream may be pushed to; one that is elsewhere is paused')
    .addOption(
      new Option('--endpoint-host <host>', 'the one host, which may be internal').conflicts('anyPublicHost'),
    )
    .option('--any-public-host', 'any host with public addresses')
    .option('--yes', 'do not ask')
    .option('--json', 'answer as JSON')
    .action((id: string, options: SetOptions) => setHost(terminal, id, options));
}

async function setHost(terminal: Terminal, id: string, options: SetOptions): Promise<void> {
  const { endpointHost: host, anyPublicHost, yes } = options;
  if (host === undefined && anyPublicHost === undefined) {
    throw new UsageError('Give --endpoint-host or --any-public-host.');
  }
  const api = await openApi(terminal);
  const { stream, endpoint_host: before } = await api.get(one(id), receiverSchema);
  const target = stream?.pushed_to ?? null;
  if (host !== undefined && target !== null && target !== host) {
    await confirm(terminal, yes, `Its stream is pushed to ${target}: it is paused until it names ${host}.`);
  }
  if (host === undefined && target !== null && target === before) {
    await confirm(terminal, yes, `Nothing reaches ${target} any more if its addresses are not public.`);
  }
  const body = { endpoint_host: host ?? null };
  const changed = await api.send('PATCH', one(id), receiverSchema, body);
  show(terminal, options, changed, describeReceiver);
}

function addTokens(signals: Command, terminal: Terminal): void {
  const replace = async (id: string, options: TokenOptions) => {
    const overlap = options.overlapHours === undefined ? {} : { overlap_hours: options.overlapHours };
    const body = { ...overlap, ...validity(options) };
    return (await openApi(terminal)).send('POST', `${one(id)}/token`, issuedSchema, body);
  };
  signals
    .command('token')
    .argument('<receiver>', 'its id')
    .description('give a receiver another token; the one before is void at once, as after a leak')
    .option('--valid-days <days>', 'how long it is valid; a year unless said otherwise', wholeNumber)
    .option('--yes', 'do not ask')
    .option('--json', 'answer as JSON')
    .action(async (id: string, options: TokenOptions) => {
      await confirm(terminal, options.yes, `The token that ${id} has now stops working.`);
      show(terminal, options, await replace(id, options), issued);
    });
  signals
    .command('rotate-token')
    .argument('<receiver>', 'its id')
    .description('give a receiver another token; the one before stays valid for a while')
    .option('--overlap-hours <hours>', 'for how long: 72 unless said otherwise, 720 at most', wholeNumber, 72)
    .option('--valid-days <days>', 'how long the new one is valid; a year unless said otherwise', wholeNumber)
    .option('--json', 'answer as JSON')
    .action(async (id: string, options: TokenOptions) => {
      show(terminal, options, await replace(id, options), issued);
    });
}

function issued(receiver: z.infer<typeof issuedSchema>): string {
  const { id, name, audience, token, token_expires, former_token_expires: former } = receiver;
  const until = former === null ? {} : { 'the one before': `until ${when(former)}` };
  const told = facts({ id, name, audience, token, 'valid until': when(token_expires), ...until });
  return `${told}\n\nThe token is shown this once. The receiver makes its stream with it.`;
}

function validity({ validDays }: { validDays?: number }): { token_valid_days?: number } {
  return validDays === undefined ? {} : { token_valid_days: validDays };
}

function wholeNumber(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new UsageError(`${text} is not a whole number.`);
  return Number(text);
}
