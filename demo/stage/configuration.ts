import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import type { CompanyPlan } from './company.ts';
import type { CompanyStores } from './company-stores.ts';

const OWNER_ONLY = { mode: 0o600 };

/** Writes what an administrator would: `countersign.yaml`, the TLS certificate, the key-encryption key. */
export async function writeConfiguration(
  folder: string,
  company: Pick<CompanyPlan, 'name'>,
  given: {
    issuer: string;
    port: number;
    caFile: string;
    tls: { cert: string; key: string };
    stores: Pick<CompanyStores, 'settings' | 'files'>;
  },
): Promise<string> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(join(folder, 'bridge.crt'), given.tls.cert);
  await writeFile(join(folder, 'bridge.key'), given.tls.key, OWNER_ONLY);
  await writeFile(join(folder, 'kek'), randomBytes(32).toString('base64url'), OWNER_ONLY);
  for (const [name, content] of Object.entries(given.stores.files)) {
    await writeFile(join(folder, name), content, OWNER_ONLY);
  }
  const path = join(folder, 'countersign.yaml');
  const settings = {
    issuer: given.issuer,
    organization: { name: company.name },
    listen: {
      address: '127.0.0.1',
      port: given.port,
      tls: { certificate_file: './bridge.crt', key_file: './bridge.key' },
    },
    ...given.stores.settings,
    // So that the story is told quickly; a company leaves the default.
    key_log: { epoch_milliseconds: 20 },
    // The bridge cosigns the key logs of the partners that its administrator approves.
    witness: { partners: true },
    signer: { driver: 'local', key_encryption_key: { file: './kek' } },
    // Everything of the story is on this machine, under the throwaway authority: said here, as any company says it
    // of the identity provider in its own network.
    outbound: { allowed_networks: ['127.0.0.1/32'], ca_file: given.caFile },
    // Standard output belongs to the story; the events are asked for at its end.
    events: { stdout: false },
  };
  await writeFile(path, stringify(settings));
  return path;
}

/** Sets keys of one section, as an administrator edits the file. */
export async function amendConfiguration(
  path: string,
  section: string,
  amended: Readonly<Record<string, unknown>>,
): Promise<void> {
  const settings = parse(await readFile(path, 'utf8'));
  await writeFile(path, stringify({ ...settings, [section]: { ...settings[section], ...amended } }));
}
