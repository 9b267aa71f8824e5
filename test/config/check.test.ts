import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConfigError, describeFault, loadCheckedConfig } from '../../bridge/config/index.ts';
import { createThrowawayCa, type ThrowawayCa } from '../fakes/throwaway-ca.ts';
import { createTemporaryFolder } from './temporary-folder.ts';

const DAY_MS = 86_400_000;

let folder: ReturnType<typeof createTemporaryFolder>;
let ca: ThrowawayCa;
let pair: { key: string; cert: string };

beforeEach(async () => {
  folder = createTemporaryFolder();
  ca = await createThrowawayCa();
  pair = await ca.issue(['bridge.acme.example']);
});
afterEach(() => folder[Symbol.dispose]());

/** The certificate's key stands in line 6, that of the private key in line 7. */
async function check(
  files: { cert?: string; key?: string; port?: number; more?: string; now?: number } = {},
) {
  const { cert = pair.cert, key = pair.key, port = 443, more = '', now = Date.now() } = files;
  await writeFile(join(folder.path, 'bridge.crt'), cert);
  await writeFile(join(folder.path, 'bridge.key'), key);
  const path = join(folder.path, 'countersign.yaml');
  await writeFile(
    path,
    `issuer: https://bridge.acme.example
organization: { name: Acme }
listen:
  port: ${port}
  tls:
    certificate_file: bridge.crt
    key_file: bridge.key
${more}
signer: { driver: local, key_encryption_key: { env: COUNTERSIGN_KEK } }
`,
  );
  const env = { COUNTERSIGN_KEK: Buffer.alloc(32, 7).toString('base64url') };
  return loadCheckedConfig({ path, env, now }).warnings.map(describeFault);
}

async function errorsOf(files: Parameters<typeof check>[0]): Promise<string[]> {
  try {
    await check(files);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    expect(error.code).toBe('config_invalid');
    return error.faults.map(describeFault);
  }
  return [];
}

const file = (name: string) => join(folder.path, name);

describe('files of TLS that the bridge cannot start with', () => {
  it('are none, of a certificate for the issuer with its key', async () => {
    expect(await check()).toEqual([]);
  });

  it('are the key of another certificate', async () => {
    const { key } = await ca.issue(['bridge.acme.example']);
    expect(await errorsOf({ key })).toEqual([
      `listen.tls.key_file (line 7): ${file('bridge.key')} is not the key of the certificate`,
    ]);
  });

  it('are a private key in place of the certificate, and a certificate in place of the key', async () => {
    expect(await errorsOf({ cert: pair.key, key: pair.cert })).toEqual([
      `listen.tls.certificate_file (line 6): there is no certificate in ${file('bridge.crt')}, but a private key`,
      `listen.tls.key_file (line 7): there is no private key in ${file('bridge.key')}, but a certificate`,
    ]);
  });

  it('are a chain that is cut off', async () => {
    const cut = `${pair.cert}\n-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n`;
    expect(await errorsOf({ cert: cut })).toEqual([
      'listen.tls.certificate_file (line 6): TLS does not take this certificate with its chain and key',
    ]);
  });

  it('are authorities to trust that are none', async () => {
    await writeFile(file('ca.pem'), 'nothing');
    expect(await errorsOf({ more: 'outbound: { ca_file: ca.pem }' })).toEqual([
      `outbound.ca_file (line 8): there is no certificate in ${file('ca.pem')}`,
    ]);
  });
});

describe('what clients of the bridge stumble over', () => {
  it('is a certificate that is not for the issuer’s host', async () => {
    expect(await check(await ca.issue(['bridge.globex.example']))).toEqual([
      'listen.tls.certificate_file (line 6): the certificate is not for bridge.acme.example (the issuer) but for ' +
        'DNS:bridge.globex.example: clients refuse it',
    ]);
  });

  it('is a certificate that has expired, or is not valid yet', async () => {
    expect(await check({ now: Date.now() + 2 * DAY_MS })).toEqual([
      expect.stringMatching(
        /^listen\.tls\.certificate_file \(line 6\): the certificate has expired \(.+ GMT\): clients refuse it$/,
      ),
    ]);
    expect(await check({ now: Date.now() - 2 * DAY_MS })).toEqual([
      expect.stringContaining('the certificate is not valid before'),
    ]);
  });

  it('is another port than the issuer’s, without anything that forwards to it', async () => {
    expect(await check({ port: 8443 })).toEqual([
      'listen.port (line 4): whoever goes to https://bridge.acme.example comes to port 443, and the bridge listens on ' +
        '8443: listen there, let something forward to it, or name the proxy that does in listen.trusted_proxies',
    ]);
  });

  it('is nothing of that behind a proxy, whose port and certificate others see', async () => {
    const other = await ca.issue(['bridge.internal']);
    expect(await check({ ...other, port: 8443, more: '  trusted_proxies: [10.0.0.0/24]' })).toEqual([]);
  });
});
