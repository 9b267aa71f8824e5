import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type BridgeFixture, bridgeFixture } from '../administration/bridge-fixture.ts';
import { recordedTerminal } from './recorded-terminal.ts';
import { type SetUpBridge, setUpBridge } from './set-up-bridge.ts';

describe('the fingerprint of the own root, on the bridge’s machine', () => {
  let bridge: SetUpBridge;
  beforeEach(async () => {
    bridge = await setUpBridge();
    await bridge.init();
  });
  afterEach(() => bridge.remove());

  it('is shown without the key-encryption key, and where the files of TLS are gone', async () => {
    const { terminal, configPath, rootKey } = bridge;
    const { thumbprint: ours } = JSON.parse(await readFile(rootKey, 'utf8'));
    await rm(join(terminal.home, 'kek.env'));
    await rm(join(terminal.home, 'tls'), { recursive: true });
    const { code, out } = await terminal.run(['keys', 'list', '-c', configPath]);
    expect(out).toContain(`Root fingerprint ${ours}, serial 1`);
    expect(code).toBe(0);
  });

  it('is not looked for in a file that is not there: the command says what to give', async () => {
    const { code, said } = await bridge.terminal.run(['keys', 'list']);
    expect(said).toContain('There is no countersign.yaml here: give --config, or --bridge with the URL');
    expect(code).toBe(2);
    const checked = await bridge.terminal.run(['config', 'check', '-c', 'elsewhere/countersign.yaml']);
    expect(checked.said).toMatch(/countersign\.yaml: there is no such file in .*elsewhere; give --config/);
    expect(checked.said).not.toContain('the file: the file');
  });
});

describe('the fingerprint of the own root, from anywhere', () => {
  let bridge: BridgeFixture;
  beforeEach(async () => {
    bridge = await bridgeFixture();
  });
  afterEach(() => bridge.remove());

  it('is what the bridge publishes, under the signature of that root', async () => {
    const terminal = await recordedTerminal(bridge.fetch);
    const { code, out } = await terminal.run(['keys', 'list', '--bridge', bridge.issuer, '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(out).rootThumbprint).toBe(bridge.root.kid);
    const wrong = await terminal.run(['keys', 'list', '--bridge', 'bridge.acme.example']);
    expect(wrong).toMatchObject({ code: 2, said: expect.stringContaining('--bridge is the https URL') });
    await terminal.remove();
  });
});

describe('a fingerprint in another form', () => {
  it('is described in words, before anything is asked', async () => {
    const terminal = await recordedTerminal();
    const { code, said } = await terminal.run([
      'partner',
      'approve',
      'globex.example',
      '--fingerprint',
      'AB:CD',
    ]);
    expect(code).toBe(2);
    expect(said).toContain('That is no fingerprint of a root. One has 43 characters');
    expect(said).toContain('`countersign keys list`');
    expect(said).not.toContain('[A-Za-z0-9_-]');
    await terminal.remove();
  });
});
