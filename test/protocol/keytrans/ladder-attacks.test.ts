import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ladderVersions } from '../../../protocol/keytrans/ladder.ts';
import { verifyLogStaple } from '../../../protocol/keytrans/log-proof.ts';
import { encodeLogStaple, type LogStaple } from '../../../protocol/keytrans/log-staple.ts';
import { ALICE, claimOf, logKey, NOW, ORIGIN, refused, statementOf } from './acme-log.ts';
import { SmallKeyLog } from './small-key-log.ts';

/** A log that holds these versions of Alice in one epoch, and the checkpoint of it that everybody sees. */
async function logOf(versions: readonly number[]): Promise<{ log: SmallKeyLog; note: string }> {
  const log = new SmallKeyLog(ORIGIN);
  for (const version of versions) log.add(ALICE, version, statementOf(version));
  log.closeEpoch(NOW);
  return { log, note: await log.note(logKey) };
}

/** The best that a bridge can show: commitments where they are demanded, made up where it has none. */
function bestStaple(log: SmallKeyLog, note: string, version: number): string {
  const parts = log.parts(note, ALICE, version);
  const rungs = ladderVersions(version).map((rung, index): LogStaple['rungs'][number] => {
    const { proof = new Uint8Array(), commitment } = parts.rungs[index] ?? {};
    return { proof, commitment: rung < version ? (commitment ?? new Uint8Array(32)) : undefined };
  });
  return encodeLogStaple({ ...parts, rungs });
}

/** Whether a ladder that is climbed in a map with these versions ends at `version`. */
function shows(versions: ReadonlySet<number>, version: number): boolean {
  return ladderVersions(version).every((rung) => versions.has(rung) === rung <= version);
}

describe('a ladder finds a bridge out that', () => {
  it('has two versions 1, and shows one of them to some', async () => {
    const { log, note } = await logOf([0, 1]);
    const staple = log.staple(note, ALICE, 1);
    expect((await verifyLogStaple(claimOf(staple, 1))).level).toBe('logged');
    // both stand at one place in the map, which commits to one value
    const second = { value: statementOf(7) };
    expect(await refused(staple, 1, second)).toBe('log_proof');
  });

  it.each([
    [[0, 2], 2],
    [[1], 1],
    [[0, 1, 2, 4], 4],
    [[0, 1, 2, 3, 4, 6], 6],
  ])('skips a version on the way to the newest: %j', async (versions, newest) => {
    const { log, note } = await logOf(versions);
    const taken = await Promise.all(
      [newest, newest - 1].map(async (version) => refused(bestStaple(log, note, version), version)),
    );
    expect(taken).toEqual(['log_proof', 'log_proof']);
  });

  it('skips a version beside the way, and shows another than the newest', async () => {
    // that 2 is missing the person's own client finds, which knows each version that was made
    const { log, note } = await logOf([0, 1, 3]);
    for (const version of [0, 1, 2]) {
      expect(await refused(bestStaple(log, note, version), version)).toBe('log_proof');
    }
  });

  it('shows version 0 to some and version 5 to others, of a log with both', async () => {
    const { log, note } = await logOf([0, 5]);
    expect((await verifyLogStaple(claimOf(log.staple(note, ALICE, 0), 0))).level).toBe('logged');
    expect(await refused(bestStaple(log, note, 5), 5)).toBe('log_proof');
  });

  it('shows version 0 to some and version 5 to others, of a log with all between', async () => {
    const { log, note } = await logOf([0, 1, 2, 3, 4, 5]);
    expect((await verifyLogStaple(claimOf(log.staple(note, ALICE, 5), 5))).level).toBe('logged');
    for (const version of [0, 1, 2, 3, 4]) {
      expect(await refused(bestStaple(log, note, version), version)).toBe('log_proof');
    }
  });

  it('shows any two different versions as the newest of one epoch, whatever its map holds', () => {
    const versions = fc.uniqueArray(fc.nat(80), { minLength: 1, maxLength: 80 });
    fc.assert(
      fc.property(versions, (held) => {
        const map = new Set(held);
        expect(held.filter((version) => shows(map, version)).length).toBeLessThanOrEqual(1);
      }),
      { numRuns: 3_000 },
    );
    for (let bits = 0; bits < 2 ** 12; bits++) {
      const held = Array.from({ length: 12 }, (_, version) => version).filter(
        (version) => bits & (1 << version),
      );
      expect(held.filter((version) => shows(new Set(held), version)).length).toBeLessThanOrEqual(1);
    }
  });
});
