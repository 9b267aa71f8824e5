import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { formatPolicy } from '../../bridge/cli/commands/log-policy.ts';
import { logTrustOf } from '../../client/policy-text.ts';
import { meetsQuorum, parseLogPolicy } from '../../protocol/tlog/log-policy.ts';
import {
  ED25519_COSIGNATURE,
  ED25519_NOTE,
  formatVerifierKey,
  parseVerifierKey,
  verifierKey,
} from '../../protocol/tlog/verifier-key.ts';
import { type RecordedTerminal, recordedTerminal } from '../cli/recorded-terminal.ts';
import { createThrowawayCa } from '../fakes/throwaway-ca.ts';

const HOST = 'bridge.acme.example';

/** A cosigner's key; nobody signs with it. */
const cosigner = (name: string, byte: number) =>
  formatVerifierKey(verifierKey(name, ED25519_COSIGNATURE, new Uint8Array(32).fill(byte)));
const W1 = cosigner('w.example/w1', 1);
const W2 = cosigner('w.example/w2', 2);
const A1 = cosigner('a.example/a1', 3);

describe('the commands about the own log', () => {
  let terminal: RecordedTerminal;
  let local: string[];
  const at = (...path: string[]) => join(terminal.home, ...path);
  const run = (...args: string[]) => terminal.run([...args, ...local]);
  const vkeys = async () => JSON.parse((await run('log', 'vkey', '--json')).out);

  beforeEach(async () => {
    terminal = await recordedTerminal();
    const { key, cert } = await (await createThrowawayCa()).issue([HOST]);
    await mkdir(at('tls'));
    await writeFile(at('tls', 'bridge.key'), key);
    await writeFile(at('tls', 'bridge.crt'), cert);
    local = ['-c', at('countersign.yaml'), '--secrets', at('kek.env')];
    await run('init', '--root-key', at('root.json'), '--issuer', `https://${HOST}`, '--organization', 'Acme');
  });
  afterEach(() => terminal.remove());

  it('print the log’s key under its origin, and after a rotation the new one first', async () => {
    const [first] = (await vkeys()).log;
    expect(parseVerifierKey(first.vkey)).toMatchObject({ name: `${HOST}/log`, type: ED25519_NOTE });
    expect(first.state).toBe('in use');
    const rotated = await run('keys', 'rotate', '--purpose', 'log', '--root-key', at('root.json'));
    expect(rotated.code).toBe(0);
    const after = (await vkeys()).log;
    expect(after.map(({ state }: { state: string }) => state)).toEqual(['in use', 'retired']);
    expect(after[1].vkey).toBe(first.vkey);
    expect((await run('log', 'vkey')).out).toContain(`${first.vkey}  (retired)`);
  });

  it('print the key of the witness that the bridge is, once it has one', async () => {
    expect((await vkeys()).witness).toBeNull();
    const { vkey } = JSON.parse((await run('witness', 'key', '--json')).out);
    expect((await vkeys()).witness).toEqual({ vkey, url: `https://${HOST}/witness` });
  });

  it('print a policy that others can pin: the configured witnesses, quorum and auditors', async () => {
    const text = await readFile(at('countersign.yaml'), 'utf8');
    const witnesses = [W1, W2].map((vkey, index) => ({ vkey, url: `https://w${index}.example` }));
    await writeFile(
      at('countersign.yaml'),
      text
        .replace('  witnesses: []', `  witnesses: ${JSON.stringify(witnesses)}\n  quorum: 1`)
        .replace('  auditors: []', `  auditors: ["${A1}"]`),
    );
    const { out } = await run('log', 'policy');
    expect(logTrustOf(out)).toEqual({
      ...{ witnesses: [W1, W2], witnessQuorum: 1 },
      ...{ auditors: [A1], auditorQuorum: 1 },
    });
    const [log] = parseLogPolicy(out).logs;
    expect(log).toMatchObject({ key: { name: `${HOST}/log` }, url: `https://${HOST}/log` });
  });

  it('print a policy that demands nothing where nobody cosigns', async () => {
    expect(logTrustOf((await run('log', 'policy')).out)).toMatchObject({
      witnessQuorum: 0,
      auditorQuorum: 0,
    });
  });
});

describe('the policy of a bridge', () => {
  it('is met by its quorum of witnesses, and not by auditors', () => {
    const key = formatVerifierKey(verifierKey(`${HOST}/log`, ED25519_NOTE, new Uint8Array(32).fill(9)));
    const policy = parseLogPolicy(
      formatPolicy(
        { url: `https://${HOST}/log`, vkeys: [key] },
        {
          witnesses: [W1, W2].map((vkey) => ({ vkey, url: 'https://w.example' })),
          ...{ quorum: 2, auditors: [A1], auditor_quorum: 1 },
        },
      ),
    );
    expect(meetsQuorum(policy, ['w1', 'w2'])).toBe(true);
    expect(meetsQuorum(policy, ['w1', 'a1'])).toBe(false);
  });
});
