import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { appendFile, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAuditorKey } from '../../bridge/keylog/audit/auditor-key.ts';
import { checkEvidence } from '../../bridge/keylog/audit/check-evidence.ts';
import { openStateFolder } from '../../bridge/keylog/audit/state-folder.ts';
import { parseCheckpoint } from '../../protocol/tlog/checkpoint.ts';
import { parseNote } from '../../protocol/tlog/signed-note.ts';
import { formatVerifierKey, verifierKey } from '../../protocol/tlog/verifier-key.ts';
import { type AuditFixture, auditFixture } from './audit-fixture.ts';

const PROCESS = fileURLToPath(new URL('auditing-process.ts', import.meta.url));

let fixture: AuditFixture;
beforeEach(async () => {
  fixture = await auditFixture('localhost');
});
afterEach(() => fixture.remove());

const IN_USE = expect.stringContaining('Another process audits');
/** Says under which error the folder cannot be had. */
const OPENS_STATE = `
  import { openStateFolder } from '${new URL('../../bridge/keylog/audit/state-folder.ts', import.meta.url)}';
  await openStateFolder(process.env.STATE).then(() => console.log('had'), ({ code }) => console.log(code));
`;

const path = (name: string) => join(fixture.state, name);
const record = async () => JSON.parse(await readFile(path('audit.json'), 'utf8'));

describe('an auditor that is killed', () => {
  it('goes on from what it kept, at whichever request it dies, and cosigns only the end', async () => {
    const key = join(fixture.folder, 'key.json');
    const trusted = join(fixture.folder, 'ca.pem');
    await createAuditorKey(key, 'auditor.example/acme');
    await writeFile(trusted, fixture.log.certificatePem);
    await fixture.log.grow(2_000, 2_000, 1_500);

    let child: ChildProcess | undefined;
    const runUntil = async (request: number): Promise<void> => {
      const env = { ...process.env, NODE_EXTRA_CA_CERTS: trusted };
      const args = ['--import', 'tsx', PROCESS, fixture.log.url, fixture.state, key];
      child = spawn(process.execPath, args, { env, stdio: 'inherit' });
      let asked = 0;
      fixture.log.onRequest = () => {
        asked += 1;
        if (asked === request) child?.kill('SIGKILL');
      };
      await new Promise((resolve) => child?.once('exit', resolve));
    };

    const sizes: number[] = [];
    for (const request of [1, 2, 6, 11, 14]) {
      await runUntil(request);
      expect(child?.signalCode).toBe('SIGKILL');
      sizes.push(
        await record().then(
          ({ entries }) => entries.size,
          () => 0,
        ),
      );
      expect(fixture.log.posted).toEqual([]);
    }
    expect(sizes).toEqual(sizes.toSorted((one, other) => one - other));
    expect(sizes.at(-1)).toBeGreaterThan(0);
    await runUntil(Number.POSITIVE_INFINITY);
    expect(child?.exitCode).toBe(0);
    expect(fixture.log.posted.map((note) => parseCheckpoint(parseNote(note).text).size)).toEqual([5_504]);
    expect(await record()).toMatchObject({ verified: { size: 5_504 }, entries: { size: 5_504 } });
  }, 300_000);

  it('keeps what it replayed when the log stops answering', async () => {
    await fixture.log.grow(2_000);
    fixture.log.answer = (asked) => (asked === 'tile/entries/005' ? 503 : undefined);
    await expect(fixture.audit()).rejects.toMatchObject({ code: 'outbound_failed' });
    expect(await record()).toMatchObject({ verified: null, seen: { size: 2_002 }, entries: { size: 1_280 } });
    fixture.log.answer = () => undefined;
    expect(await fixture.audit()).toMatchObject({ size: 2_002, replayed: 722 });
  });

  it('holds a checkpoint that it saw, and never replayed, against what comes later', async () => {
    await fixture.log.grow(2_000);
    fixture.log.answer = (asked) => (asked === 'tile/entries/005' ? 503 : undefined);
    await expect(fixture.audit()).rejects.toMatchObject({ code: 'outbound_failed' });
    fixture.log.answer = () => undefined;
    fixture.log.entries.length = 1_900;
    fixture.log.addVersions(300);
    fixture.log.closeEpoch({ epoch: 1 });
    await fixture.log.publish();
    const evidence = await fixture.alarm();
    expect(evidence.finding).toMatchObject({ code: 'history_rewritten', index: null });
    expect(evidence.checkpoints).toHaveLength(2);
    // Nobody has the entries of the older tree: how the newer one begins is proof enough.
    expect(await checkEvidence(evidence, { root: fixture.log.root })).toMatchObject({ proven: true });
    const root = Buffer.alloc(32, 1).toString('base64');
    const forged = { ...evidence, beginning: { ...evidence.beginning, root } };
    await expect(checkEvidence(forged)).rejects.toMatchObject({ code: 'log_proof' });
  });
});

