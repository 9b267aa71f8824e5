import { setTimeout } from 'node:timers/promises';
import type { Command } from 'commander';
import { keyPurpose } from '../../../protocol/online-keys.ts';
import { KEYS_REFRESH_MS } from '../../lib/limits.ts';
import { rotateBridgeKeys } from '../../lifecycle/initialize-bridge.ts';
import { reencrypt } from '../../lifecycle/reencryption.ts';
import { KeyRing } from '../../signer/key-ring.ts';
import { confirm } from '../confirm.ts';
import { inLocalStore, type LocalOptions, readLocalConfig, withLocalOptions } from '../local-store.ts';
import { show } from '../output.ts';
import { repeatable } from '../repeatable.ts';
import { readRootKeyFile } from '../root-key-file.ts';
import { SEALED_COLUMNS } from '../sealed-columns.ts';
import type { Terminal } from '../terminal.ts';
import { UsageError } from '../usage-error.ts';
import { addKeysListCommand } from './keys-list.ts';

type Options = LocalOptions & { readonly json?: boolean; readonly yes?: boolean };
type CeremonyOptions = Options & { readonly rootKey: string };

export function addKeysCommands(program: Command, terminal: Terminal): void {
  const keys = program.command('keys').description('the bridge’s own keys');
  addKeysListCommand(keys, terminal);
  withLocalOptions(keys.command('rotate'))
    .description('issue new online keys under the offline root')
    .requiredOption('--root-key <file>', 'the root key file, brought from its safe')
    .option(
      '--purpose <purpose...>',
      `only these: ${keyPurpose.options.join(', ')}; log and events are replaced only when they are named`,
    )
    .option('--renew', 'no new keys: only more time for those in use')
    .option('--lead <hours>', 'publish the new keys this long before they sign', '0')
    .option('--json', 'answer as JSON')
    .action((options: RotateOptions) => rotate(terminal, options));
  withLocalOptions(keys.command('compromise'))
    .description('declare keys compromised: nothing that they signed counts any more')
    .requiredOption('--root-key <file>', 'the root key file, brought from its safe')
    // An option, because a thumbprint may begin with a hyphen.
    .requiredOption('--key <thumbprint>', 'a key that somebody else may have; may be repeated', repeatable)
    .option('--yes', 'do not ask')
    .option('--json', 'answer as JSON')
    .action((options: CompromiseOptions) => compromise(terminal, options));
  withLocalOptions(keys.command('rotate-encryption-key'))
    .description('seal everything under the new key-encryption key; the previous one opens nothing any more')
    .option('--stopped', 'no bridge runs on this store: do not wait for it')
    .option('--json', 'answer as JSON')
    .action((options: ReencryptOptions) => rotateEncryptionKey(terminal, options));
}

type ReencryptOptions = Options & { readonly stopped?: boolean };

type CompromiseOptions = CeremonyOptions & { readonly key: readonly string[] };

type RotateOptions = CeremonyOptions & {
  readonly purpose?: readonly string[];
  readonly renew?: boolean;
  readonly lead: string;
};

async function rotate(terminal: Terminal, options: RotateOptions): Promise<void> {
  const hours = Number(options.lead);
  if (!Number.isFinite(hours) || hours < 0 || hours > 720) {
    throw new UsageError('--lead is a number of hours, at most 720.');
  }
  if (options.renew === true && options.purpose !== undefined) {
    throw new UsageError('--renew makes no new keys: it does not go with --purpose.');
  }
  const purposes = options.renew === true ? [] : options.purpose?.map(parsePurpose);
  await holdCeremony(terminal, options, { purposes, lead: Math.round(hours * 3_600) });
}

async function compromise(terminal: Terminal, options: CompromiseOptions): Promise<void> {
  const question =
    `Nothing that ${options.key.join(', ')} signed will count any more, by anybody, whenever it was signed. ` +
    'This cannot be taken back.';
  await confirm(terminal, options.yes, question);
  await holdCeremony(terminal, options, { purposes: [], compromised: options.key });
}

async function holdCeremony(
  terminal: Terminal,
  options: CeremonyOptions,
  rotation: Parameters<typeof rotateBridgeKeys>[1],
): Promise<void> {
  const root = await readRootKeyFile(options.rootKey);
  const config = readLocalConfig(terminal, options);
  const issued = await inLocalStore(config, (store) =>
    rotateBridgeKeys(
      { ...store, iss: config.issuer, root, onlineKeysDays: config.lifetimes.online_keys_days },
      rotation,
    ),
  );
  show(terminal, options, issued, ({ serial, purposes }) => {
    const what = purposes.length === 0 ? 'no new keys' : `new keys for ${purposes.join(', ')}`;
    return `Issued serial ${serial}: ${what}. A running bridge takes this up within seconds.`;
  });
  terminal.say(`Take ${options.rootKey} offline again.`);
}

function parsePurpose(text: string) {
  const purpose = keyPurpose.safeParse(text);
  if (purpose.success) return purpose.data;
  throw new UsageError(`${text} is no purpose; there are ${keyPurpose.options.join(', ')}.`);
}

/** A run that was interrupted is gone on with by the next. */
async function rotateEncryptionKey(terminal: Terminal, options: ReencryptOptions): Promise<void> {
  const config = readLocalConfig(terminal, options);
  const done = await inLocalStore(config, ({ database, events, ...given }) =>
    reencrypt({
      ...{ database, events, ring: new KeyRing(given), columns: SEALED_COLUMNS },
      async settle() {
        if (options.stopped === true) return;
        terminal.say('Running bridges take the new key up within seconds; waiting for them.');
        await setTimeout(2 * KEYS_REFRESH_MS);
      },
      onProgress: ({ table, column, values }) =>
        terminal.say(`${values} values are sealed anew (${table}.${column}).`),
    }),
  );
  show(terminal, options, done, ({ key, previous, values }) =>
    [
      `Sealed ${values} values under the key ${key}; nothing in the store is under ${previous} any more.`,
      'Take previous_key_encryption_key out of the configuration of every bridge. Backups from before still need it.',
    ].join('\n'),
  );
}
