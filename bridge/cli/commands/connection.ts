import type { Command } from 'commander';
import * as z from 'zod';
import { nothing, openApi } from '../api-client.ts';
import { confirm } from '../confirm.ts';
import { show, table, when } from '../output.ts';
import { repeatable } from '../repeatable.ts';
import type { Terminal } from '../terminal.ts';
import { addConnectionChange } from './connection-change.ts';
import { type OidcOptions, oidcSettings, type SamlOptions, samlSettings } from './connection-settings.ts';
import {
  type Connection,
  connectionSchema,
  describeConnection,
  describeTest,
  testedSchema,
} from './connection-view.ts';

interface Options {
  readonly json?: boolean;
  readonly yes?: boolean;
  readonly reason?: string;
}

type NewOptions = Options & {
  readonly id?: string;
  readonly name: string;
  readonly domain?: readonly string[];
  readonly guest?: boolean;
  readonly room?: boolean;
};

const PATH = '/admin/v1/connections';
const pathOf = (id: string, rest = '') => `${PATH}/${encodeURIComponent(id)}${rest}`;

export function addConnectionCommands(program: Command, terminal: Terminal): void {
  const connection = program
    .command('connection')
    .description('the identity providers that people sign in at');
  addNewConnectionCommands(connection, terminal);
  connection
    .command('list')
    .description('the connections and how they stand')
    .option('--json', 'answer as JSON')
    .action(async (options: Options) => {
      const api = await openApi(terminal);
      const found = await api.get(PATH, z.object({ connections: z.array(connectionSchema) }));
      show(terminal, options, found, ({ connections }) => list(connections));
    });
  connection
    .command('show')
    .argument('<id>')
    .description('one connection, and what its identity provider must be told')
    .option('--json', 'answer as JSON')
    .action(async (id: string, options: Options) => {
      show(
        terminal,
        options,
        await (await openApi(terminal)).get(pathOf(id), connectionSchema),
        describeConnection,
      );
    });
  addConnectionChange(connection, terminal);
  addLifeCommands(connection, terminal);
}

function addNewConnectionCommands(connection: Command, terminal: Terminal): void {
  withNewOptions(connection.command('add-oidc'))
    .description(
      'connect an OpenID Connect provider; the client secret is taken from $COUNTERSIGN_CLIENT_SECRET',
    )
    .requiredOption('--issuer <url>', 'exactly as the provider publishes it')
    .requiredOption('--client-id <id>')
    .option('--client-secret-file <file>', 'take the client secret from this file instead')
    .option(
      '--authentication <method>',
      'client_secret_post, client_secret_basic, client_secret_basic_raw or none',
      'client_secret_post',
    )
    .option('--address-claim <claim>', 'the claim with the email address', 'email')
    .option('--subject-claim <claim>', 'the stable id: oid at Entra', 'sub')
    .option('--trust-addresses', 'addresses count although the provider does not say that it verified them')
    .action(async (options: NewOptions & OidcOptions) => {
      await create(terminal, 'oidc', await oidcSettings(terminal, options), options);
    });
  withNewOptions(connection.command('add-saml'))
    .description('connect a SAML identity provider by its metadata')
    .option('--metadata-url <url>', 'where the provider publishes its metadata; read again every hour')
    .option('--metadata-file <file>', 'the metadata as a file')
    .option('--address-attribute <name>', 'the attribute with the email address; may be repeated', repeatable)
    .option(
      '--subject-attribute <name>',
      'the attribute with the stable id, where the NameID is not persistent',
    )
    .option('--want-encrypted', 'refuse assertions that are not encrypted')
    .action(async (options: NewOptions & SamlOptions) => {
      await create(terminal, 'saml', samlSettings(options), options);
    });
}

function withNewOptions(command: Command): Command {
  return command
    .requiredOption('--name <name>', 'what people see who must choose')
    .option('--id <id>', 'stands in URLs: lower-case letters, digits, hyphens')
    .option('--domain <domain>', 'a domain that it may assert; may be repeated', repeatable)
    .option('--guest', 'its people are guests')
    .option('--room', 'its accounts are meeting rooms, which sign in at /device')
    .option('--json', 'answer as JSON');
}

function addLifeCommands(connection: Command, terminal: Terminal): void {
  connection
    .command('test')
    .argument('<id>')
    .description('ask the identity provider for what it publishes')
    .option('--json', 'answer as JSON')
    .action(async (id: string, options: Options) => {
      const tested = await (await openApi(terminal)).send('POST', pathOf(id, '/test'), testedSchema);
      show(terminal, options, tested, describeTest);
    });
  connection
    .command('activate')
    .argument('<id>')
    .description('let people sign in through it')
    .option('--json', 'answer as JSON')
    .action(async (id: string, options: Options) => {
      const active = await (await openApi(terminal)).send('POST', pathOf(id, '/activate'), connectionSchema);
      show(terminal, options, active, ({ id, domains }) =>
        domains.length === 0
          ? `${id} is active, but may assert no domain: countersign connection change ${id} --domain DOMAIN`
          : `${id} is active: people of ${domains.join(', ')} sign in through it.`,
      );
    });
  connection
    .command('disable')
    .argument('<id>')
    .description('let nobody sign in through it any more; keys and devices stay')
    .option('--reason <text>', 'stands in the event')
    .option('--yes', 'do not ask')
    .option('--json', 'answer as JSON')
    .action(async (id: string, options: Options) => {
      await confirm(terminal, options.yes, `Nobody will be able to sign in through ${id}.`);
      const body = options.reason === undefined ? {} : { reason: options.reason };
      const disabled = await (await openApi(terminal)).send(
        'POST',
        pathOf(id, '/disable'),
        connectionSchema,
        body,
      );
      show(terminal, options, disabled, () => `${id} is disabled.`);
    });
  connection
    .command('remove')
    .argument('<id>')
    .description('remove a connection that nobody is known through')
    .option('--yes', 'do not ask')
    .option('--json', 'answer as JSON')
    .action(async (id: string, options: Options) => {
      await confirm(terminal, options.yes, `The connection ${id} and its secret will be gone.`);
      await (await openApi(terminal)).send('DELETE', pathOf(id), nothing);
      show(terminal, options, { removed: id }, () => `Removed ${id}.`);
    });
}

async function create(
  terminal: Terminal,
  protocol: 'oidc' | 'saml',
  settings: unknown,
  { id, name, domain, guest, room, json }: NewOptions,
): Promise<void> {
  const created = await (await openApi(terminal)).send('POST', PATH, connectionSchema, {
    ...(id === undefined ? {} : { id }),
    ...{
      name,
      protocol,
      settings,
      domains: domain ?? [],
      assurance: room === true ? 'room' : guest === true ? 'guest' : 'member',
    },
  });
  show(terminal, { json }, created, describeConnection);
}

function list(connections: readonly Connection[]): string {
  return table(
    ['id', 'name', 'protocol', 'status', 'domains', 'tested'],
    connections.map(({ id, name, protocol, status, domains, tested }) => [
      ...[id, name, protocol, status, domains.join(' '), when(tested)],
    ]),
    'There are none. Add one with `countersign connection add-oidc` or `add-saml`.',
  );
}
