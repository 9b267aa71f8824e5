import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openWitnessFolder } from '../../bridge/cli/witness-folder.ts';
import { parseNote, parseSignatureLines } from '../../protocol/tlog/signed-note.ts';
import { ED25519_COSIGNATURE, parseVerifierKey } from '../../protocol/tlog/verifier-key.ts';
import { verifyNote } from '../../protocol/tlog/verify-note.ts';
import { type RecordedTerminal, recordedTerminal } from '../cli/recorded-terminal.ts';
import { createThrowawayCa } from '../fakes/throwaway-ca.ts';
import { smallLog } from './small-log.ts';

const MAIN = fileURLToPath(new URL('../../bridge/cli/main.ts', import.meta.url));

let terminal: RecordedTerminal;
let folder: string;
const children = new Set<ChildProcess>();

beforeEach(async () => {
  terminal = await recordedTerminal();
  folder = join(terminal.home, 'witness');
});
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  children.clear();
  await terminal.remove();
});

const init = (name = 'witness.example/w1') =>
  terminal.run(['witness', 'init', '--folder', folder, '--name', name]);

describe('countersign witness init', () => {
  it('makes a key that only its owner can read, and prints what logs configure', async () => {
    const { code, out } = await init();
    expect(code).toBe(0);
    expect(parseVerifierKey(out)).toMatchObject({ name: 'witness.example/w1', type: ED25519_COSIGNATURE });
    expect((await stat(join(folder, 'witness-key.json'))).mode & 0o777).toBe(0o600);
  });

  it('overwrites nothing', async () => {
    const { out } = await init();
    expect((await init()).code).toBe(2);
    await rm(join(folder, 'witness.db'));
    expect((await init()).code).toBe(2);
    expect((await init('two words')).code).toBe(2);
    expect(out).not.toBe('');
  });
});

describe('a witness’s folder', () => {
  it('is refused without its database: the key must not cosign a second history', async () => {
    await init();
    await rm(join(folder, 'witness.db'));
    await expect(openWitnessFolder(folder)).rejects.toMatchObject({ code: 'state_refused' });
  });

  it('is refused with the database of another witness', async () => {
    await init();
    const other = join(terminal.home, 'other');
    await terminal.run(['witness', 'init', '--folder', other, '--name', 'witness.example/w1']);
    await copyFile(join(other, 'witness.db'), join(folder, 'witness.db'));
    await expect(openWitnessFolder(folder)).rejects.toMatchObject({ code: 'state_refused' });
  });

  it('is refused with what is no key, whose text is not quoted', async () => {
    await init();
    for (const text of ['', '{"v":1,"d":"secret"}']) {
      await writeFile(join(folder, 'witness-key.json'), text);
      const refused = await openWitnessFolder(folder).catch((error: unknown) => String(error));
      expect(refused).toMatch(/no key of a witness/);
      expect(refused).not.toContain('secret');
    }
  });
});

describe('countersign witness run', { timeout: 60_000 }, () => {
  it.each([
    ['a log’s key that is none', ['--log', 'x'], '--log'],
    ['the key of a witness as a log’s', ['--log', 'WITNESS'], 'not of a log'],
    ['an address without a port', ['--log', 'LOG', '--listen', '127.0.0.1'], '--listen'],
    ['half of TLS', ['--log', 'LOG', '--tls-key', 'key.pem'], '--tls-certificate'],
    ['a proxy that is no network', ['--log', 'LOG', '--trusted-proxy', 'x'], '--trusted-proxy'],
    ['no log', [], '--log'],
  ])('refuses %s', async (_what, args, said) => {
    const { out: vkey } = await init();
    const log = await smallLog('log.globex.example/log');
    const given = args.map((arg) => (arg === 'LOG' ? log.vkey : arg === 'WITNESS' ? vkey : arg));
    const ran = await terminal.run(['witness', 'run', '--folder', folder, ...given]);
    expect(ran.code).toBe(2);
    expect(ran.said).toContain(said);
  });

  it('cosigns until SIGTERM, and goes on where it was', async () => {
    const { out: vkey } = await init();
    const log = await smallLog('log.globex.example/log', 5);
    const first = await start(log.vkey);
    const answer = await fetch(`${first.url}/add-checkpoint`, {
      ...{ method: 'POST', body: await log.request(0) },
    });
    const note = {
      text: parseNote(await log.note()).text,
      signatures: parseSignatureLines(await answer.text()),
    };
    expect(await verifyNote(note, [parseVerifierKey(vkey)])).toHaveLength(1);
    expect(await first.stop()).toBe(0);

    const again = await start(log.vkey);
    const stale = await fetch(`${again.url}/add-checkpoint`, {
      ...{ method: 'POST', body: await log.request(0) },
    });
    expect([stale.status, await stale.text()]).toEqual([409, '5\n']);
    expect(await again.stop()).toBe(0);
  });
});

describe('countersign witness key', () => {
  it('prints the key of the witness that a bridge is, always the same', async () => {
    const config = join(terminal.home, 'countersign.yaml');
    const ca = await createThrowawayCa();
    const { key, cert } = await ca.issue(['bridge.acme.example']);
    await writeFile(join(terminal.home, 'bridge.key'), key);
    await writeFile(join(terminal.home, 'bridge.crt'), cert);
    await writeFile(
      config,
      JSON.stringify({
        ...{ issuer: 'https://bridge.acme.example', organization: { name: 'Acme' } },
        listen: { tls: { certificate_file: 'bridge.crt', key_file: 'bridge.key' } },
        storage: { driver: 'sqlite', path: 'bridge.db' },
        signer: { driver: 'local', key_encryption_key: { env: 'COUNTERSIGN_KEK' } },
      }),
    );
    const env = {
      COUNTERSIGN_KEK: Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64url'),
    };
    expect((await terminal.run(['witness', 'key', '-c', config], { env })).said).toContain(
      'countersign init',
    );
    const rootKey = join(terminal.home, 'root-key.json');
    await terminal.run(['init', '-c', config, '--root-key', rootKey], { env });
    const [first, second] = [
      await terminal.run(['witness', 'key', '-c', config], { env }),
      await terminal.run(['witness', 'key', '-c', config, '--json'], { env }),
    ];
    expect(first.said).toBe('');
    expect(parseVerifierKey(first.out)).toMatchObject({
      name: 'bridge.acme.example/witness',
      type: ED25519_COSIGNATURE,
    });
    expect(JSON.parse(second.out)).toEqual({ vkey: first.out });
  });
});

/** The command in a process of its own, on a port that it takes itself. */
async function start(vkey: string): Promise<{ url: string; stop(): Promise<number | null> }> {
  const child = spawn(process.execPath, [
    ...['--import', 'tsx', MAIN, 'witness', 'run', '--folder', folder, '--log', vkey],
    ...['--listen', '127.0.0.1:0'],
  ]);
  children.add(child);
  const closed = once(child, 'close');
  const port = await new Promise<string>((resolve, reject) => {
    let said = '';
    child.stderr.on('data', (piece: Buffer) => {
      said += piece.toString();
      const found = /takes add-checkpoint on port (\d+)/.exec(said)?.[1];
      if (found !== undefined) resolve(found);
    });
    closed.then(() => reject(new Error(`it ended: ${said}`)));
  });
  return {
    url: `http://127.0.0.1:${port}`,
    async stop() {
      child.kill('SIGTERM');
      const [code] = (await closed) as [number | null];
      return code;
    },
  };
}
