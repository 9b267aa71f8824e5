import { beforeAll, describe, expect, it } from 'vitest';
import { type VerifiedLog, verifyLogStaple } from '../../../protocol/keytrans/log-proof.ts';
import { encodeLogStaple, type LogStaple } from '../../../protocol/keytrans/log-staple.ts';
import type { LogTrust } from '../../../protocol/keytrans/log-trust.ts';
import type { NoteSigner } from '../../../protocol/tlog/checkpoint.ts';
import { ALICE, claimOf, HOUR, logKey, logWith, NO_TRUST, NOW, ORIGIN, refused } from './acme-log.ts';
import { type Cosignature, cosignerKey, noteSigner, type SmallKeyLog } from './small-key-log.ts';

const witnesses = ['w1.example/witness', 'w2.example/witness', 'w3.example/witness'].map((name) =>
  noteSigner(name),
);
const auditor = noteSigner('audit.example/auditor');

const TRUST: LogTrust = {
  witnesses: witnesses.map(cosignerKey),
  witnessQuorum: 2,
  auditors: [cosignerKey(auditor)],
  auditorQuorum: 1,
  maxCheckpointAge: 6 * HOUR,
};

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

const at = (signer: NoteSigner | undefined, ago = 0): Cosignature => {
  if (signer === undefined) throw new Error('there is no such cosigner');
  return { signer, time: NOW - ago };
};

async function judged(
  cosignatures: Cosignature[],
  trust: LogTrust | undefined = TRUST,
): Promise<VerifiedLog> {
  const text = log.staple(await log.note(logKey, cosignatures), ALICE, 2);
  return await verifyLogStaple(claimOf(text, 2, { trust }));
}

describe('the level', () => {
  const [first, second, third] = witnesses;

  it('is logged without cosignatures, or for a verifier who trusts nobody', async () => {
    expect((await judged([])).level).toBe('logged');
    expect((await judged([at(first), at(second), at(auditor)], NO_TRUST)).level).toBe('logged');
    const untold = await verifyLogStaple(claimOf(staple, 2, { trust: undefined }));
    expect(untold).toMatchObject({ level: 'logged', cosignatures: [] });
  });

  it('is witnessed with a quorum, as of the last that the quorum needs', async () => {
    const verified = await judged([at(first, 10), at(second, 300), at(third, 20)]);
    expect(verified).toMatchObject({ level: 'witnessed', asOf: NOW - 20 });
    expect(verified.cosignatures).toEqual([
      { name: 'w1.example/witness', time: NOW - 10 },
      { name: 'w3.example/witness', time: NOW - 20 },
      { name: 'w2.example/witness', time: NOW - 300 },
    ]);
  });

  it('is audited with the auditors’ quorum too, as of the older of both', async () => {
    const verified = await judged([at(first, 10), at(second, 20), at(auditor, 900)]);
    expect(verified).toMatchObject({ level: 'audited', asOf: NOW - 900 });
  });

  it('is no more than logged with the auditor alone', async () => {
    expect((await judged([at(first), at(auditor)])).level).toBe('logged');
  });

  it('does not count a cosignature from the future', async () => {
    expect((await judged([at(first), at(second, -60)])).level).toBe('witnessed');
    expect((await judged([at(first), at(second, -61)])).level).toBe('logged');
  });

  it('does not count a cosignature that is too old', async () => {
    expect((await judged([at(first), at(second, 6 * HOUR)])).level).toBe('witnessed');
    expect((await judged([at(first), at(second, 6 * HOUR + 1)])).level).toBe('logged');
    const { maxCheckpointAge, ...unbounded } = TRUST;
    expect((await judged([at(first), at(second, 24 * HOUR + 1)], unbounded)).level).toBe('logged');
    expect(maxCheckpointAge).toBe(6 * HOUR);
  });

  it('counts no cosignature where the pinned policy’s age is no number', async () => {
    const trust = { ...TRUST, maxCheckpointAge: Number.NaN };
    expect((await judged([at(first), at(second)], trust)).level).toBe('logged');
  });

  it('does not count one witness twice, who cosigned twice', async () => {
    expect((await judged([at(first), at(first, 1)])).level).toBe('logged');
  });

  it('does not count one key twice, which is trusted twice, or under two names', async () => {
    const alias = noteSigner('alias.example/witness', 'w1.example/witness');
    const trust = { ...TRUST, witnesses: [...TRUST.witnesses, cosignerKey(alias), ...TRUST.witnesses] };
    expect((await judged([at(first), at(alias)], trust)).level).toBe('logged');
  });

  it('does not count a witness as its own auditor', async () => {
    const auditors = witnesses.map(cosignerKey);
    const trust = { ...TRUST, auditors };
    expect((await judged([at(first), at(second), at(third)], trust)).level).toBe('witnessed');
    const alias = noteSigner('alias.example/auditor', 'w1.example/witness');
    const renamed = { ...TRUST, auditors: [cosignerKey(alias)] };
    expect((await judged([at(first), at(second), at(alias)], renamed)).level).toBe('witnessed');
  });

  it('does not count the log as its own witness', async () => {
    const itself = noteSigner('w4.example/witness', ORIGIN);
    const trust = { ...TRUST, witnesses: [...TRUST.witnesses, cosignerKey(itself)] };
    expect((await judged([at(first), at(itself)], trust)).level).toBe('logged');
  });

  it('does not count a witness on the log’s own host, which the policy names for the logs of others', async () => {
    const own = noteSigner(`${ORIGIN.split('/')[0]}/witness`);
    const trust = { ...TRUST, witnesses: [...TRUST.witnesses, cosignerKey(own)] };
    expect((await judged([at(first), at(own)], trust)).level).toBe('logged');
    const quorum = { ...trust, auditors: [cosignerKey(own)] };
    expect((await judged([at(first), at(second), at(own)], quorum)).level).toBe('witnessed');
  });

  it('does not count whom the verifier does not know', async () => {
    expect((await judged([at(first), at(noteSigner('w9.example/witness'))])).level).toBe('logged');
    expect((await judged([at(first), at(noteSigner('w2.example/witness', 'impostor'))])).level).toBe(
      'logged',
    );
  });

  it.each([0, -1, 0.5, 4, Number.NaN])('is out of reach with the quorum %d', async (witnessQuorum) => {
    const trust = { ...TRUST, witnessQuorum };
    expect((await judged([at(first), at(second), at(third), at(auditor)], trust)).level).toBe('logged');
  });

  it('is not reached, the whole is refused, when the cosignature of a known witness is wrong', async () => {
    const other = await logWith(1).note(logKey, [at(first), at(second)]);
    const cosignature = other.split('\n').find((line) => line.startsWith('— w1.example/witness'));
    const text = log.staple(`${await log.note(logKey, [at(second), at(third)])}${cosignature}\n`, ALICE, 2);
    expect(await refused(text, 2, { trust: TRUST })).toBe('note_signature');
    expect((await verifyLogStaple(claimOf(text, 2))).level).toBe('logged');
  });

  it('is refused when the policy names a key that is no cosigner’s', async () => {
    const [vkey = ''] = TRUST.witnesses;
    expect(await refused(staple, 2, { trust: { ...TRUST, witnesses: [`${vkey}x`] } })).toBe('key_invalid');
    const noteKey = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
    expect(await refused(staple, 2, { trust: { ...TRUST, witnesses: [noteKey] } })).toBe(
      'log_policy_invalid',
    );
  });
});
