import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../bridge/config/index.ts';
import { systemClock } from '../../bridge/lib/clock.ts';
import { openDatabase } from '../../bridge/storage/open-storage.ts';
import { createThrowawayCa } from '../fakes/throwaway-ca.ts';
import { loggedTrustChanges } from '../identity/logged-trust-changes.ts';
import { type RecordedTerminal, recordedTerminal } from './recorded-terminal.ts';

const ISSUER = 'https://bridge.acme.example';

let terminal: RecordedTerminal;
let local: string[];
let rootKey: string;

beforeEach(async () => {
  terminal = await recordedTerminal();
  const { key, cert } = await (await createThrowawayCa()).issue(['bridge.acme.example']);
  const tls = join(terminal.home, 'tls');
  await mkdir(tls);
  await writeFile(join(tls, 'bridge.key'), key);
  await writeFile(join(tls, 'bridge.crt'), cert);
  rootKey = join(terminal.home, 'root.json');
  local = ['-c', join(terminal.home, 'countersign.yaml'), '--secrets', join(terminal.home, 'kek.env')];
});
afterEach(() => terminal.remove());

const init = (issuer = ISSUER) =>
  terminal.run([
    'init',
    ...local,
    '--root-key',
    rootKey,
    '--issuer',
    issuer,
    '--organization',
    'Acme & "Sons"',
  ]);

const keys = async () => JSON.parse((await terminal.run(['keys', 'list', ...local, '--json'])).out);

describe('countersign init', () => {
  it('makes configuration, secrets, root key and store, and says to take the root offline', async () => {
    const { code, out, said } = await init();
    expect(said).toContain('TAKE THE ROOT KEY OFFLINE NOW');
    expect(code).toBe(0);
    const root = JSON.parse(await readFile(rootKey, 'utf8'));
    expect(out).toBe(root.thumbprint);
    for (const file of [rootKey, join(terminal.home, 'kek.env')]) {
      expect((await stat(file)).mode & 0o777).toBe(0o600);
    }
    expect(said + out).not.toContain(root.key.d);
    expect(await keys()).toMatchObject({ rootThumbprint: root.thumbprint, serial: 1 });
    const printed = await terminal.run(['config', 'print', ...local]);
    expect(printed.out).toContain(ISSUER);
    expect(printed.out).toContain('Acme & "Sons"');
  });

  it.each([
    [ISSUER, 443],
    ['https://bridge.acme.example:9443', 9443],
  ])('listens where %s says: on port %i', async (issuer, port) => {
    const { said } = await init(issuer);
    expect(said).toContain(`listen on port ${port}, as the issuer says`);
    expect((await terminal.run(['config', 'print', ...local])).out).toContain(`port: ${port}`);
    const { out } = await terminal.run(['config', 'check', ...local]);
    expect(out).toContain('is in order');
  });

  it('overwrites nothing when it is run again', async () => {
    await init();
    const before = await keys();
    const root = await readFile(rootKey, 'utf8');
    const again = await terminal.run(['init', ...local, '--root-key', rootKey]);
    expect(again.code).toBe(2);
    expect(again.said).toContain('never overwritten');
    const elsewhere = join(terminal.home, 'other-root.json');
    const other = await terminal.run(['init', ...local, '--root-key', elsewhere]);
    expect(other.code).toBe(2);
    expect(other.said).toContain('has the keys of');
    await expect(stat(elsewhere)).rejects.toThrow();
    expect(await keys()).toEqual(before);
    expect(await readFile(rootKey, 'utf8')).toBe(root);
  });

  it('says everything that a configuration needs', async () => {
    const nothing = await terminal.run(['init', ...local, '--root-key', rootKey]);
    expect(nothing.code).toBe(2);
    expect(nothing.said).toContain('--issuer');
    const wrong = await terminal.run([
      ...['init', ...local, '--root-key', rootKey, '--issuer', 'http://x/', '--organization', 'Acme'],
    ]);
    expect(wrong.code).toBe(2);
    expect(wrong.said).toContain('issuer: must be an https URL');
    await expect(stat(rootKey)).rejects.toThrow();
  });
});

describe('countersign config check', () => {
  it('reports every fault at once, and none where there is none', async () => {
    await init();
    expect((await terminal.run(['config', 'check', ...local])).code).toBe(0);
    const path = join(terminal.home, 'countersign.yaml');
    const text = (await readFile(path, 'utf8')).replace('port: 443', 'port: 99999\n  prot: 1');
    await writeFile(path, text);
    const { code, said } = await terminal.run(['config', 'check', ...local]);
    expect(code).toBe(1);
    expect(said).toContain('listen.port (line');
    expect(said).toContain('listen.prot');
  });
});

