import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { stringify } from 'yaml';
import { ConfigError } from './faults.ts';
import { type Config, parseConfig } from './parse.ts';

/** Where the commands look for the configuration when nothing is said. */
export const DEFAULT_CONFIG_PATH = 'countersign.yaml';

/** The configuration in the file at `path`. Throws `ConfigError` (`config_invalid`) with all faults. */
export function loadConfig(options: {
  path: string;
  env: Readonly<Record<string, string | undefined>>;
}): Config {
  let text: string;
  try {
    text = readText(options.path);
  } catch (error) {
    throw new ConfigError([{ path: '', message: error instanceof Error ? error.message : String(error) }]);
  }
  return parseConfig(text, {
    env: options.env,
    readFile: readText,
    directory: dirname(resolve(options.path)),
  });
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
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown error';
    throw new Error(`the file ${path} cannot be read (${code})`, { cause });
  }
}
