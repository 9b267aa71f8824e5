import type { Command } from 'commander';
import * as z from 'zod';
import { nothing, openApi } from '../api-client.ts';
import { confirm } from '../confirm.ts';
import { facts, show, table, when } from '../output.ts';
import { repeatable } from '../repeatable.ts';
import type { Terminal } from '../terminal.ts';
import { UsageError } from '../usage-error.ts';

interface Options {
  readonly json?: boolean;
  readonly yes?: boolean;
}

interface SettingOptions extends Options {
  readonly issuer?: string;
  readonly jwksUri?: string;
  readonly audience?: string;
  readonly subjectIssuer?: string;
  readonly effect?: readonly string[];
}

const transmitterSchema = z.object({
  connection: z.string(),
  issuer: z.string(),
  jwks_uri: z.string(),
  audience: z.string(),
  subject_issuer: z.string().nullable(),
  effects: z.record(z.string(), z.string()),
  changed: z.int(),
  last_signal: z.int().nullable(),
  delivery_url: z.string(),
});
type Transmitter = z.infer<typeof transmitterSchema>;

const foundSchema = z.object({
  issuer: z.string(),
  jwks_uri: z.string(),
  source: z.string(),
  push: z.boolean().nullable(),
});

const issuedSchema = transmitterSchema.extend({ token: z.string() });

const PATH = '/admin/v1/signals/transmitters';
const CONNECTION = 'id of the connection, as `countersign connection list` shows it';

/** `countersign signals transmitter …`: who sends signals here. */
export function addTransmitterCommands(signals: Command, terminal: Terminal): void {
  const transmitter = signals
    .command('transmitter')
    .description('the company’s identity providers, whose signals revoke here (CAEP, RISC)');
  transmitter
    .command('list')
    .description('the transmitters, and when each was heard last')
    .option('--json', 'answer as JSON')
    .action((options: Options) => list(terminal, options));
  withSettings(transmitter.command('add'))
    .argument('<connection>', CONNECTION)
    .description(
      'take signals of a connection’s identity provider; looks up what is not given, prints its token, once',
    )
    .option('--yes', 'do not ask about what was looked up')
    .action((connection: string, options: SettingOptions) => add(terminal, connection, options));
  transmitter
    .command('show')
    .argument('<connection>', CONNECTION)
    .description('one transmitter')
    .option('--json', 'answer as JSON')
    .action(async (connection: string, options: Options) => {
      const found = await (await openApi(terminal)).get(pathOf(connection), transmitterSchema);
      show(terminal, options, found, describe);
    });
  withSettings(transmitter.command('set'))
    .argument('<connection>', CONNECTION)
    .description('change it; what is not named stays, --effect replaces all effects')
    .action(async (connection: string, options: SettingOptions) => {
      const api = await openApi(terminal);
      const changed = await api.send('PATCH', pathOf(connection), transmitterSchema, settingsOf(options));
      show(terminal, options, changed, describe);
    });
  transmitter
    .command('token')
    .argument('<connection>', CONNECTION)
    .description('make another token; the one before is void at once')
    .option('--yes', 'do not ask')
    .option('--json', 'answer as JSON')
    .action(async (connection: string, options: Options) => {
      const api = await openApi(terminal);
      await confirm(terminal, options.yes, `Signals with the token before are refused from now on.`);
      const issued = await api.send('POST', `${pathOf(connection)}/token`, issuedSchema);
      show(terminal, options, issued, describeIssued);
    });
  transmitter
    .command('test')
    .argument('<connection>', CONNECTION)
    .description('fetch its keys: whether its signals can be verified')
    .option('--json', 'answer as JSON')
    .action(async (connection: string, options: Options) => {
      const api = await openApi(terminal);
      const found = await api.send('POST', `${pathOf(connection)}/test`, z.object({ keys: z.int() }));
      show(terminal, options, found, ({ keys }) =>
        keys === 0
          ? 'It publishes no key that may sign signals.'
          : `It publishes ${keys} keys that may sign signals.`,
      );
    });
  transmitter
    .command('remove')
    .argument('<connection>', CONNECTION)
    .description('take no signals of this identity provider any more')
    .option('--yes', 'do not ask')
    .option('--json', 'answer as JSON')
    .action(async (connection: string, options: Options) => {
      const api = await openApi(terminal);
      await confirm(terminal, options.yes, `Nobody of ${connection} is signed out by signals any more.`);
      await api.send('DELETE', pathOf(connection), nothing);
      show(terminal, options, { removed: connection }, () => `Removed the transmitter of ${connection}.`);
    });
}

