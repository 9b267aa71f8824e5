import { readFileSync } from 'node:fs';
import { type Command, Option } from 'commander';
import * as z from 'zod';
import { nothing, openApi } from '../api-client.ts';
import { confirm } from '../confirm.ts';
import { facts, show, table, when } from '../output.ts';
import type { Terminal } from '../terminal.ts';
import { UsageError } from '../usage-error.ts';

interface Options {
  readonly json?: boolean;
  readonly yes?: boolean;
}

interface NewOptions extends Options {
  readonly name: string;
  readonly assurance: string;
  readonly address: string;
  readonly jwks: string;
}

const serviceSchema = z.object({
  id: z.string(),
  sub: z.string(),
  name: z.string(),
  assurance: z.string(),
  address: z.string(),
  status: z.string(),
  created: z.int(),
});

const PATH = '/admin/v1/services';

export function addServiceCommands(program: Command, terminal: Terminal): void {
  const service = program
    .command('service')
    .description('gateways, recorders and bots, with keys of their own');
  service
    .command('list')
    .description('the services')
    .option('--json', 'answer as JSON')
    .action(async (options: Options) => {
      const schema = z.object({ services: z.array(serviceSchema) });
      const found = await (await openApi(terminal)).get(PATH, schema);
      show(terminal, options, found, ({ services }) =>
        table(
          ['client id', 'name', 'is a', 'address', 'status', 'since'],
          services.map(({ id, name, assurance, address, status, created }) => [
            ...[id, name, assurance, address, status, when(created)],
          ]),
          'There are none. Register one with `countersign service add`.',
        ),
      );
    });
  service
    .command('add')
    .description('register a service with its public keys')
    .requiredOption('--name <name>', 'what it is called')
    .addOption(
      new Option('--assurance <kind>', 'what others see that it is')
        .choices(['gateway', 'recorder', 'bot'])
        .makeOptionMandatory(),
    )
    .requiredOption('--address <address>', 'its address, on a verified domain')
    .requiredOption('--jwks <file>', 'its public Ed25519 keys as a JWK set')
    .option('--json', 'answer as JSON')
    .action(async ({ name, assurance, address, jwks, json }: NewOptions) => {
      const body = { name, assurance, address, jwks: readKeys(jwks) };
      const added = await (await openApi(terminal)).send('POST', PATH, serviceSchema, body);
      show(terminal, { json }, added, (known) =>
        facts({ 'client id': known.id, name: known.name, 'is a': known.assurance, address: known.address }),
      );
    });
  service
    .command('keys')
    .argument('<client-id>')
    .description('replace the keys by which a service proves itself; its tokens end')
    .requiredOption('--jwks <file>', 'all its public Ed25519 keys from now on, as a JWK set')
    .option('--json', 'answer as JSON')
    .action(async (id: string, { jwks, json }: Options & { jwks: string }) => {
      const path = `${PATH}/${encodeURIComponent(id)}/keys`;
      const changed = await (await openApi(terminal)).send('PUT', path, serviceSchema, readKeys(jwks));
      show(terminal, { json }, changed, ({ name }) => `${name} has other keys; its tokens have ended.`);
    });
  service
    .command('close')
    .argument('<client-id>')
    .description('close a service for good: its keys are revoked, its address is free')
    .option('--yes', 'do not ask')
    .option('--json', 'answer as JSON')
    .action(async (id: string, options: Options) => {
      await confirm(terminal, options.yes, `The service ${id} cannot come back.`);
      await (await openApi(terminal)).send('POST', `${PATH}/${encodeURIComponent(id)}/close`, nothing);
      show(terminal, options, { closed: id }, () => `Closed ${id}.`);
    });
}

function readKeys(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new UsageError(`The file ${file} cannot be read as JSON.`, { cause });
  }
}
