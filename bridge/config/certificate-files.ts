import { readFileSync } from 'node:fs';
import { CountersignError } from '../../protocol/errors.ts';
import { type CertificatePair, pairFaults } from './certificate-pair.ts';
import { ConfigError } from './faults.ts';
import type { Config } from './parse.ts';

/** The certificate and key to end TLS with; `undefined` where a proxy does. Throws `config_invalid`. */
export function readTls({ listen: { tls } }: Pick<Config, 'listen'>): CertificatePair | undefined {
  if (tls === undefined) return undefined;
  const pair = { cert: readPem(tls.certificate_file), key: readPem(tls.key_file) };
  const faults = pairFaults(pair, tls);
  if (faults.length > 0) throw new ConfigError(faults);
  return pair;
}

/** The certificates to trust beside the public ones, PEM. Throws `config_invalid`. */
export function readCaCertificates({ outbound: { ca_file: file } }: Pick<Config, 'outbound'>): string[] {
  if (file === undefined) return [];
  const found = readPem(file).match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g);
  if (found === null) {
    throw new ConfigError([{ path: 'outbound.ca_file', message: `there is no certificate in ${file}` }]);
  }
  return found;
}

function readPem(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new CountersignError('config_invalid', `The file ${file} cannot be read.`, { cause });
  }
}
