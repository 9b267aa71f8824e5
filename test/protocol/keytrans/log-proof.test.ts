import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { equalBytes } from '../../../protocol/bytes.ts';
import { label, vrfInput } from '../../../protocol/keytrans/label.ts';
import { verifyLogStaple } from '../../../protocol/keytrans/log-proof.ts';
import { encodeLogStaple, type LogStaple } from '../../../protocol/keytrans/log-staple.ts';
import { EMPTY_NODE } from '../../../protocol/keytrans/prefix-tree.ts';
import { vrfKeyPair, vrfProve } from '../../../protocol/keytrans/vrf-prove.ts';
import {
  ALICE,
  claimOf,
  logKey,
  logWith,
  NO_TRUST,
  NOW,
  ORIGIN,
  onlineKey,
  refused,
  statementOf,
} from './acme-log.ts';
import { cosignerKey, noteSigner, SmallKeyLog } from './small-key-log.ts';

let log: SmallKeyLog;
let note: string;
/** Honest, for version 2 of Alice: the ladder is 0, 1, 3, 2. */
let parts: LogStaple;
let staple: string;

beforeAll(async () => {
  log = logWith(2);
  note = await log.note(logKey);
  parts = log.parts(note, ALICE, 2);
  staple = encodeLogStaple(parts);
});

/** The honest staple of a log whose newest version is `version`. */
async function honestStaple(greatest: number): Promise<string> {
  const of = logWith(greatest);
  return of.staple(await of.note(logKey), ALICE, greatest);
}

const altered = (changes: Partial<LogStaple>) => encodeLogStaple({ ...parts, ...changes });

describe('a log proof', () => {
  it.each([0, 1, 2, 3, 5, 10])('shows version %i as the newest', async (greatest) => {
    const verified = await verifyLogStaple(claimOf(await honestStaple(greatest), greatest));
    expect(verified).toMatchObject({ level: 'logged', epoch: greatest + 1, time: NOW - 60, asOf: NOW - 60 });
    expect(verified.checkpoint).toMatchObject({ origin: ORIGIN, size: 2 * greatest + 4 });
  });

  it('is of one kind of name: a policy’s is no address’s', async () => {
    const of = new SmallKeyLog(ORIGIN);
    of.add('policy', 0, statementOf(0), 'policy');
    of.closeEpoch(NOW);
    const text = of.staple(await of.note(logKey), 'policy', 0, 'policy');
    const claim = claimOf(text, 0, { name: 'policy', kind: 'policy' });
    expect((await verifyLogStaple(claim)).level).toBe('logged');
    expect(await refused(text, 0, { name: 'policy', kind: 'address' })).toBe('vrf_invalid');
  });

  it('is refused for another address', async () => {
    expect(await refused(staple, 2, { name: 'bob@acme.example' })).toBe('vrf_invalid');
  });

  it('is refused for another value', async () => {
    expect(await refused(staple, 2, { value: statementOf(1) })).toBe('log_proof');
  });

  it('is refused with the opening of another version', async () => {
    expect(await refused(altered({ opening: new Uint8Array(16).fill(2) }))).toBe('log_proof');
  });

  it('is refused for a version that exists, but is not the newest', async () => {
    const older = log.staple(note, ALICE, 1);
    expect(await refused(older, 1)).toBe('log_proof');
  });

  it('is refused for a version that was never logged', async () => {
    const missing = log.staple(note, ALICE, 3);
    expect(await refused(missing, 3)).toBe('log_proof');
  });

  it('is refused when versions 0 and 5 are there and none between, whoever is shown 5', async () => {
    const gap = new SmallKeyLog(ORIGIN);
    gap.add(ALICE, 0, statementOf(0));
    gap.add(ALICE, 5, statementOf(5));
    gap.closeEpoch(NOW);
    const checkpoint = await gap.note(logKey);
    const shown = gap.parts(checkpoint, ALICE, 5);
    expect(await refused(encodeLogStaple(shown), 5)).toBe('log_proof');
    const rungs = shown.rungs.map((rung, index) => {
      return [1, 2].includes(index) ? { ...rung, commitment: new Uint8Array(32) } : rung;
    });
    expect(await refused(encodeLogStaple({ ...shown, rungs }), 5)).toBe('log_proof');
  });
});

