import { randomBytes } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { Command } from 'commander';
import { parse } from 'yaml';
import { configSchema, issuerPort, renderExampleConfig } from '../../config/index.ts';
import { initializeBridge } from '../../lifecycle/initialize-bridge.ts';
import { findSigner } from '../../signer/stored-keys.ts';
import { storageName } from '../../storage/open-storage.ts';
import {
  inLocalStore,
  type LocalOptions,
  type LocalStore,
  readLocalConfig,
  withLocalOptions,
} from '../local-store.ts';
import { show } from '../output.ts';
import { writeRootKeyFile } from '../root-key-file.ts';
import type { Terminal } from '../terminal.ts';
import { UsageError } from '../usage-error.ts';

interface InitOptions extends LocalOptions {
  readonly issuer?: string;
  readonly organization?: string;
  readonly rootKey: string;
  readonly json?: boolean;
}

const KEK_VARIABLE = 'COUNTERSIGN_KEK';

export function addInitCommand(program: Command, terminal: Terminal): void {
  withLocalOptions(program.command('init'))
    .description('set a new bridge up: configuration, keys and database; nothing is overwritten')
    .option('--issuer <url>', 'the public base URL, for a new configuration file')
    .option('--organization <name>', 'the company’s name, for a new configuration file')
    .option('--root-key <file>', 'where to write the offline root key', 'root-key.json')
    .option('--json', 'answer as JSON')
    .action((options: InitOptions) => init(terminal, options));
}

async function init(terminal: Terminal, options: InitOptions): Promise<void> {
  if (existsSync(options.rootKey)) {
    throw new UsageError(`The file ${options.rootKey} exists already, and a root key is never overwritten.`);
  }
  writeConfigIfAbsent(terminal, options);
  writeSecretIfAbsent(terminal, options);
  const config = readLocalConfig(terminal, options);
  const thumbprint = await inLocalStore(config, (store) => makeKeys(store, options.rootKey), {
    mustExist: false,
  });
  terminal.say(epilogue(options, storageName(config.storage)));
  show(terminal, options, { rootThumbprint: thumbprint }, ({ rootThumbprint }) => rootThumbprint);
}

/** Answers the root's thumbprint. */
async function makeKeys({ config, ...store }: LocalStore, rootKeyFile: string): Promise<string> {
  const present = await store.database.read(findSigner);
  if (present !== undefined) {
    throw new UsageError(
      `${storageName(config.storage)} has the keys of ${present.iss} already: nothing was changed.`,
    );
  }
  const { root, undo } = await writeRootKeyFile(rootKeyFile);
  try {
    const onlineKeysDays = config.lifetimes.online_keys_days;
    await initializeBridge({ ...store, iss: config.issuer, root, onlineKeysDays });
  } catch (error) {
    await undo();
    throw error;
  }
  return root.kid;
}

function writeConfigIfAbsent(terminal: Terminal, { config, issuer, organization }: InitOptions): void {
  if (existsSync(config)) {
    if (issuer !== undefined || organization !== undefined) {
      throw new UsageError(`${config} exists already; --issuer and --organization are for a new one.`);
    }
    return;
  }
  if (issuer === undefined || organization === undefined) {
    throw new UsageError(`There is no ${config}. Give --issuer and --organization, and one is written.`);
  }
  const text = renderExampleConfig()
    .replace(/^issuer: .*$/m, `issuer: ${JSON.stringify(issuer)}`)
    .replace(/^ {2}name: .*$/m, `  name: ${JSON.stringify(organization)}`)
    .replace(/^ {2}port: .*$/m, `  port: ${URL.canParse(issuer) ? issuerPort(issuer) : 443}`);
  const checked = configSchema.safeParse(parse(text));
  if (!checked.success) {
    const faults = checked.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
    throw new UsageError(faults.join('\n'));
  }
  writeFileSync(config, text, { flag: 'wx' });
  terminal.say(
    `Wrote ${config}. Look through it: above all listen.tls needs a certificate and its key. The bridge is to listen on ` +
      `port ${issuerPort(issuer)}, as the issuer says; behind a proxy choose another, and name it in listen.trusted_proxies.`,
  );
}

/** The key-encryption key goes into a file of its own: whoever has the database must not have it too. */
function writeSecretIfAbsent(terminal: Terminal, { secrets }: InitOptions): void {
  if (secrets === undefined || existsSync(secrets)) return;
  const secret = randomBytes(32).toString('base64url');
  writeFileSync(secrets, `${KEK_VARIABLE}=${secret}\n`, { mode: 0o600, flag: 'wx' });
  terminal.say(
    `Wrote ${secrets} with the key-encryption key ${KEK_VARIABLE}. Without it the database is of no use: keep a ` +
      'copy of it, apart from the backups of the database.',
  );
}

function epilogue({ rootKey, config, secrets }: InitOptions, storePath: string): string {
  const flags = [
    config === 'countersign.yaml' ? '' : ` -c ${config}`,
    secrets === undefined ? '' : ` --secrets ${secrets}`,
  ].join('');
  return `Made the keys of this bridge in ${storePath}.

TAKE THE ROOT KEY OFFLINE NOW. ${basename(rootKey)} is the one key that the whole company’s identity hangs on. Copy it
to two encrypted media, put them in two safes, and delete it here:
  shred -u ${rootKey}
It is needed again only for \`countersign keys rotate\` and \`countersign keys compromise\`.

Next:
  countersign serve${flags}
  countersign admin link${flags}
Partners compare this fingerprint of the root before they approve you:`;
}
