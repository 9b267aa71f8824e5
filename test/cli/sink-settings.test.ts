import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { schemaNode } from '../../bridge/cli/commands/settings-schema.ts';
import {
  assertComplete,
  type SettingOptions,
  sinkSettings,
} from '../../bridge/cli/commands/sink-settings.ts';
import type { Terminal } from '../../bridge/cli/terminal.ts';
import { UsageError } from '../../bridge/cli/usage-error.ts';

const SETTINGS = z.strictObject({
  url: z.url(),
  port: z.int().default(6514),
  verified: z.boolean().optional(),
  level: z.union([z.int(), z.literal('all')]).optional(),
  hosts: z.array(z.string()).optional(),
  tls: z.strictObject({ ca: z.string(), depth: z.int() }).optional(),
  labels: z.record(z.string(), z.string()).optional(),
  token: z.string(),
  old_token: z.string().optional(),
});
const KIND = {
  ...{
    kind: 'made-up',
    doc: 'For this test.',
    formats: ['plain'],
    originals: [],
    secrets: ['token', 'old_token'],
  },
  destinations: ['url'],
  settings: schemaNode.parse(z.toJSONSchema(SETTINGS, { io: 'input' })),
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'countersign-test-'));
});
afterAll(() => rm(folder, { recursive: true }));

const nobody = () => Promise.reject(new Error('nobody is asked'));

function read(options: SettingOptions, given: { env?: Record<string, string>; lines?: string[] } = {}) {
  const terminal: Terminal = {
    ...{ env: given.env ?? {}, home: folder, interactive: false, fetch: nobody, ask: nobody },
    askSecret: async () => given.lines?.shift() ?? '',
    out: () => {},
    say: () => {},
  };
  return sinkSettings(terminal, KIND, options);
}

async function refusal(options: SettingOptions): Promise<string> {
  const error = await read(options).catch((reason: unknown) => reason);
  if (!(error instanceof UsageError)) throw new Error('it was taken');
  return error.message;
}

describe('settings on a command line', () => {
  it('have the types that the schema says, and are else left for the bridge to judge', async () => {
    const set = ['url=https://a.example/?a=b', 'port=514', 'verified=true', 'level=3'];
    expect(await read({ set })).toEqual({
      url: 'https://a.example/?a=b',
      port: 514,
      verified: true,
      level: 3,
    });
    expect(await read({ set: ['port=many', 'verified=yes', 'level=all'] })).toEqual({
      port: 'many',
      verified: 'yes',
      level: 'all',
    });
  });

  it('are lists by repeating them, and reach into objects by a dot', async () => {
    expect(await read({ set: ['hosts=a', 'hosts=b', 'tls.ca=x', 'tls.depth=2', 'labels.a.b=c=d'] })).toEqual({
      hosts: ['a', 'b'],
      tls: { ca: 'x', depth: 2 },
      labels: { 'a.b': 'c=d' },
    });
    expect(await read({ set: ['tls={"ca":"x","depth":1}'] })).toEqual({ tls: { ca: 'x', depth: 1 } });
  });

  it('come from a file where their value is one, whole', async () => {
    await writeFile(join(folder, 'ca.pem'), 'one\ntwo\n');
    expect(await read({ setFile: [`tls.ca=${join(folder, 'ca.pem')}`] })).toEqual({
      tls: { ca: 'one\ntwo\n' },
    });
    expect(await refusal({ setFile: ['tls.ca=/nonexistent'] })).toContain('cannot be read');
  });

  it('are taken away by name', async () => {
    expect(await read({ unset: ['old_token', 'hosts'] })).toEqual({ old_token: null, hosts: null });
  });

  it.each([
    [['port'], '--set takes name=value'],
    [['prot=1'], 'made-up has no setting “prot”, but url, port'],
    [['port=1', 'port=2'], 'port is given twice'],
    [['tls=x', 'tls.ca=y'], 'tls has no parts'],
    [['tls={"ca":'], 'must be JSON'],
  ])('are refused before anything is sent: %j', async (set, words) => {
    expect(await refusal({ set })).toContain(words);
  });

  it('are said to be missing, with what to type', async () => {
    expect(() => assertComplete(KIND, { port: 1 })).toThrow(
      'made-up needs --set url=URL --secret token. See `countersign sink kinds made-up`.',
    );
    expect(() => assertComplete(KIND, { url: 'x', token: 'y' })).not.toThrow();
  });
});

describe('a secret', () => {
  it('is asked for, in the order named', async () => {
    expect(await read({ secret: ['old_token', 'token'] }, { lines: ['first', 'second'] })).toEqual({
      old_token: 'first',
      token: 'second',
    });
    expect(await refusal({ secret: ['token'] })).toBe('token is empty.');
  });

  it('comes from the environment or a file', async () => {
    await writeFile(join(folder, 'token'), 'from-file\n');
    const secret = ['token=env:HEC', `old_token=file:${join(folder, 'token')}`];
    expect(await read({ secret }, { env: { HEC: 'from-env' } })).toEqual({
      token: 'from-env',
      old_token: 'from-file',
    });
    expect(await refusal({ secret: ['token=env:HEC'] })).toBe('The variable HEC is not set.');
  });

  it('is never an argument, and one that was is not repeated', async () => {
    expect(await refusal({ set: ['token=hunter2'] })).toBe('token is a secret: use --secret token instead.');
    const said = await refusal({ secret: ['token=hunter2'] });
    expect(said).toContain('token=env:VARIABLE');
    expect(said).not.toContain('hunter2');
  });
});