describe('a ladder', () => {
  it('is refused with a rung missing', async () => {
    expect(await refused(altered({ rungs: parts.rungs.slice(0, -1) }))).toBe('log_proof');
    expect(await refused(altered({ rungs: parts.rungs.slice(1) }))).toBe('log_proof');
    expect(await refused(altered({ rungs: [] }))).toBe('log_proof');
  });

  it('is refused with one rung more', async () => {
    expect(await refused(altered({ rungs: [...parts.rungs, ...parts.rungs.slice(-1)] }))).toBe('log_proof');
  });

  it('is refused with rungs in another order', async () => {
    const [zero, one, ...rest] = parts.rungs;
    if (zero === undefined || one === undefined) throw new Error('the ladder has four rungs');
    expect(await refused(altered({ rungs: [one, zero, ...rest] }))).toBe('vrf_invalid');
  });

  it('is refused when it claims the inclusion of a version above the newest', async () => {
    const rungs = parts.rungs.map((rung, index) =>
      index === 2 ? { ...rung, commitment: EMPTY_NODE } : rung,
    );
    expect(await refused(altered({ rungs }))).toBe('log_proof');
  });

  it('is refused when it claims the absence of a version below the newest', async () => {
    const rungs = parts.rungs.map((rung, index) => (index === 1 ? { proof: rung.proof } : rung));
    expect(await refused(altered({ rungs }))).toBe('log_proof');
  });

  it('is refused when it carries a commitment for the version that is shown', async () => {
    const own = log.parts(note, ALICE, 3).rungs[5]?.commitment ?? EMPTY_NODE;
    const rungs = parts.rungs.map((rung, index) => (index === 3 ? { ...rung, commitment: own } : rung));
    expect(await refused(altered({ rungs }))).toBe('log_proof');
  });

  it('is refused with another commitment for a lower version', async () => {
    const rungs = parts.rungs.map((rung, index) =>
      index === 0 ? { ...rung, commitment: EMPTY_NODE } : rung,
    );
    expect(await refused(altered({ rungs }))).toBe('log_proof');
  });

  it('is refused with the proofs of a second VRF key, which entry 0 does not name', async () => {
    const second = vrfKeyPair(new Uint8Array(32).fill(8));
    const input = (version: number) => vrfInput(label('address', ALICE), version);
    const rungs = parts.rungs.map((rung, index) => {
      return { ...rung, proof: vrfProve(second, input([0, 1, 3, 2][index] ?? 0)).proof };
    });
    expect(await refused(altered({ rungs }))).toBe('vrf_invalid');
    expect(await refused(altered({ rungs, vrfPublicKey: second.publicKey }))).toBe('log_proof');
  });
});

describe('the search in the map', () => {
  it('is refused with an element missing or left over', async () => {
    const { prefixProof } = parts;
    const less = { ...prefixProof, elements: prefixProof.elements.slice(1) };
    const more = { ...prefixProof, elements: [...prefixProof.elements, EMPTY_NODE] };
    expect(await refused(altered({ prefixProof: less }))).toBe('log_proof');
    expect(await refused(altered({ prefixProof: more }))).toBe('log_proof');
  });

  it('is refused with a result more or less than rungs', async () => {
    const { prefixProof } = parts;
    const less = { ...prefixProof, results: prefixProof.results.slice(0, -1) };
    const more = { ...prefixProof, results: [...prefixProof.results, ...prefixProof.results.slice(-1)] };
    expect(await refused(altered({ prefixProof: less }))).toBe('log_proof');
    expect(await refused(altered({ prefixProof: more }))).toBe('log_proof');
  });

  it('is refused when the epoch closed with the root of another map', async () => {
    const other = logWith(2);
    other.closeEpoch(NOW, logWith(1).map.root());
    expect(await refused(other.staple(await other.note(logKey), ALICE, 2))).toBe('log_proof');
  });
});

