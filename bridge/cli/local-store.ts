import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import type { Command } from 'commander';
import {
  type CheckedConfig,
  type Config,
  DEFAULT_CONFIG_PATH,
  loadCheckedConfig,
  loadConfig,
  loadStorage,
} from '../config/index.ts';
import { keyEncryptionKeys } from '../config/key-encryption-keys.ts';
import { createEventLog } from '../events/database-event-log.ts';
import type { EventLog } from '../events/event-log.ts';
import { createStagingLog } from '../keylog/database-key-log.ts';
import type { StagingLog } from '../keylog/key-log.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import { createLogger } from '../lib/logger.ts';
import type { Database } from '../storage/database.ts';
import { openDatabase } from '../storage/open-storage.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

/** Options of the commands that work on the bridge's own machine. */
export interface LocalOptions {
  readonly config: string;
  readonly secrets?: string;
}

export function withLocalOptions(command: Command): Command {
  return (
    command
      .option('-c, --config <file>', 'the configuration file', DEFAULT_CONFIG_PATH)
      // Not --env-file: node takes that for itself wherever it stands.
      .option(
        '--secrets <file>',
        'a file of NAME=value lines, for the secrets that the configuration refers to',
      )
  );
}

/** The configuration with its secrets; variables of the real environment win over those of the file. */
export function readLocalConfig(terminal: Terminal, options: LocalOptions): Config {
  return loadConfig({ path: options.config, env: localEnv(terminal, options) });
}

/** Where the records are: no other secret is read. */
export function readLocalStorage(terminal: Terminal, options: LocalOptions): Config['storage'] {
  return loadStorage({ path: options.config, env: localEnv(terminal, options) });
}

/** The configuration, with a look into what it refers to. */
export function checkLocalConfig(terminal: Terminal, options: LocalOptions): CheckedConfig {
  return loadCheckedConfig({
    path: options.config,
    env: localEnv(terminal, options),
    now: systemClock.now(),
  });
}

function localEnv(terminal: Terminal, { secrets }: LocalOptions): Record<string, string | undefined> {
  return { ...(secrets === undefined ? {} : readSecretsFile(secrets)), ...terminal.env };
}

export function readSecretsFile(path: string): Record<string, string | undefined> {
  try {
    return parseEnv(readFileSync(path, 'utf8')) as Record<string, string | undefined>;
  } catch (cause) {
    throw new UsageError(`The file ${path} cannot be read.`, { cause });
  }
}

/** What a command does on the store; a bridge may be running on the same one. */
export interface LocalStore {
  readonly config: Config;
  readonly database: Database;
  /** Only stores: whoever runs the bridge gives the events their place. */
  readonly events: EventLog;
  /** Only stages, likewise. */
  readonly keyLog: StagingLog;
  readonly clock: Clock;
  readonly keyEncryptionKey: Uint8Array;
  /** While it is replaced. */
  readonly previousKeyEncryptionKey?: Uint8Array;
}

/** Opens the store of this configuration for the time of `work`. Only whoever begins a bridge lets it be made. */
export async function inLocalStore<Result>(
  config: Config,
  work: (store: LocalStore) => Promise<Result>,
  { mustExist = true }: { readonly mustExist?: boolean } = {},
): Promise<Result> {
  const clock = systemClock;
  const database = await openDatabase(config.storage, clock, { mustExist });
  try {
    await database.migrate();
    const logger = createLogger({ level: 'warn', clock });
    const events = createEventLog({ database, clock, logger, iss: config.issuer });
    const keyLog = createStagingLog();
    return await work({ config, database, events, keyLog, clock, ...keyEncryptionKeys(config) });
  } finally {
    await database.close();
  }
}

/** Opens the store for the time of `work`, which reads what is public of it. */
export async function readStored<Result>(
  storage: Config['storage'],
  work: (database: Database) => Promise<Result>,
): Promise<Result> {
  const database = await openDatabase(storage, systemClock, { mustExist: true });
  try {
    await database.migrate();
    return await work(database);
  } finally {
    await database.close();
  }
}
