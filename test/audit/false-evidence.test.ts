import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { boundedRequest } from '../../bridge/keylog/audit/bounded-fetch.ts';
import { checkEvidence } from '../../bridge/keylog/audit/check-evidence.ts';
import { collectEvidence, type Evidence } from '../../bridge/keylog/audit/evidence.ts';
import { FINDINGS, type FindingCode, LogViolation } from '../../bridge/keylog/audit/finding.ts';
import { createLogSource } from '../../bridge/keylog/audit/log-source.ts';
import { readLogTrust } from '../../bridge/keylog/audit/log-trust.ts';
import { verifiedCheckpoint } from '../../bridge/keylog/audit/open-checkpoint.ts';
import { openReplica } from '../../bridge/keylog/audit/replica.ts';
import { openStateFolder } from '../../bridge/keylog/audit/state-folder.ts';
import { type AuditFixture, auditFixture } from './audit-fixture.ts';

let fixture: AuditFixture;
beforeEach(async () => {
  fixture = await auditFixture();
  await fixture.log.grow(2, 1);
  await fixture.verify();
  await fixture.log.grow(0, 3);
});
afterEach(() => fixture.remove());

const CODES = Object.keys(FINDINGS) as FindingCode[];

/** Evidence as a dishonest auditor makes it: true entries and proofs of an honest log, under a false claim. */
async function accuse() {
  const request = boundedRequest(fixture.log.fetch);
  const source = createLogSource(request, `${fixture.log.url}/log/`);
  const now = Math.floor(Date.now() / 1000);
  const trust = await readLogTrust(request, fixture.log.url, { root: undefined, leastSerial: 0 }, now);
  const { kept: target } = await verifiedCheckpoint(await source.checkpoint(), trust);
  const folder = await openStateFolder(fixture.state);
  const replica = await openReplica(folder);
  const { record } = folder;
  if (record === undefined) throw new Error('the state has a record');
  const accusation = (code: FindingCode, positions: readonly number[]) => {
    const violation = new LogViolation({ code, index: null, expected: 'x', found: 'y' }, positions);
    return collectEvidence(violation, { source, tree: undefined, trust, target, record, replica, now });
  };
  return { accusation, close: () => folder.close() };
}

describe('evidence against an honest log', () => {
  it('proves nothing, whichever entries it shows for whichever finding', async () => {
    const { accusation, close } = await accuse();
    const { length } = fixture.log.entries;
    for (const code of CODES) {
      for (let first = 0; first < 6; first++) {
        for (let second = first; second < 6; second++) {
          const evidence = await accusation(code, first === second ? [first] : [first, second]);
          expect({ code, first, second, proven: (await checkEvidence(evidence)).proven }).toMatchObject({
            proven: false,
          });
        }
      }
      const last = await accusation(code, [3, 5, 6, length - 1]);
      expect((await checkEvidence(last)).proven).toBe(false);
    }
    await close();
  });
});

describe('evidence against a dishonest log', () => {
  let evidence: Evidence;
  beforeEach(async () => {
    fixture.log.addVersions(1);
    fixture.log.closeEpoch({ prefixRoot: Buffer.alloc(32, 3) });
    await fixture.log.publish();
    evidence = await fixture.alarm();
    expect(await checkEvidence(evidence)).toMatchObject({ proven: true, root: fixture.log.root });
  });

  const check = (changes: Partial<Evidence>, trust = {}) => checkEvidence({ ...evidence, ...changes }, trust);

  it('counts for nothing under another root, or another log key, than the reader knows', async () => {
    const other = { root: 'A'.repeat(43) };
    await expect(check({}, other)).rejects.toMatchObject({ code: 'root_mismatch' });
    const stranger = await auditFixture();
    await stranger.log.grow(1);
    const foreign = await stranger.audit();
    await stranger.remove();
    const logKey = foreign.outcome === 'verified' ? foreign.logKeys[0] : undefined;
    await expect(check({}, { logKey })).rejects.toMatchObject({ code: 'audit_evidence' });
  });

  it('counts for nothing when the root does not vouch for the key that signed', async () => {
    await fixture.log.changeLogKey();
    await fixture.log.publish();
    const later = await fixture.alarm({ alarmExamined: true });
    await expect(check({ trust: evidence.trust, checkpoints: later.checkpoints })).rejects.toMatchObject({
      code: 'audit_evidence',
    });
  });

  it('counts for nothing when a part of it was exchanged', async () => {
    const [entry, ...rest] = evidence.entries;
    if (entry === undefined) throw new Error('the evidence has entries');
    const moved = [{ ...entry, index: entry.index + 1 }, ...rest];
    await expect(check({ entries: moved })).rejects.toMatchObject({ code: 'log_proof' });
    await expect(check({ entries: [{ ...entry, entry: '?' }] })).rejects.toMatchObject({
      code: 'audit_evidence',
    });
    await expect(check({ checkpoints: [] })).rejects.toMatchObject({ code: 'audit_evidence' });
    expect(await check({ map: null })).toMatchObject({ proven: false });
    expect(await check({ entries: rest })).toMatchObject({ proven: false });
    expect(await check({ entries: evidence.entries.toSpliced(1, 1) })).toMatchObject({ proven: false });
    await expect(checkEvidence({ format: 'else' })).rejects.toMatchObject({ code: 'audit_evidence' });
  });
});