describe('the epoch', () => {
  it('is refused when it is not the last entry of the tree', async () => {
    const earlier = logWith(2);
    const size = earlier.entries.length;
    earlier.add('carol@acme.example', 0, statementOf(0));
    earlier.closeEpoch(NOW);
    const shown = {
      ...parts,
      checkpoint: await earlier.note(logKey),
      epochInclusion: earlier.inclusion(size - 1),
      startInclusion: earlier.inclusion(0),
    };
    expect(await refused(encodeLogStaple(shown))).toBe('log_proof');
  });

  it('is refused when the last entry of the tree closes none', async () => {
    const unclosed = new SmallKeyLog(ORIGIN);
    unclosed.add(ALICE, 2, statementOf(2));
    unclosed.entries.push(new Uint8Array(57).fill(1));
    const padded = { ...unclosed.parts(await unclosed.note(logKey), ALICE, 2), opening: parts.opening };
    expect(await refused(encodeLogStaple(padded))).toBe('log_proof');
  });

  it('is refused when it is another than the one in the tree', async () => {
    const epochEntry = parts.epochEntry.slice();
    epochEntry[16] = (epochEntry[16] ?? 0) ^ 1;
    expect(await refused(altered({ epochEntry }))).toBe('log_proof');
  });

  it('is refused when it closed in the future', async () => {
    const text = staple;
    await verifyLogStaple(claimOf(text, 2, { now: NOW - 120 }));
    expect(await refused(text, 2, { now: NOW - 121 })).toBe('log_proof');
  });
});

describe('the checkpoint', () => {
  it('is refused when it is another log’s, though by the same key', async () => {
    const events = new SmallKeyLog('bridge.acme.example/events');
    events.add(ALICE, 0, statementOf(0));
    events.closeEpoch(NOW);
    const text = events.staple(await events.note(noteSigner(events.origin, ORIGIN)), ALICE, 0);
    expect(await refused(text, 0)).toBe('log_origin');
  });

  it('is refused when another key signed it under the log’s name', async () => {
    const text = log.staple(await log.note(noteSigner(ORIGIN, 'impostor')), ALICE, 2);
    expect(await refused(text)).toBe('note_signature');
  });

  it('is refused when the issuer has no log key', async () => {
    expect(await refused(staple, 2, { logKeys: [] })).toBe('note_signature');
  });

  it('is refused when its key was not yet, or no longer, in use as the epoch closed', async () => {
    const early = onlineKey(logKey, { exp: NOW - 60 - 61 });
    expect(await refused(staple, 2, { logKeys: [early] })).toBe('note_signature');
    const late = onlineKey(logKey, { nbf: NOW - 60 + 61 });
    expect(await refused(staple, 2, { logKeys: [late] })).toBe('note_signature');
    const other = onlineKey(noteSigner(ORIGIN, 'next'));
    expect(await refused(staple, 2, { logKeys: [early, other] })).toBe('note_signature');
  });

  it('is taken by the one of two log keys that was in use', async () => {
    const logKeys = [onlineKey(noteSigner(ORIGIN, 'next'), { nbf: NOW }), onlineKey(logKey)];
    expect((await verifyLogStaple(claimOf(staple, 2, { logKeys }))).level).toBe('logged');
  });

  it('is refused with a wrong signature of the log beside a cosigner’s right one', async () => {
    const witness = noteSigner('w1.example/witness');
    const trust = { ...NO_TRUST, witnesses: [cosignerKey(witness)], witnessQuorum: 1 };
    const cosigned = await log.note(noteSigner(ORIGIN, 'impostor'), [{ signer: witness, time: NOW }]);
    expect(await refused(log.staple(cosigned, ALICE, 2), 2, { trust })).toBe('note_signature');
  });
});

describe('any history of a log', () => {
  it('has every newest version proven, and none before it', async () => {
    const people = ['a@acme.example', 'b@acme.example', 'c@acme.example'];
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...people), { minLength: 1, maxLength: 10 }),
        async (history) => {
          const random = new SmallKeyLog(ORIGIN);
          const newest = new Map<string, number>();
          for (const person of history) {
            const version = (newest.get(person) ?? -1) + 1;
            random.add(person, version, statementOf(version));
            random.closeEpoch(NOW);
            newest.set(person, version);
          }
          const checkpoint = await random.note(logKey);
          for (const [name, version] of newest) {
            const text = random.staple(checkpoint, name, version);
            expect((await verifyLogStaple(claimOf(text, version, { name }))).epoch).toBe(history.length);
            if (version === 0) continue;
            const older = random.staple(checkpoint, name, version - 1);
            expect(await refused(older, version - 1, { name })).toBe('log_proof');
          }
        },
      ),
      { numRuns: 15 },
    );
  });

  it('does not share outputs between names, kinds or versions', () => {
    const outputs = [...log.map.leaves].map(({ output }) => output);
    const again = outputs.some((one, index) =>
      outputs.slice(index + 1).some((other) => equalBytes(one, other)),
    );
    expect(again).toBe(false);
  });
});
