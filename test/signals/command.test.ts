import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BridgeFixture, bridgeFixture } from '../administration/bridge-fixture.ts';
import { type RecordedTerminal, recordedTerminal } from '../cli/recorded-terminal.ts';

let bridge: BridgeFixture;
let terminal: RecordedTerminal;
let id = '';

beforeAll(async () => {
  bridge = await bridgeFixture();
  terminal = await recordedTerminal(bridge.fetch);
  const { url } = await bridge.running.services.administrators.createLink();
  await run('admin', 'claim', url, '--name', 'Ada');
});
afterAll(async () => {
  await terminal.remove();
  await bridge.remove();
});

const run = (...args: string[]) => terminal.run(['signals', ...args].slice(args[0] === 'admin' ? 1 : 0));

describe('countersign signals', () => {
  it('says how to begin', async () => {
    expect((await run('list')).out).toContain('countersign signals add');
    expect((await run('partners')).out).toContain('no active partner');
  });

  it('registers a receiver and shows its token this once', async () => {
    const { code, out } = await run('add', '--name', 'SaaS', '--audience', 'https://saas.example');
    expect(code).toBe(0);
    const token = /cssig_[A-Za-z0-9_-]{43}/.exec(out)?.[0] ?? '';
    expect(token).not.toBe('');
    id = /rcv_[0-9a-f-]{36}/.exec(out)?.[0] ?? '';
    const listed = await run('list', '--json');
    expect(JSON.parse(listed.out).receivers).toMatchObject([{ id, name: 'SaaS', stream: null }]);
    expect(listed.out).not.toContain(token);
    expect((await run('list')).out).toMatch(
      new RegExp(`${id} +SaaS +everybody +any public +20\\d\\d-\\S+ \\S+ +none yet +0 +0 +0`),
    );
  });

  it('refuses a domain that is not proven', async () => {
    const { code, said } = await run('add', '--name', 'x', '--audience', 'y', '--domain', 'globex.example');
    expect(code).toBe(1);
    expect(said).toContain('domain_unknown');
  });

  it('says that there is no stream to pause or to verify', async () => {
    for (const args of [
      ['pause', id],
      ['verify', id],
    ]) {
      const { code, said } = await run(...args);
      expect([code, said.includes('stream_unknown')]).toEqual([1, true]);
    }
  });

  it('asks before it takes a token or a receiver away', async () => {
    const before = await run('token', id);
    expect(before.code).not.toBe(0);
    expect((await run('token', id, '--yes')).out).toContain('cssig_');
    expect((await run('rotate-key')).out).toContain('signed with');
    expect((await run('remove', id, '--yes')).out).toBe(`Removed ${id}.`);
    const gone = await run('remove', id, '--yes');
    expect([gone.code, gone.said.includes('receiver_unknown')]).toEqual([1, true]);
  });
});
