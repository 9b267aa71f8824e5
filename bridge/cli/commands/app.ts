import type { Command } from 'commander';
import * as z from 'zod';
import { nothing, openApi } from '../api-client.ts';
import { confirm } from '../confirm.ts';
import { facts, show, table, when } from '../output.ts';
import { repeatable } from '../repeatable.ts';
import type { Terminal } from '../terminal.ts';

interface Options {
  readonly json?: boolean;
  readonly yes?: boolean;
}

type NewOptions = Options & {
  readonly id?: string;
  readonly room?: boolean;
  readonly redirectUri?: readonly string[];
  readonly corsOrigin?: readonly string[];
};

const appSchema = z.object({
  id: z.string(),
  name: z.string(),
  kind: z.string(),
  redirectUris: z.array(z.string()),
  corsOrigins: z.array(z.string()),
  created: z.int(),
});

const PATH = '/admin/v1/apps';

export function addAppCommands(program: Command, terminal: Terminal): void {
  const app = program.command('app').description('the client apps that people may sign in to');
  app
    .command('list')
    .description('the client apps')
    .option('--json', 'answer as JSON')
    .action(async (options: Options) => {
      const found = await (await openApi(terminal)).get(PATH, z.object({ apps: z.array(appSchema) }));
      show(terminal, options, found, ({ apps }) =>
        table(
          ['client id', 'name', 'redirects to', 'called from', 'since'],
          apps.map(({ id, name, redirectUris, corsOrigins, created }) => [
            ...[id, name, redirectUris.join(' ') || '-', corsOrigins.join(' ') || '-', when(created)],
          ]),
          'There are none. Register one with `countersign app add NAME --redirect-uri URL`.',
        ),
      );
    });
  app
    .command('add')
    .argument('<name>', 'what people see who sign in to it')
    .description('register a client app')
    .option('--redirect-uri <url>', 'where it may be sent back to; may be repeated', repeatable)
    .option('--room', 'a room system without a keyboard: it signs in at /device and redirects nowhere')
    .option('--cors-origin <origin>', 'where its pages call the API from; may be repeated', repeatable)
    .option('--id <id>', 'its client_id; a random one if not given')
    .option('--json', 'answer as JSON')
    .action(async (name: string, { id, room, redirectUri, corsOrigin, json }: NewOptions) => {
      const added = await (await openApi(terminal)).send('POST', PATH, appSchema, {
        ...(id === undefined ? {} : { id }),
        ...{ name, redirectUris: redirectUri ?? [], corsOrigins: corsOrigin ?? [] },
        ...(room === true ? { kind: 'room' } : {}),
      });
      show(terminal, { json }, added, (known) => facts({ 'client id': known.id, name: known.name }));
    });
  app
    .command('remove')
    .argument('<client-id>')
    .description('remove a client app; everybody is signed out of it')
    .option('--yes', 'do not ask')
    .option('--json', 'answer as JSON')
    .action(async (id: string, options: Options) => {
      await confirm(terminal, options.yes, `Everybody will be signed out of ${id}.`);
      await (await openApi(terminal)).send('DELETE', `${PATH}/${encodeURIComponent(id)}`, nothing);
      show(terminal, options, { removed: id }, () => `Removed ${id}.`);
    });
}
