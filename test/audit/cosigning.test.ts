import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAuditorKey, openAuditorKey } from '../../bridge/keylog/audit/auditor-key.ts';
import { systemClock } from '../../bridge/lib/clock.ts';
import { type NoteSigner, parseCheckpoint } from '../../protocol/tlog/checkpoint.ts';
import { parseNote, parseSignatureLines } from '../../protocol/tlog/signed-note.ts';
import { parseVerifierKey } from '../../protocol/tlog/verifier-key.ts';
import { verifyNote } from '../../protocol/tlog/verify-note.ts';
import { type AuditFixture, auditFixture } from './audit-fixture.ts';

let fixture: AuditFixture;
let folder: string;
let vkey: string;
let signer: NoteSigner;

beforeEach(async () => {
  fixture = await auditFixture();
  folder = await mkdtemp(join(tmpdir(), 'countersign-auditor-key-'));
  vkey = await createAuditorKey(join(folder, 'key.json'), 'auditor.example/acme');
  signer = await openAuditorKey(join(folder, 'key.json'));
});
afterEach(async () => {
  await fixture.remove();
  await rm(folder, { recursive: true });
});

const record = async () => JSON.parse(await readFile(join(fixture.state, 'audit.json'), 'utf8'));
const sizesPosted = () => fixture.log.posted.map((note) => parseCheckpoint(parseNote(note).text).size);

describe('an auditor with a key of its own', () => {
  it('cosigns what it replayed, hands it over, and the cosignature verifies under its vkey', async () => {
    await fixture.log.grow(3);
    const outcome = await fixture.audit({ signer });
    const [note = ''] = fixture.log.posted;
    const [verified] = await verifyNote(parseNote(note), [parseVerifierKey(vkey)]);
    expect(Math.abs((verified?.time ?? 0) - Date.now() / 1000)).toBeLessThan(60);
    expect(outcome).toMatchObject({ cosignature: { undelivered: null } });
    const line = outcome.outcome === 'verified' ? (outcome.cosignature?.line ?? '') : '';
    expect(parseSignatureLines(line)).toEqual(parseNote(note).signatures);
  });

  it('cosigns each checkpoint once, and again when the cosignature has grown old', async () => {
    await fixture.log.grow(3);
    await fixture.verify({ signer });
    await fixture.verify({ signer });
    expect(sizesPosted()).toEqual([5]);
    await fixture.log.grow(1);
    await fixture.verify({ signer });
    const later = { now: () => systemClock.now() + 16 * 60_000 };
    await fixture.verify({ signer, clock: later });
    expect(sizesPosted()).toEqual([5, 7, 7]);
  });

  it('tries again to hand over what was not taken', async () => {
    await fixture.log.grow(3);
    fixture.log.postStatus = 503;
    expect(await fixture.audit({ signer })).toMatchObject({
      cosignature: { undelivered: expect.stringContaining('503') },
    });
    fixture.log.postStatus = 204;
    expect(await fixture.audit({ signer })).toMatchObject({ cosignature: { undelivered: null } });
  });

  it('has what it is about to sign on the disk before it signs', async () => {
    await fixture.log.grow(3);
    const dying: NoteSigner = { ...signer, sign: () => Promise.reject(new Error('the power went')) };
    await expect(fixture.audit({ signer: dying })).rejects.toThrow('the power went');
    expect((await record()).signed).toMatchObject({ name: signer.name, size: 5, delivered: false });
    await fixture.verify({ signer });
    expect(sizesPosted()).toEqual([5]);
  });

  it('cosigns nothing of a log that broke a rule', async () => {
    await fixture.log.grow(3);
    await fixture.verify({ signer });
    fixture.log.addVersions(1);
    fixture.log.closeEpoch({ leaves: 9 });
    await fixture.log.publish();
    await fixture.alarm({ signer });
    await fixture.alarm({ signer, alarmExamined: true });
    expect(sizesPosted()).toEqual([5]);
    expect((await record()).signed.size).toBe(5);
  });

  it('cosigns no second tree of a size', async () => {
    await fixture.log.grow(3, 3);
    await fixture.verify({ signer });
    fixture.log.entries.splice(1, 1);
    fixture.log.addVersions(1);
    await fixture.log.publish();
    await fixture.alarm({ signer });
    expect(sizesPosted()).toEqual([9]);
  });
});

describe('the file of an auditor’s key', () => {
  it('can be read by its owner alone, and is never overwritten', async () => {
    const path = join(folder, 'key.json');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    await expect(createAuditorKey(path, 'auditor.example/acme')).rejects.toMatchObject({ code: 'conflict' });
    expect(parseVerifierKey(vkey)).toMatchObject({ name: 'auditor.example/acme', type: 4 });
  });

  it('takes no name that a note could not carry', async () => {
    await expect(createAuditorKey(join(folder, 'other.json'), 'two words')).rejects.toMatchObject({
      code: 'key_invalid',
    });
  });
});
