import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type RecordedTerminal, recordedTerminal } from '../cli/recorded-terminal.ts';
import { createThrowawayCa } from '../fakes/throwaway-ca.ts';

let terminal: RecordedTerminal;
let local: string[];
let configuration: string;
let secrets: string;

beforeEach(async () => {
  terminal = await recordedTerminal();
  const { key, cert } = await (await createThrowawayCa()).issue(['bridge.acme.example']);
  const tls = join(terminal.home, 'tls');
  await mkdir(tls);
  await writeFile(join(tls, 'bridge.key'), key);
  await writeFile(join(tls, 'bridge.crt'), cert);
  configuration = join(terminal.home, 'countersign.yaml');
  secrets = join(terminal.home, 'kek.env');
  local = ['-c', configuration, '--secrets', secrets];
  const root = ['--root-key', join(terminal.home, 'root.json')];
  const { code } = await terminal.run([
    ...['init', ...local, ...root],
    ...['--issuer', 'https://bridge.acme.example', '--organization', 'Acme'],
  ]);
  expect(code).toBe(0);
});
afterEach(() => terminal.remove());

/** The configuration with a new key, and with the one before it if that is kept. */
async function giveNewKey(keep: boolean): Promise<void> {
  const text = await readFile(configuration, 'utf8');
  const old = (await readFile(secrets, 'utf8')).trim().replace(/^[A-Z_]+=/, '');
  const name = /^ *key_encryption_key: .*env: ([A-Z_]+)/m.exec(text)?.[1] ?? '';
  const key = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64url');
  await writeFile(secrets, `${name}=${key}\nPREVIOUS_KEK=${old}\n`);
  const line = /^( *)key_encryption_key: .*$/m;
  const indent = line.exec(text)?.[1] ?? '';
  if (keep) {
    const both = `$&\n${indent}previous_key_encryption_key: { env: PREVIOUS_KEK }`;
    await writeFile(configuration, text.replace(line, both));
  }
}

it('the command seals everything under the new key, says so, and does it once', async () => {
  await giveNewKey(true);
  const done = await terminal.run(['keys', 'rotate-encryption-key', ...local, '--stopped', '--json']);
  expect(done.code).toBe(0);
  const { key, previous, values } = JSON.parse(done.out);
  expect(key).not.toBe(previous);
  expect(values).toBeGreaterThanOrEqual(6);
  expect(done.said).toContain('signer_keys.sealed');
  const again = await terminal.run(['keys', 'rotate-encryption-key', ...local, '--stopped']);
  expect(again.out).toContain('Sealed 0 values');
  const without = (await readFile(configuration, 'utf8')).replace(/^ *previous_key.*\n/m, '');
  await writeFile(configuration, without);
  const root = ['--root-key', join(terminal.home, 'root.json')];
  expect((await terminal.run(['keys', 'rotate', ...local, ...root])).code).toBe(0);
});

it('the command says what is missing without the key before it', async () => {
  await giveNewKey(false);
  const { code, said } = await terminal.run(['keys', 'rotate-encryption-key', ...local, '--stopped']);
  expect(code).toBe(1);
  expect(said).toContain('previous_key_encryption_key');
});
