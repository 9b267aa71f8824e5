import { beforeAll, describe, expect, it } from 'vitest';
import { utf8 } from '../../../protocol/bytes.ts';
import { sha256Base64url } from '../../../protocol/hash.ts';
import { type VersionClaim, verifyLoggedVersion } from '../../../protocol/keytrans/version-proof.ts';
import {
  encodeVersionProof,
  parseVersionProof,
  type VersionProof,
} from '../../../protocol/keytrans/version-proof-format.ts';
import { vrfKeyPair } from '../../../protocol/keytrans/vrf-prove.ts';
import { codeOf } from '../codes.ts';
import { ALICE, logKey, logWith, NO_TRUST, NOW, ORIGIN, onlineKey, statementOf } from './acme-log.ts';
import { cosignerKey, noteSigner, SmallKeyLog } from './small-key-log.ts';

let log: SmallKeyLog;
let note: string;
/** Honest, for version 1 of Alice, whose newest is 2. */
let parts: VersionProof;
let proof: string;

beforeAll(async () => {
  log = logWith(2);
  note = await log.note(logKey);
  parts = log.entryParts(note, ALICE, 1);
  proof = encodeVersionProof(parts);
});

function claimOf(changes: Partial<VersionClaim> = {}): VersionClaim {
  return {
    ...{ proof, kind: 'address', name: ALICE, version: 1, value: statementOf(1), origin: ORIGIN },
    ...{ logKeys: [onlineKey(logKey)], trust: NO_TRUST, now: NOW },
    ...changes,
  };
}

const refused = (changes: Partial<VersionClaim>) => codeOf(() => verifyLoggedVersion(claimOf(changes)));
const altered = (changes: Partial<VersionProof>) =>
  refused({ proof: encodeVersionProof({ ...parts, ...changes }) });

describe('a version proof', () => {
  it.each([0, 1, 2])(
    'shows where version %i stands in the log, whether others followed or not',
    async (version) => {
      const claim = claimOf({
        proof: log.entryProof(note, ALICE, version),
        version,
        value: statementOf(version),
      });
      const verified = await verifyLoggedVersion(claim);
      expect(verified).toMatchObject({ level: 'logged', epoch: 3, time: NOW - 60, index: 2 + 2 * version });
    },
  );

  it('reaches the level that its checkpoint was cosigned to', async () => {
    const witness = noteSigner('witness.example/w1');
    const cosigned = await log.note(logKey, [{ signer: witness, time: NOW - 30 }]);
    const trust = { ...NO_TRUST, witnesses: [cosignerKey(witness)], witnessQuorum: 1 };
    const claim = claimOf({ proof: log.entryProof(cosigned, ALICE, 1), trust });
    expect(await verifyLoggedVersion(claim)).toMatchObject({ level: 'witnessed', asOf: NOW - 30 });
  });

  it('comes out of its text as it went in', () => {
    expect(parseVersionProof(proof)).toEqual(parts);
  });

  it('is these bytes, of format 2', () => {
    expect(sha256Base64url(utf8(proof.slice(0, proof.indexOf('\n\n'))))).toBe(
      'uDuuvLcSbVMKlkh2EG39HBC_YBC_kNu-pbi2vKMPTO4',
    );
  });

  it('is refused for another value, version, name or kind', async () => {
    expect(await refused({ value: statementOf(2) })).toBe('log_proof');
    expect(await refused({ version: 2, value: statementOf(2) })).toBe('vrf_invalid');
    expect(await refused({ name: 'bob@acme.example' })).toBe('vrf_invalid');
    expect(await refused({ kind: 'trust-change' })).toBe('vrf_invalid');
  });

  it('is refused with another opening', async () => {
    expect(await altered({ opening: new Uint8Array(16).fill(9) })).toBe('log_proof');
  });

  it('is refused at the place of another entry, and at that of the epoch', async () => {
    const other = log.entryParts(note, ALICE, 2);
    expect(await altered({ index: other.index, inclusion: other.inclusion })).toBe('log_proof');
    const epoch = log.entries.length - 1;
    expect(await altered({ index: epoch, inclusion: log.inclusion(epoch) })).toBe('log_proof');
  });

  it('is refused under a VRF key that is not the one of entry 0', async () => {
    const { publicKey } = vrfKeyPair(new Uint8Array(32).fill(8));
    expect(await altered({ vrfPublicKey: publicKey })).toBe('log_proof');
  });

  it('is refused for a version that is not in the log', async () => {
    const value = statementOf(7);
    const never = new SmallKeyLog(ORIGIN);
    never.add(ALICE, 7, value);
    const { opening, vrfProof } = never.entryParts(note, ALICE, 7);
    const forged = encodeVersionProof({ ...parts, opening, vrfProof });
    expect(await refused({ proof: forged, version: 7, value })).toBe('log_proof');
  });

  it('is refused under another log key, and by a log of another name', async () => {
    expect(await refused({ logKeys: [onlineKey(noteSigner(ORIGIN, 'another'))] })).toBe('note_signature');
    expect(await refused({ origin: 'bridge.globex.example/log' })).toBe('log_origin');
  });

  it('is refused with bytes behind it, cut short, and where it is a proof of the newest', async () => {
    const lines = proof.split('\n');
    const extra = Buffer.from(lines[1]?.slice('extra '.length) ?? '', 'base64');
    const withExtra = (bytes: Uint8Array) =>
      [lines[0], `extra ${Buffer.from(bytes).toString('base64')}`, ...lines.slice(2)].join('\n');
    expect(await refused({ proof: withExtra(Buffer.concat([extra, Buffer.of(0)])) })).toBe('log_proof');
    expect(await refused({ proof: withExtra(extra.subarray(0, -1)) })).toBe('log_proof');
    expect(await refused({ proof: log.staple(note, ALICE, 2) })).toBe('log_proof');
  });
});
