import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { openApi } from '../api-client.ts';
import { show } from '../output.ts';
import { repeatable } from '../repeatable.ts';
import type { Terminal } from '../terminal.ts';
import { UsageError } from '../usage-error.ts';
import {
  changedOidcSettings,
  changedSamlSettings,
  type OidcChanges,
  type SamlChanges,
} from './connection-changes.ts';
import { type Connection, connectionSchema, describeConnection } from './connection-view.ts';

type Options = OidcChanges &
  SamlChanges & {
    readonly name?: string;
    readonly domain?: readonly string[];
    readonly settings?: string;
    readonly json?: boolean;
  };

/** The options that change one setting each, by the protocol that has it. */
const OF_PROTOCOL = {
  oidc: {
    issuer: '--issuer',
    clientId: '--client-id',
    clientSecretFile: '--client-secret-file',
    authentication: '--authentication',
    addressClaim: '--address-claim',
    subjectClaim: '--subject-claim',
    trustAddresses: '--trust-addresses',
  },
  saml: {
    metadataUrl: '--metadata-url',
    metadataFile: '--metadata-file',
    addressAttribute: '--address-attribute',
    subjectAttribute: '--subject-attribute',
    wantEncrypted: '--want-encrypted',
  },
} as const;

export function addConnectionChange(connection: Command, terminal: Terminal): void {
  const command = connection
    .command('change')
    .argument('<id>')
    .description(
      'change a connection; with other settings nobody signs in through it until it is tested and activated again',
    )
    .option('--name <name>', 'what people see who must choose')
    .option(
      '--domain <domain>',
      'the domains it may assert, instead of those before; may be repeated',
      repeatable,
    )
    .option('--settings <file>', 'all settings anew, as JSON; a secret left out stays')
    .option('--json', 'answer as JSON')
    .action((id: string, options: Options) => change(terminal, id, options));
  addOidcOptions(command);
  addSamlOptions(command);
}

function addOidcOptions(command: Command): void {
  command
    .optionsGroup('Options of OpenID Connect:')
    .option('--issuer <url>', 'exactly as the provider publishes it')
    .option('--client-id <id>')
    .option(
      '--client-secret-file <file>',
      'take a new client secret from this file; otherwise the stored one stays',
    )
    .option(
      '--authentication <method>',
      'client_secret_post, client_secret_basic, client_secret_basic_raw or none',
    )
    .option('--address-claim <claim>', 'the claim with the email address')
    .option('--subject-claim <claim>', 'the stable id: oid at Entra')
    .option('--trust-addresses', 'addresses count although the provider does not say that it verified them')
    .option('--no-trust-addresses', 'only those count that it says it verified');
}

function addSamlOptions(command: Command): void {
  command
    .optionsGroup('Options of SAML:')
    .option('--metadata-url <url>', 'where the provider publishes its metadata; read again every hour')
    .option('--metadata-file <file>', 'the metadata as a file')
    .option(
      '--address-attribute <name>',
      'the attributes with the email address, instead of those before; may be repeated',
      repeatable,
    )
    .option(
      '--subject-attribute <name>',
      'the attribute with the stable id, where the NameID is not persistent',
    )
    .option('--want-encrypted', 'refuse assertions that are not encrypted')
    .option('--no-want-encrypted', 'take those too');
}

async function change(terminal: Terminal, id: string, options: Options): Promise<void> {
  const { name, domain, settings: file } = options;
  const single = [...given('oidc', options), ...given('saml', options)];
  if (file !== undefined && single.length > 0) {
    throw new UsageError(`--settings names all settings: give it, or ${single.join(', ')}.`);
  }
  if (name === undefined && domain === undefined && file === undefined && single.length === 0) {
    throw new UsageError('Say what to change: --name, --domain, --settings, or a single setting (--help).');
  }
  const api = await openApi(terminal);
  const path = `/admin/v1/connections/${encodeURIComponent(id)}`;
  const settings =
    single.length > 0
      ? await changedSettings(terminal, await api.get(path, connectionSchema), options)
      : file === undefined
        ? undefined
        : readJson(file);
  const changed = await api.send('PATCH', path, connectionSchema, {
    ...(name === undefined ? {} : { name }),
    ...(domain === undefined ? {} : { domains: domain }),
    ...(settings === undefined ? {} : { settings }),
  });
  show(terminal, options, changed, describeConnection);
}

async function changedSettings(
  terminal: Terminal,
  { id, protocol, settings }: Connection,
  options: Options,
): Promise<unknown> {
  const [other, its] =
    protocol === 'oidc' ? (['saml', 'OpenID Connect'] as const) : (['oidc', 'SAML'] as const);
  const foreign = given(other, options);
  if (foreign.length > 0) throw new UsageError(`${id} speaks ${its}, which has no ${foreign.join(', ')}.`);
  return protocol === 'oidc'
    ? changedOidcSettings(terminal, settings, options)
    : changedSamlSettings(settings, options);
}

function given(protocol: 'oidc' | 'saml', options: Options): string[] {
  return Object.entries(OF_PROTOCOL[protocol])
    .filter(([option]) => options[option as keyof Options] !== undefined)
    .map(([, flag]) => flag);
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    throw new UsageError(`${file} cannot be read, or is not JSON.`);
  }
}
