import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { type Document, isMap, isNode, isScalar, LineCounter, parseDocument } from 'yaml';
import type { z } from 'zod';
import { ConfigError, type ConfigFault } from './faults.ts';
import { MOVED_KEYS } from './moved-keys.ts';
import { configSchema, type Settings } from './schema.ts';
import { Secret, type SecretSource } from './secret.ts';

/**
 * The configuration that the bridge runs with: every default filled in, secrets read, paths absolute. Keys are
 * spelt as in the file.
 */
export type Config = Omit<Settings, 'signer' | 'storage' | 'cache' | 'key_log' | 'transforms'> & {
  transforms: Settings['transforms'] & { workers: number };
  key_log: Omit<Settings['key_log'], 'quorum' | 'auditor_quorum'> & {
    quorum: number;
    auditor_quorum: number;
  };
  signer: Omit<Settings['signer'], 'key_encryption_key' | 'previous_key_encryption_key'> & {
    /** 32 bytes as base64url, as is the one before it. */
    key_encryption_key: Secret;
    previous_key_encryption_key?: Secret;
  };
  storage: Surrounded<Settings['storage']>;
  cache: Surrounded<Settings['cache']>;
};

/** With secrets in the place of their references. */
type Surrounded<Driver> = Driver extends unknown
  ? { [Key in keyof Driver]: NonNullable<Driver[Key]> extends SecretSource ? Secret : Driver[Key] }
  : never;

/** What the file alone does not say. */
export interface ConfigSurroundings {
  env: Readonly<Record<string, string | undefined>>;
  /** The text of a file; throws if it cannot be read. */
  readFile: (path: string) => string;
  /** Where relative paths of the file start. */
  directory: string;
}

/** The configuration in `text` (YAML). Throws `ConfigError` (`config_invalid`) with all faults. */
export function parseConfig(text: string, surroundings: ConfigSurroundings): Config {
  const { settings, lineOf } = parseSettings(text);
  return surround(settings, surroundings, lineOf);
}

/** Where the records of the configuration in `text` are: no other secret of it is read. Throws as `parseConfig`. */
export function parseStorage(text: string, surroundings: ConfigSurroundings): Config['storage'] {
  const { settings, lineOf } = parseSettings(text);
  const { faults, ...reading } = createReading(surroundings, lineOf);
  const storage = storageOf(settings.storage, reading);
  if (faults.length > 0) throw new ConfigError(faults);
  return storage;
}

function parseSettings(text: string): { settings: Settings; lineOf: LineOf } {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0) {
    throw new ConfigError(
      document.errors.map((error) => ({
        path: '',
        message: error.message,
        line: lines.linePos(error.pos[0]).line,
      })),
    );
  }
  const lineOf = (path: readonly PropertyKey[]) => lineInDocument(document, lines, path);

  const checked = configSchema.safeParse(document.toJS() ?? {}, { reportInput: true });
  if (!checked.success) {
    throw new ConfigError(checked.error.issues.flatMap((issue) => faultsOf(issue, lineOf)));
  }
  return { settings: checked.data, lineOf };
}

type LineOf = (path: readonly PropertyKey[]) => number | undefined;

function faultsOf(issue: z.core.$ZodIssue, lineOf: LineOf): ConfigFault[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const path = [...issue.path, key];
      return fault(path, MOVED_KEYS[path.map(String).join('.')] ?? 'there is no such key', lineOf);
    });
  }
  const missing = issue.code === 'invalid_type' && issue.input === undefined;
  return [fault(issue.path, missing ? 'is missing' : issue.message, lineOf)];
}

function fault(path: readonly PropertyKey[], message: string, lineOf: LineOf): ConfigFault {
  const line = lineOf(path);
  return { path: path.map(String).join('.'), message, ...(line === undefined ? {} : { line }) };
}

/** Says in which line of `text` (YAML) a key is. */
export function lineFinder(text: string): LineOf {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  return (path) => lineInDocument(document, lines, path);
}

/** The line of the key at `path`, or of the nearest one around it that the file has. */
function lineInDocument(
  document: Document,
  lines: LineCounter,
  path: readonly PropertyKey[],
): number | undefined {
  for (let depth = path.length; depth > 0; depth -= 1) {
    const parent = depth === 1 ? document.contents : document.getIn(path.slice(0, depth - 1), true);
    const name = path[depth - 1];
    const key = isMap(parent)
      ? parent.items.find((pair) => isScalar(pair.key) && pair.key.value === name)?.key
      : document.getIn(path.slice(0, depth), true);
    if (isNode(key) && key.range != null) return lines.linePos(key.range[0]).line;
  }
  return undefined;
}

/** How what the settings refer to is read; what is missing is noted. */
function createReading(
  surroundings: ConfigSurroundings,
  lineOf: LineOf,
): Surround & { faults: ConfigFault[] } {
  const faults: ConfigFault[] = [];
  const attempt = <T>(path: string, work: () => T): T | undefined => {
    try {
      return work();
    } catch (error) {
      faults.push(fault(path.split('.'), error instanceof Error ? error.message : String(error), lineOf));
      return undefined;
    }
  };
  const absolute = (path: string) => resolve(surroundings.directory, path);
  return {
    ...{ faults, attempt, absolute },
    readable(path, file) {
      attempt(path, () => surroundings.readFile(absolute(file)));
      return absolute(file);
    },
    secret: (path, source) => attempt(path, () => readSecret(source, surroundings)) ?? new Secret(source, ''),
  };
}

