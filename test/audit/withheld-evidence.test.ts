import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkEvidence } from '../../bridge/keylog/audit/check-evidence.ts';
import { EPOCH_ENTRIES } from '../../bridge/keylog/audit/entry-rules.ts';
import type { Evidence } from '../../bridge/keylog/audit/evidence.ts';
import { writeEvidence } from '../../bridge/keylog/audit/evidence-file.ts';
import { keepAnswers } from '../../bridge/keylog/audit/keep-answers.ts';
import type { LogSource } from '../../bridge/keylog/audit/log-source.ts';
import { decodeBase64url } from '../../protocol/base64url.ts';
import { generateSigningKey, signBytes } from '../../protocol/ed25519.ts';
import { CountersignError } from '../../protocol/errors.ts';
import type { NoteSigner } from '../../protocol/tlog/checkpoint.ts';
import { type AuditFixture, auditFixture } from './audit-fixture.ts';

let fixture: AuditFixture;
beforeEach(async () => {
  fixture = await auditFixture();
});
afterEach(() => fixture.remove());

const isProven = async (evidence: unknown) => (await checkEvidence(evidence)).proven;

async function auditorKey(): Promise<NoteSigner> {
  const key = await generateSigningKey(true);
  const publicKey = decodeBase64url(key.publicKey.x, 32);
  const sign = async (message: Uint8Array<ArrayBuffer>) => decodeBase64url(await signBytes(key, message), 64);
  return { name: 'auditor.example/a', publicKey, sign };
}

/** What was answered once is not answered again. */
function answerOnce(): void {
  const answered = new Set<string>();
  fixture.log.answer = (path) => {
    if (path === 'checkpoint') return undefined;
    if (answered.has(path)) return 503;
    answered.add(path);
    return undefined;
  };
}

const lies: readonly (readonly [string, () => unknown])[] = [
  ['of another count of leaves', () => fixture.log.closeEpoch({ leaves: 99 })],
  ['of another root of the map', () => fixture.log.closeEpoch({ prefixRoot: new Uint8Array(32) })],
  ['of a number that leaps', () => fixture.log.closeEpoch({ epoch: 9 })],
];

describe('evidence against a log that answers nothing a second time', () => {
  it.each(lies)('proves the epoch %s', async (_, lie) => {
    await fixture.log.grow(300, 2);
    await fixture.verify();
    fixture.log.addVersions(300);
    lie();
    await fixture.log.publish();
    answerOnce();
    expect(await isProven(await fixture.alarm())).toBe(true);
  });

  it('proves that entries were changed', async () => {
    await fixture.log.grow(3, 2);
    await fixture.verify();
    fixture.log.entries.splice(1, 1);
    fixture.log.addVersions(3);
    fixture.log.closeEpoch();
    await fixture.log.publish();
    answerOnce();
    const evidence = await fixture.alarm();
    expect([evidence.finding.code, await isProven(evidence)]).toEqual(['history_rewritten', true]);
  });

  it('proves an epoch that is longer than evidence could show', async () => {
    fixture.log.addVersions(EPOCH_ENTRIES);
    fixture.log.closeEpoch();
    await fixture.log.publish();
    answerOnce();
    const evidence = await fixture.alarm();
    expect([evidence.finding.code, await isProven(evidence)]).toEqual(['epoch_too_long', true]);
  });
});

describe('the answers that are kept for evidence', () => {
  it('are the newest ones, of so many bytes', async () => {
    const asked: number[] = [];
    const entries = async (index: number) => {
      asked.push(index);
      return [new Uint8Array(1_000)];
    };
    const kept = keepAnswers({ entries } as unknown as LogSource, 2_500);
    for (const index of [1, 2, 2, 3, 2, 1]) await kept.entries(index, 1);
    expect(asked).toEqual([1, 2, 3, 1]);
  });
});

