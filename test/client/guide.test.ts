import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parseErrorCode } from '../../protocol/errors.ts';
import { loadTransformEngine } from '../../recrypt/load-node.ts';
import { type FakeBridge, startFakeBridge } from '../fakes/fake-bridge/fake-bridge.ts';
import { makeCompany, NOW } from '../protocol/company.ts';
import { followSignIn, newClient, signIn } from './fixture.ts';

const guide = await readFile(new URL('../../docs/guides/client.md', import.meta.url), 'utf8');

let bridge: FakeBridge;
let close: () => Promise<void>;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'countersign-guide-'));
  ({ bridge, close } = await startFakeBridge(await loadTransformEngine({ prefer: 'wasm' })));
  // After its certificate was made: TLS goes by the machine's clock, the guide's client by this one.
  vi.useFakeTimers({ toFake: ['Date'], now: NOW * 1000 });
  bridge.addPerson('alice');
  bridge.keepLog();
  bridge.lookUps.partners.push(await makeCompany('globex', 'bob'));
});
afterEach(async () => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  await close();
  await rm(folder, { recursive: true, force: true });
});

/** The guide's pieces of program as one, for this bridge and folder. */
async function writeProgram(): Promise<string> {
  const pieces = [...guide.matchAll(/```ts\n([\s\S]*?)```/g)].map((match) => match[1] ?? '');
  const entry = fileURLToPath(new URL('../../client/index.ts', import.meta.url));
  const program = pieces
    .join('\n')
    .replace("'countersign/client'", JSON.stringify(entry))
    .replaceAll("'state/", `'${folder}/`)
    .replace('https://bridge.acme.example', bridge.issuer);
  const path = join(folder, 'program.mts');
  await writeFile(path, program);
  return pathToFileURL(path).href;
}

describe('the guide of the client', () => {
  it('has a program that runs as it stands', async () => {
    const said: string[] = [];
    const phone = newClient(bridge, bridge.engine);
    vi.spyOn(console, 'log').mockImplementation((...words) => void said.push(words.join(' ')));
    vi.stubGlobal('fetch', bridge.fetch);
    vi.stubGlobal('openInBrowser', async (url: string) => {
      const { get } = await import('node:http');
      get(await followSignIn(bridge, url));
    });
    await signIn(bridge, phone, 'alice@acme.example');
    const addition = await phone.requestDevice({ label: 'phone', method: 'code' });
    const code = addition.showCode();
    vi.stubGlobal('askPerson', async (question: string) => question === `Does phone show ${await code}?`);
    await import(/* @vite-ignore */ await writeProgram());
    expect((await addition.waitForApproval()).device.sub).toBe('sub-alice');
    expect(said).toEqual([
      expect.stringMatching(/^bob@globex\.example has the key \S{43} \(new\)$/),
      'nobody@acme.example not_found',
      '3 entries, logged; continues 0 seen before',
      'version 0 own',
      'logged, 0 s old',
      'alice@acme.example speaks with the media layer’s public key',
    ]);
  });

  it('names only error codes that exist', () => {
    const table = guide.slice(guide.indexOf('| Code |'));
    const codes = [...table.matchAll(/^\| (`[^|]+) \|/gm)].flatMap(([, cell = '']) =>
      [...cell.matchAll(/`([a-z_]+)`/g)].map(([, code]) => code ?? ''),
    );
    expect(codes.length).toBeGreaterThan(30);
    expect(codes.filter((code) => parseErrorCode(code) === undefined)).toEqual([]);
  });
});