describe('the state of an auditor', () => {
  beforeEach(async () => {
    await fixture.log.grow(300, 20);
    await fixture.verify();
    await fixture.log.grow(10);
  });

  it('outlives a write of the record that was cut short', async () => {
    await writeFile(path('audit.json.new'), '{"v":1,"ur');
    expect(await fixture.audit()).toMatchObject({ size: 334, replayed: 11 });
  });

  it('outlives entries that were written without their record', async () => {
    await appendFile(path('entries'), Buffer.alloc(700, 9));
    expect(await fixture.audit()).toMatchObject({ size: 334, replayed: 11 });
    expect((await stat(path('entries'))).size).toBe((await record()).entries.bytes);
  });

  it('can be read by its owner alone', async () => {
    for (const name of ['audit.json', 'entries']) expect((await stat(path(name))).mode & 0o777).toBe(0o600);
    expect((await stat(fixture.state)).mode & 0o777).toBe(0o700);
  });

  const flip = async (at: number) => {
    const bytes = await readFile(path('entries'));
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    await writeFile(path('entries'), bytes);
  };
  it.each<[string, () => Promise<void>]>([
    ['its copy is shorter than the record says', () => truncate(path('entries'), 700)],
    ['one bit of a version is another', () => flip(5_000)],
    ['one bit of a length is another', () => flip(36)],
    ['one bit of the last epoch is another', async () => flip((await stat(path('entries'))).size - 1)],
    ['the record does not parse', () => writeFile(path('audit.json'), '{"v":1')],
    ['the record is of another version', () => writeFile(path('audit.json'), '{"v":2}')],
    [
      'the record says another root',
      async () => {
        const { verified, ...rest } = await record();
        await writeFile(
          path('audit.json'),
          JSON.stringify({ ...rest, verified: { ...verified, root: 'A'.repeat(43) } }),
        );
      },
    ],
  ])('is refused, with what to do, when %s', async (_, damage) => {
    await damage();
    await expect(fixture.audit()).rejects.toMatchObject({
      code: 'audit_state',
      detail: expect.stringMatching(/is damaged[\s\S]*--root/),
    });
  });

  it('is not used by two at once, of one process or of two', async () => {
    const folder = await openStateFolder(fixture.state);
    await expect(fixture.audit()).rejects.toMatchObject({ code: 'audit_state', detail: IN_USE });
    const other = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', OPENS_STATE], {
      env: { ...process.env, STATE: fixture.state },
      encoding: 'utf8',
    });
    expect(other.stdout.trim()).toBe('audit_state');
    await folder.close();
    expect(await fixture.verify()).toBe(334);
  });

  it('is of one bridge', async () => {
    await expect(fixture.audit({ bridge: 'https://bridge.globex.example' })).rejects.toMatchObject({
      code: 'audit_state',
      detail: expect.stringContaining('--state'),
    });
  });
});

describe('what an auditor trusts', () => {
  beforeEach(async () => {
    await fixture.log.grow(3);
    await fixture.verify();
  });

  it('is the root of its first run: another one later is refused', async () => {
    await fixture.log.changeRoot();
    await expect(fixture.audit()).rejects.toMatchObject({ code: 'root_mismatch' });
  });

  it('is said when it changes from a key that was given to what the bridge publishes', async () => {
    const logKey = formatVerifierKey(verifierKey(fixture.log.origin, 1, fixture.log.logSigner.publicKey));
    const state = join(fixture.folder, 'by-key');
    fixture.notices.length = 0;
    await fixture.verify({ state, logKey });
    expect(fixture.notices).toEqual([]);
    await fixture.verify({ state });
    expect(fixture.notices).toEqual([expect.stringContaining(fixture.log.root)]);
  });

  it('is another key of the log, when the same root vouches for it, which it says', async () => {
    await fixture.log.changeLogKey();
    await fixture.log.grow(1);
    fixture.notices.length = 0;
    expect(await fixture.verify()).toBe(7);
    expect(fixture.notices).toEqual([expect.stringContaining('another key than before')]);
  });

  it('is no checkpoint that another key signed', async () => {
    const other = await auditFixture();
    await other.log.grow(9);
    const foreign = await other.log.publish();
    await other.remove();
    const renamed = foreign.replaceAll(other.log.origin, fixture.log.origin);
    for (const note of [renamed, renamed.split('\n\n')[0] ?? '', 'no note']) {
      fixture.log.answer = (asked) => (asked === 'checkpoint' ? note : undefined);
      await expect(fixture.audit()).rejects.toMatchObject({ code: expect.stringMatching(/^note_/) });
    }
    fixture.log.answer = (asked) => (asked === 'checkpoint' ? foreign : undefined);
    await expect(fixture.audit()).rejects.toMatchObject({ code: 'log_origin' });
  });

  it('is no size that nobody could replay', async () => {
    const huge = await fixture.log.publishClaim(2 ** 40);
    expect(huge).toContain('1099511627776');
    await expect(fixture.audit()).rejects.toMatchObject({ code: 'outbound_too_large' });
  });
});

describe('a log that wastes an auditor’s time', () => {
  it.each(['checkpoint', 'tile/entries/000', 'tile/1/000.p/1', 'tile/0/001.p/46'])(
    'by never ending %s is given up in bounded time, and not accused',
    async (path) => {
      await fixture.log.grow(300);
      fixture.log.answer = (asked) => (asked === path ? 'hang' : undefined);
      await expect(fixture.audit({ request: fixture.impatientFor(path) })).rejects.toMatchObject({
        code: 'outbound_timeout',
      });
    },
  );

  it('by a redirect is not followed', async () => {
    await fixture.log.grow(3);
    fixture.log.answer = (asked) => (asked === 'checkpoint' ? 302 : undefined);
    await expect(fixture.audit()).rejects.toMatchObject({ code: 'outbound_redirect' });
  });

  it('by a checkpoint without end is cut off', async () => {
    await fixture.log.grow(3);
    fixture.log.answer = (asked) => (asked === 'checkpoint' ? Buffer.alloc(70_000, 0x61) : undefined);
    await expect(fixture.audit()).rejects.toMatchObject({ code: 'outbound_too_large' });
  });
});
