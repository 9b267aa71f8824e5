import { hostname, userInfo } from 'node:os';
import type { Command } from 'commander';
import * as z from 'zod';
import { createApprovalWithdrawal } from '../../binding/approval-withdrawal.ts';
import { createAdministrators } from '../../identity/administrators.ts';
import { ADMINISTRATOR_ROLES, type AdministratorRole } from '../../policy/decision.ts';
import { findSigner } from '../../signer/stored-keys.ts';
import { createApiClient, nothing, openApi } from '../api-client.ts';
import { confirm } from '../confirm.ts';
import { assertStorable, origin, storeCredentials } from '../credentials.ts';
import { inLocalStore, type LocalOptions, readLocalConfig, withLocalOptions } from '../local-store.ts';
import { show, table, when } from '../output.ts';
import { repeatable } from '../repeatable.ts';
import type { Terminal } from '../terminal.ts';
import { UsageError } from '../usage-error.ts';

interface Options {
  readonly json?: boolean;
  readonly yes?: boolean;
}

/** What a token is to be like. */
interface Wanted {
  readonly days?: string;
  readonly role?: readonly string[];
}

const ROLES = ADMINISTRATOR_ROLES.join(', ');

const tokenSchema = z.object({
  ...{ id: z.string(), name: z.string(), created: z.int(), expires: z.int() },
  roles: z.array(z.string()),
});
const issuedSchema = tokenSchema.extend({ token: z.string() });

export function addAdminCommands(program: Command, terminal: Terminal): void {
  const admin = program.command('admin').description('who may administer the bridge');
  withLocalOptions(admin.command('link'))
    .description('on the bridge’s machine: make a one-time link for an administrator')
    .option('--days <days>', 'how long its token is valid, 12 hours if not said, at most 90 days')
    .option('--role <role>', `what it may do, may be repeated: ${ROLES}; owner if not said`, repeatable)
    .option('--json', 'answer as JSON')
    .action((options: LocalOptions & Options & Wanted) => link(terminal, options));
  admin
    .command('claim')
    .argument('<link>', 'what `countersign admin link` printed')
    .description('turn a one-time link into a token, kept in this account’s configuration')
    .option('--name <name>', 'who you are; it stands in events')
    .option('--json', 'answer as JSON')
    .action((url: string, options: Options & { name?: string }) => claim(terminal, url, options));
  addTokenCommands(admin.command('token').description('administrators’ tokens'), terminal);
}

function addTokenCommands(token: Command, terminal: Terminal): void {
  token
    .command('list')
    .description('the tokens in force')
    .option('--json', 'answer as JSON')
    .action(async (options: Options) => {
      const api = await openApi(terminal);
      const found = await api.get('/admin/v1/tokens', z.object({ tokens: z.array(tokenSchema) }));
      show(terminal, options, found, ({ tokens }) =>
        table(
          ['id', 'name', 'roles', 'created', 'expires'],
          tokens.map(({ id, name, roles, created, expires }) => [
            ...[id, name, roles.join(', '), when(created), when(expires)],
          ]),
        ),
      );
    });
  token
    .command('create')
    .argument('<name>', 'whose it is: a colleague, a machine')
    .description('make a token; it is printed this once')
    .option('--days <days>', 'how long it is valid, 12 hours if not said, at most as long as your own')
    .option(
      '--role <role>',
      `what it may do, may be repeated: ${ROLES}; what yours may if not said`,
      repeatable,
    )
    .option('--json', 'answer as JSON')
    .action((name: string, options: Options & Wanted) => createToken(terminal, name, options));
  token
    .command('revoke')
    .argument('<id>')
    .description('end a token at once')
    .option('--yes', 'do not ask')
    .option('--json', 'answer as JSON')
    .action(async (id: string, options: Options) => {
      const question = `The token ${id}, and those made with it, will be of no use any more.`;
      await confirm(terminal, options.yes, question);
      await (await openApi(terminal)).send('DELETE', `/admin/v1/tokens/${encodeURIComponent(id)}`, nothing);
      show(terminal, options, { revoked: id }, () => `Revoked the token ${id}.`);
    });
}

async function link(terminal: Terminal, options: LocalOptions & Options & Wanted): Promise<void> {
  const tokenLife = secondsOf(options.days);
  const roles = rolesOf(options.role);
  const config = readLocalConfig(terminal, options);
  const made = await inLocalStore(config, async (store) => {
    const keys = await store.database.read(findSigner);
    if (keys === undefined) throw new UsageError('This store has no keys yet: run `countersign init`.');
    const withdrawApprovals = createApprovalWithdrawal(store);
    return createAdministrators({ ...store, issuer: config.issuer, withdrawApprovals }).createLink({
      ...(tokenLife === undefined ? {} : { tokenLife }),
      ...(roles === undefined ? {} : { roles }),
    });
  });
  terminal.say(`Valid once, until ${when(made.expires)}. Run: countersign admin claim 'LINK'`);
  show(terminal, options, made, ({ url }) => url);
}

async function claim(terminal: Terminal, url: string, options: Options & { name?: string }): Promise<void> {
  const bridge = origin(url);
  const secret = new URL(url).hash.slice(1);
  if (secret === '') {
    throw new UsageError(
      'The link has nothing behind the #. Put it in quotes: the shell may have cut it off.',
    );
  }
  const name = options.name ?? `${userInfo().username} on ${hostname()}`;
  await assertStorable(terminal);
  const api = createApiClient(terminal, { url: bridge });
  const issued = await api.send('POST', '/admin/v1/bootstrap', issuedSchema, { token: secret, name });
  const { id, token, expires, roles } = issued;
  const path = await storeCredentials(terminal, { url: bridge, token, id, expires });
  show(
    terminal,
    options,
    { url: bridge, id, name: issued.name, roles, expires, path },
    () =>
      `You administer ${bridge} as “${issued.name}” (${roles.join(', ')}) until ${when(expires)}. The token is in ${path}.`,
  );
}

function secondsOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const days = Number(text);
  if (!(days > 0 && days <= 90)) throw new UsageError('--days is at most 90.');
  return Math.round(days * 86_400);
}

/** Throws `UsageError` with the roles that there are. */
function rolesOf(named: readonly string[] | undefined): AdministratorRole[] | undefined {
  return named?.map((name) => {
    const role = ADMINISTRATOR_ROLES.find((each) => each === name);
    if (role === undefined) throw new UsageError(`There is no role “${name}”; there are ${ROLES}.`);
    return role;
  });
}

async function createToken(terminal: Terminal, name: string, options: Options & Wanted): Promise<void> {
  const expiresIn = secondsOf(options.days);
  const roles = rolesOf(options.role);
  const api = await openApi(terminal);
  const issued = await api.send('POST', '/admin/v1/tokens', issuedSchema, {
    name,
    ...(expiresIn === undefined ? {} : { expiresIn }),
    ...(roles === undefined ? {} : { roles }),
  });
  if (issued.expires < issued.created + (expiresIn ?? 0)) {
    terminal.say('It ends with your own token. For a longer one: countersign admin link --days DAYS');
  }
  terminal.say(
    `Token ${issued.id} for “${issued.name}” (${issued.roles.join(', ')}), valid until ${when(issued.expires)}. It is shown this once:`,
  );
  show(terminal, options, issued, ({ token }) => token);
}
