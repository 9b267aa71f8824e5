import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { CountersignError } from '../../protocol/errors.ts';
import type { Config } from './parse.ts';

/** The certificate and key to end TLS with, PEM; `undefined` where a proxy does. Throws `config_invalid`. */
export function readTls({ listen: { tls } }: Config): { cert: string; key: string } | undefined {
  if (tls === undefined) return undefined;
  const pair = { cert: readPem(tls.certificate_file), key: readPem(tls.key_file) };
  try {
    createSecureContext(pair);
  } catch (cause) {
    const detail = 'listen.tls: the certificate and its private key cannot be used together.';
    throw new CountersignError('config_invalid', detail, { cause });
  }
  return pair;
}

/** The certificates to trust beside the public ones, PEM. Throws `config_invalid`. */
export function readCaCertificates({ outbound: { ca_file: file } }: Config): string[] {
  if (file === undefined) return [];
  const found = readPem(file).match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g);
  if (found === null) {
    throw new CountersignError('config_invalid', `outbound.ca_file: there is no certificate in ${file}.`);
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