function withSettings(command: Command): Command {
  return command
    .option('--issuer <url>', 'iss of its tokens')
    .option('--jwks-uri <url>', 'where it publishes its keys')
    .option('--audience <text>', 'aud of its tokens; the URL that it delivers to, unless said otherwise')
    .option('--subject-issuer <url>', 'iss of iss_sub subjects, where another issuer signs the tokens')
    .option(
      '--effect <event=effect>',
      'what an event does: report, sign-out, reset or close, as in credential-compromise=close; repeatable',
      repeatable,
    )
    .option('--json', 'answer as JSON');
}

async function list(terminal: Terminal, options: Options): Promise<void> {
  const schema = z.object({ transmitters: z.array(transmitterSchema) });
  const found = await (await openApi(terminal)).get(PATH, schema);
  show(terminal, options, found, ({ transmitters }) =>
    table(
      ['connection', 'issuer', 'effects', 'last signal'],
      transmitters.map((each) => [each.connection, each.issuer, effectsOf(each), when(each.last_signal)]),
      'There are none. Add one with `countersign signals transmitter add`.',
    ),
  );
}

async function add(terminal: Terminal, connection: string, options: SettingOptions): Promise<void> {
  if (options.issuer === undefined && options.jwksUri !== undefined) {
    throw new UsageError('Give --issuer with --jwks-uri, or neither of them to have both looked up.');
  }
  const api = await openApi(terminal);
  const settings = settingsOf(options);
  const found = options.jwksUri === undefined ? await find(terminal, connection, options) : {};
  const issued = await api.send('POST', PATH, issuedSchema, { connection, ...settings, ...found });
  show(terminal, options, issued, describeIssued);
}

/** What the issuer, or the connection’s, says of itself, once a person has seen it. */
async function find(
  terminal: Terminal,
  connection: string,
  { issuer: named, yes }: SettingOptions,
): Promise<{ issuer: string; jwks_uri: string }> {
  const search = { connection, ...(named === undefined ? {} : { issuer: named }) };
  const api = await openApi(terminal);
  const { issuer, jwks_uri, source, push } = await api.send('POST', `${PATH}/discovery`, foundSchema, search);
  const pushes = push === null ? 'it does not say' : push ? 'yes' : 'no: it cannot deliver here';
  terminal.say(`${facts({ issuer, keys: jwks_uri, 'found in': source, 'can push': pushes })}\n`);
  await confirm(terminal, yes, `What these keys sign closes people of ${connection}, and signs them out.`);
  return { issuer, jwks_uri };
}

function settingsOf({ issuer, jwksUri, audience, subjectIssuer, effect }: SettingOptions) {
  return {
    ...(issuer === undefined ? {} : { issuer }),
    ...(jwksUri === undefined ? {} : { jwks_uri: jwksUri }),
    ...(audience === undefined ? {} : { audience }),
    ...(subjectIssuer === undefined ? {} : { subject_issuer: subjectIssuer }),
    ...(effect === undefined ? {} : { effects: Object.fromEntries(effect.map(readEffect)) }),
  };
}

function readEffect(text: string): [string, string] {
  const [event = '', effect = '', ...rest] = text.split('=');
  if (event === '' || effect === '' || rest.length > 0) {
    throw new UsageError(`--effect is EVENT=EFFECT, as in credential-compromise=close; not ${text}.`);
  }
  return [event, effect];
}

function effectsOf({ effects }: Transmitter): string {
  const given = Object.entries(effects).map(([event, effect]) => `${event}=${effect}`);
  return given.length === 0 ? 'the defaults' : given.join(', ');
}

function describe(transmitter: Transmitter): string {
  return facts({
    connection: transmitter.connection,
    issuer: transmitter.issuer,
    keys: transmitter.jwks_uri,
    audience: transmitter.audience,
    'subjects of': transmitter.subject_issuer,
    effects: effectsOf(transmitter),
    'delivers to': transmitter.delivery_url,
    'last signal': when(transmitter.last_signal),
  });
}

function describeIssued({ token, ...transmitter }: z.infer<typeof issuedSchema>): string {
  return [
    describe(transmitter),
    '',
    'The identity provider sends this with each signal. It is not shown again:',
    `Authorization: Bearer ${token}`,
  ].join('\n');
}

function pathOf(connection: string): string {
  return `${PATH}/${encodeURIComponent(connection)}`;
}