describe('an alarm that is proven', () => {
  it('stands: nothing is cosigned for whoever starts the auditor again, until somebody has looked', async () => {
    const signer = await auditorKey();
    await fixture.log.grow(3, 3);
    await fixture.verify({ signer });
    const honest = [...fixture.log.entries];
    const { length: posted } = fixture.log.posted;
    fixture.log.entries.splice(1, 1);
    fixture.log.addVersions(1);
    await fixture.log.publish();
    const keepEvidence = async () => 'evidence.json';
    const { finding } = await fixture.alarm({ signer, keepEvidence });
    fixture.log.entries = honest;
    await fixture.log.grow(2);
    expect(await fixture.audit({ signer })).toMatchObject({
      outcome: 'alarm_stands',
      alarm: { code: finding.code, evidence: 'evidence.json' },
    });
    expect(fixture.log.posted).toHaveLength(posted);
    await fixture.verify({ signer, alarmExamined: true });
    await fixture.verify({ signer });
    expect(fixture.log.posted.length).toBeGreaterThan(posted);
  });

  it('stands though the disk had room neither for its evidence nor for the record', async () => {
    await fixture.log.grow(3, 3);
    await fixture.verify();
    const honest = [...fixture.log.entries];
    fixture.log.entries.splice(1, 1);
    fixture.log.addVersions(1);
    await fixture.log.publish();
    const inTheWay = join(fixture.state, 'audit.json.new');
    const keepEvidence = async () => {
      await mkdir(inTheWay);
      throw new CountersignError('storage_full');
    };
    const outcome = await fixture.audit({ keepEvidence });
    expect(outcome).toMatchObject({
      ...{ outcome: 'alarm', path: null, unkept: { code: 'storage_full' } },
      evidence: { finding: { code: 'split_view' } },
    });
    fixture.log.entries = honest;
    await fixture.log.grow(2);
    const alarm = { code: 'split_view', evidence: '' };
    expect(await fixture.audit()).toMatchObject({ outcome: 'alarm_stands', alarm });
    await rm(inTheWay, { recursive: true });
    expect(await fixture.audit()).toMatchObject({ outcome: 'alarm_stands', alarm });
    await fixture.verify({ alarmExamined: true });
    await fixture.verify();
    expect(fixture.notices.join()).not.toContain('will not stand');
  });

  it('is named as such to whoever writes it down, and what a cache may have done is not', async () => {
    const named: unknown[] = [];
    const keepEvidence = async ({ finding }: Evidence, proven: boolean) => {
      named.push([finding.code, proven]);
      return 'evidence.json';
    };
    await fixture.log.grow(3, 3);
    await fixture.verify();
    const all = [...fixture.log.entries];
    fixture.log.entries.splice(5);
    await fixture.log.publish();
    await fixture.alarm({ keepEvidence });
    fixture.log.entries = [...all];
    fixture.log.addVersions(1);
    fixture.log.closeEpoch({ leaves: 99 });
    await fixture.log.publish();
    await fixture.alarm({ keepEvidence });
    expect(named).toEqual([
      ['rolled_back', false],
      ['leaves_count', true],
    ]);
  });

  it('does not stand where a cache may have answered', async () => {
    await fixture.log.grow(3, 3);
    await fixture.verify();
    const all = [...fixture.log.entries];
    fixture.log.entries.splice(5);
    await fixture.log.publish();
    expect((await fixture.alarm()).finding.code).toBe('rolled_back');
    fixture.log.entries = all;
    await fixture.log.publish();
    await fixture.verify();
  });
});

describe('a file of evidence', () => {
  async function evidence() {
    await fixture.log.grow(3);
    fixture.log.addVersions(1);
    fixture.log.closeEpoch({ leaves: 99 });
    await fixture.log.publish();
    return fixture.alarm();
  }
  const path = () => join(fixture.folder, 'evidence.json');
  const files = async () => (await readdir(fixture.folder)).filter((name) => name.startsWith('evidence'));

  it('is never written over, and not written twice', async () => {
    const made = await evidence();
    expect(await writeEvidence(path(), made)).toBe(path());
    expect(await writeEvidence(path(), { ...made, entries: [] })).toBe(path());
    expect(JSON.parse(await readFile(path(), 'utf8'))).toEqual(made);
    const other = { ...made, finding: { ...made.finding, index: 7 } };
    expect(await writeEvidence(path(), other)).toBe(join(fixture.folder, 'evidence-2.json'));
    expect(await files()).toEqual(['evidence-2.json', 'evidence.json']);
  });

  it('is refused once there are twenty, which says what to do, unless it proves what it says', async () => {
    const made = await evidence();
    await writeFile(path(), 'not ours');
    for (let index = 0; index < 19; index += 1) {
      await writeEvidence(path(), { ...made, finding: { ...made.finding, index: 100 + index } });
    }
    await expect(writeEvidence(path(), made)).rejects.toMatchObject({ code: 'audit_evidence' });
    expect(await files()).toHaveLength(20);
    expect(await writeEvidence(path(), made, { proven: true })).toBe(
      join(fixture.folder, 'evidence-21.json'),
    );
  });

  it('says of its finding what we say, whatever is written in it', async () => {
    const made = await evidence();
    const lying = { ...made, finding: { ...made.finding, meaning: '\r\u001b[2KPROVEN' } };
    expect((await checkEvidence(lying)).evidence.finding.meaning).toBe(made.finding.meaning);
  });

  it('shows a checkpoint at least', async () => {
    const made = await evidence();
    await expect(checkEvidence({ ...made, checkpoints: [], entries: [] })).rejects.toMatchObject({
      code: 'audit_evidence',
    });
  });
});