/** Reads what the settings refer to, and reports everything of it that is missing. */
function surround(settings: Settings, surroundings: ConfigSurroundings, lineOf: LineOf): Config {
  const { faults, attempt, absolute, readable, secret } = createReading(surroundings, lineOf);
  const key = attempt('signer.key_encryption_key', () =>
    keyEncryptionKey(settings.signer.key_encryption_key, surroundings),
  );
  const { previous_key_encryption_key: before, ...signer } = settings.signer;
  const previous =
    before === undefined
      ? undefined
      : attempt('signer.previous_key_encryption_key', () => anotherKey(before, key, surroundings));
  const { tls, ...listen } = settings.listen;
  const { ca_file: caFile, ...outbound } = settings.outbound;
  const { head_file: headFile, quorum, auditor_quorum: auditorQuorum, ...keyLog } = settings.key_log;
  const config = {
    ...settings,
    listen: {
      ...listen,
      ...(tls === undefined
        ? {}
        : {
            tls: {
              certificate_file: readable('listen.tls.certificate_file', tls.certificate_file),
              key_file: readable('listen.tls.key_file', tls.key_file),
            },
          }),
    },
    storage: storageOf(settings.storage, { absolute, readable, secret }),
    cache: cacheOf(settings.cache, { readable, secret }),
    key_log: {
      ...keyLog,
      ...headFileOf(headFile, settings.storage, absolute),
      quorum: quorum ?? majorityOf(keyLog.witnesses.length),
      auditor_quorum: auditorQuorum ?? Math.min(1, keyLog.auditors.length),
    },
    transforms: {
      queue: settings.transforms.queue,
      workers: settings.transforms.workers ?? availableParallelism(),
    },
    outbound: {
      ...outbound,
      ...(caFile === undefined ? {} : { ca_file: readable('outbound.ca_file', caFile) }),
    },
  };
  if (key === undefined || faults.length > 0) throw new ConfigError(faults);
  return {
    ...config,
    signer: {
      ...{ ...signer, key_encryption_key: key },
      ...(previous === undefined ? {} : { previous_key_encryption_key: previous }),
    },
  };
}

interface Surround {
  /** What `work` answers; a fault of the setting at `path` where it throws. */
  attempt<T>(path: string, work: () => T): T | undefined;
  absolute(path: string): string;
  /** The absolute path of a file that can be read. */
  readable(path: string, file: string): string;
  secret(path: string, source: SecretSource): Secret;
}

/** A majority of the witnesses has one in common with any other majority: two histories cannot both get one. */
function majorityOf(count: number): number {
  return count === 0 ? 0 : Math.floor(count / 2) + 1;
}

/** Beside an embedded database: a backup of the database alone, put back, is then older than its head. */
function headFileOf(
  headFile: string | undefined,
  storage: Settings['storage'],
  absolute: Surround['absolute'],
): { head_file?: string } {
  if (headFile !== undefined) return { head_file: absolute(headFile) };
  return storage.driver === 'sqlite' ? { head_file: `${absolute(storage.path)}.log-head.json` } : {};
}

function storageOf(
  settings: Settings['storage'],
  { absolute, readable, secret }: Pick<Surround, 'absolute' | 'readable' | 'secret'>,
): Config['storage'] {
  if (settings.driver === 'sqlite') return { ...settings, path: absolute(settings.path) };
  const { ca_file: caFile, ...rest } = settings;
  return {
    ...rest,
    url: secret('storage.url', settings.url),
    ...(caFile === undefined ? {} : { ca_file: readable('storage.ca_file', caFile) }),
  };
}

function cacheOf(
  settings: Settings['cache'],
  { readable, secret }: Pick<Surround, 'readable' | 'secret'>,
): Config['cache'] {
  if (settings.driver === 'memory') return settings;
  const { ca_file: caFile, sentinel_password: password, ...rest } = settings;
  return {
    ...rest,
    url: secret('cache.url', settings.url),
    ...(caFile === undefined ? {} : { ca_file: readable('cache.ca_file', caFile) }),
    ...(password === undefined ? {} : { sentinel_password: secret('cache.sentinel_password', password) }),
  };
}

const KEY_BYTES = 32;

function keyEncryptionKey(source: SecretSource, surroundings: ConfigSurroundings): Secret {
  const secret = readSecret(source, surroundings);
  const value = secret.reveal();
  const bytes = Buffer.from(value, 'base64url');
  // The decoder skips what it does not know: only the exact spelling of 32 bytes comes back unchanged.
  if (bytes.byteLength !== KEY_BYTES || bytes.toString('base64url') !== value) {
    throw new Error(`the ${secret} must be ${KEY_BYTES} bytes as base64url without padding`);
  }
  return secret;
}

function anotherKey(source: SecretSource, key: Secret | undefined, surroundings: ConfigSurroundings): Secret {
  const secret = keyEncryptionKey(source, surroundings);
  if (secret.reveal() === key?.reveal()) throw new Error('must be another key than key_encryption_key');
  return secret;
}

function readSecret(source: SecretSource, { env, readFile, directory }: ConfigSurroundings): Secret {
  if ('file' in source) return new Secret(source, readFile(resolve(directory, source.file)).trim());
  const value = env[source.env]?.trim();
  if (value === undefined || value === '')
    throw new Error(`the environment variable ${source.env} is not set`);
  return new Secret(source, value);
}
