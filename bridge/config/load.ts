import { readFileSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { stringify } from 'yaml';
import { ConfigError } from './faults.ts';
import { type Config, type ConfigSurroundings, parseConfig, parseStorage } from './parse.ts';

/** Where the commands look for the configuration when nothing is said. */
export const DEFAULT_CONFIG_PATH = 'countersign.yaml';

interface LoadOptions {
  readonly path: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The configuration in the file at `path`. Throws `ConfigError` (`config_invalid`) with all faults. */
export function loadConfig(options: LoadOptions): Config {
  return parseConfig(readConfigText(options.path), surroundingsOf(options));
}

/** Where the records of that configuration are: no other secret of it is read. Throws as `loadConfig`. */
export function loadStorage(options: LoadOptions): Config['storage'] {
  return parseStorage(readConfigText(options.path), surroundingsOf(options));
}

function surroundingsOf({ path, env }: LoadOptions): ConfigSurroundings {
  return { env, readFile: readText, directory: dirname(resolve(path)) };
}

function readConfigText(path: string): string {
  try {
    return readText(path);
  } catch (error) {
    const missing = error instanceof Error && systemCode(error.cause) === 'ENOENT';
    const message = missing
      ? `there is no such file in ${dirname(resolve(path))}; give --config`
      : `it cannot be read (${systemCode(error instanceof Error ? error.cause : error)})`;
    throw new ConfigError([{ path: basename(path), message }]);
  }
}

/**
 * The configuration in force as YAML, which is itself a valid file. Secrets appear as where they come from, never
 * with their values.
 */
export function printConfig(config: Config): string {
  return stringify(JSON.parse(JSON.stringify(config)), { lineWidth: 0 });
}

/** Throws what a person can read. */
export function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const code = systemCode(cause);
    throw new Error(`the file ${path} cannot be read (${code})`, { cause });
  }
}

function systemCode(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown error';
}
