import { readCaCertificates, readTls } from './certificate-files.ts';
import { certificateWarnings } from './certificate-pair.ts';
import { ConfigError, type ConfigFault } from './faults.ts';
import { loadConfig, readText } from './load.ts';
import { type Config, lineFinder } from './parse.ts';

export interface CheckedConfig {
  readonly config: Config;
  /** What the bridge starts with, but those who come to it stumble over. */
  readonly warnings: readonly ConfigFault[];
}

/**
 * The configuration in the file at `path`, with a look into what it refers to. `now` in milliseconds. Throws
 * `ConfigError` (`config_invalid`) with what the bridge cannot start with.
 */
export function loadCheckedConfig(options: {
  path: string;
  env: Readonly<Record<string, string | undefined>>;
  now: number;
}): CheckedConfig {
  const config = loadConfig(options);
  const lineOf = lineFinder(readText(options.path));
  const located = (fault: ConfigFault): ConfigFault => {
    const line = lineOf(fault.path.split('.'));
    return line === undefined ? fault : { ...fault, line };
  };
  try {
    readCaCertificates(config);
    return { config, warnings: listenWarnings(config, options.now).map(located) };
  } catch (error) {
    if (error instanceof ConfigError) throw new ConfigError(error.faults.map(located));
    throw error;
  }
}

/** Behind a proxy its port and its certificate are what others see. */
function listenWarnings(config: Config, now: number): ConfigFault[] {
  const { issuer, listen } = config;
  const tls = readTls(config);
  if (listen.trusted_proxies.length > 0) return [];
  return [
    ...portWarnings(issuer, listen.port),
    ...(tls === undefined ? [] : certificateWarnings(tls.cert, issuer, now)),
  ];
}

function portWarnings(issuer: string, port: number): ConfigFault[] {
  const asked = issuerPort(issuer);
  if (asked === port) return [];
  return [
    {
      path: 'listen.port',
      message:
        `whoever goes to ${issuer} comes to port ${asked}, and the bridge listens on ${port}: listen there, let something ` +
        'forward to it, or name the proxy that does in listen.trusted_proxies',
    },
  ];
}

/** The TCP port that the issuer names; 443 where it names none. */
export function issuerPort(issuer: string): number {
  const { port } = new URL(issuer);
  return port === '' ? 443 : Number(port);
}