describe('countersign config check', () => {
  it('says what clients stumble over, of a configuration that can be used', async () => {
    await init();
    const path = join(terminal.home, 'countersign.yaml');
    await writeFile(path, (await readFile(path, 'utf8')).replace('port: 443', 'port: 8443'));
    const { code, out } = await terminal.run(['config', 'check', ...local]);
    expect(code).toBe(0);
    expect(out).toMatch(/can be used .*, but:\nlisten\.port \(line \d+\): whoever goes to/);
    const { out: json } = await terminal.run(['config', 'check', ...local, '--json']);
    expect(JSON.parse(json)).toMatchObject({ valid: true, warnings: [{ path: 'listen.port' }] });
  });

  it('refuses a private key in the place of the certificate', async () => {
    await init();
    await writeFile(
      join(terminal.home, 'tls', 'bridge.crt'),
      await readFile(join(terminal.home, 'tls', 'bridge.key')),
    );
    const { code, said } = await terminal.run(['config', 'check', ...local]);
    expect(code).toBe(1);
    expect(said).toMatch(
      /listen\.tls\.certificate_file \(line \d+\): there is no certificate in .*, but a private key/,
    );
  });
});

describe('countersign keys', () => {
  it('says that they end soon, within a fortnight, and nothing before', async () => {
    await init();
    expect((await keys()).warning).toBeNull();
    const path = join(terminal.home, 'countersign.yaml');
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.replace(/#? *online_keys_days: 90/, '  online_keys_days: 10'));
    await terminal.run(['keys', 'rotate', ...local, '--root-key', rootKey]);
    const { out } = await terminal.run(['keys', 'list', ...local]);
    expect(out).toContain('run `countersign keys rotate` before');
  });

  it('rotates under the root and keeps the old keys published', async () => {
    await init();
    const before = await keys();
    const rotated = await terminal.run([
      'keys',
      'rotate',
      ...local,
      '--root-key',
      rootKey,
      '--purpose',
      'binding',
    ]);
    expect(rotated.code).toBe(0);
    expect(rotated.said).toContain('offline again');
    const after = await keys();
    expect(after.serial).toBe(2);
    const binding = after.keys.filter(({ purpose }: { purpose: string }) => purpose === 'binding');
    expect(binding.map(({ state }: { state: string }) => state)).toEqual(['retired', 'in use']);
    expect(binding[0].thumbprint).toBe(before.keys[0].thumbprint);
  });

  it('declares a key compromised, after a question', async () => {
    await init();
    const { keys: online } = await keys();
    const args = ['keys', 'compromise', ...local, '--root-key', rootKey, '--key', online[0].thumbprint];
    expect((await terminal.run(args)).code).toBe(2);
    expect((await keys()).serial).toBe(1);
    expect((await terminal.run([...args, '--yes'])).code).toBe(0);
    expect(await keys()).toMatchObject({ serial: 2, compromised: [online[0].thumbprint] });
  });

  it('refuses another root, and a file that is none, without quoting it', async () => {
    await init();
    const other = join(terminal.home, 'other.json');
    await writeFile(other, '{"v":1,"secret":"do not print"}');
    const none = await terminal.run(['keys', 'rotate', ...local, '--root-key', other]);
    expect(none.code).toBe(1);
    expect(none.said).toContain('key_invalid');
    expect(none.said).not.toContain('do not print');
    expect((await keys()).serial).toBe(1);
  });
});

describe('countersign admin link', () => {
  it('prints one link and nothing else to stdout', async () => {
    await init();
    const { code, out } = await terminal.run(['admin', 'link', ...local]);
    expect(code).toBe(0);
    expect(out).toMatch(new RegExp(`^${ISSUER}/admin/bootstrap#[\\w-]{43}$`));
  });
});

describe('A link for an administrator', () => {
  it('makes a token with the roles that it was made for', async () => {
    await init();
    await terminal.run(['admin', 'link', ...local, '--role', 'siem', '--role', 'auditor']);
    const path = join(terminal.home, 'countersign.yaml');
    const { storage } = loadConfig({ path, env: { COUNTERSIGN_KEK: 'A'.repeat(43) } });
    const database = await openDatabase(storage, systemClock);
    const [link] = await loggedTrustChanges(database, 'administrator/').finally(() => database.close());
    expect(link?.state?.roles).toEqual(['siem', 'auditor']);
  });
});

describe('What the bridge’s own machine changes', () => {
  it('is staged for the key log, each command as one version, without the link’s secret', async () => {
    await init();
    const { out } = await terminal.run(['admin', 'link', ...local]);
    await terminal.run(['keys', 'rotate', ...local, '--root-key', rootKey]);
    const path = join(terminal.home, 'countersign.yaml');
    const { storage } = loadConfig({ path, env: { COUNTERSIGN_KEK: 'A'.repeat(43) } });
    const database = await openDatabase(storage, systemClock);
    const logged = await loggedTrustChanges(database, '').finally(() => database.close());
    expect(logged.map(({ change, version, by }) => [change, version, by])).toEqual([
      ['admin.link_created', 0, { kind: 'system' }],
      ['keys.initialized', 0, { kind: 'system' }],
      ['keys.rotated', 1, { kind: 'system' }],
    ]);
    expect(JSON.stringify(logged)).not.toContain(new URL(out).hash.slice(1));
  });
});
