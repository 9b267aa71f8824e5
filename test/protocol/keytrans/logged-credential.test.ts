import { beforeAll, describe, expect, it } from 'vitest';
import {
  type Credential,
  type VerificationContext,
  type VerificationPolicy,
  type VerifiedCredential,
  verifyCredential,
  verifyRevocation,
} from '../../../protocol/credential.ts';
import { statementBytes } from '../../../protocol/key-statement.ts';
import type { LogTrust } from '../../../protocol/keytrans/log-trust.ts';
import { logOrigin, type NoteSigner } from '../../../protocol/tlog/checkpoint.ts';
import { codeOf } from '../codes.ts';
import { type Company, DAY, makeCompany, NOW } from '../company.ts';
import { type Cosignature, cosignerKey, noteSigner, rawSigner, SmallKeyLog } from './small-key-log.ts';

const ALICE = 'alice@acme.example';
const witness = noteSigner('w1.example/witness');
const auditor = noteSigner('audit.example/auditor');
const TRUST: LogTrust = {
  witnesses: [cosignerKey(witness)],
  witnessQuorum: 1,
  auditors: [cosignerKey(auditor)],
  auditorQuorum: 1,
};
const EPOCH = NOW - 50;

let acme: Company;
let signer: NoteSigner;
let log: SmallKeyLog;

beforeAll(async () => {
  acme = await makeCompany();
  signer = rawSigner(logOrigin(acme.iss), acme.keys.log);
  log = new SmallKeyLog(signer.name);
  log.add(ALICE, 0, statementBytes(acme.statement()));
  log.closeEpoch(EPOCH);
});

async function logProof(cosignatures: Cosignature[] = []): Promise<string> {
  return log.staple(await log.note(signer, cosignatures), ALICE, 0);
}

const credentialWith = async (log_proof: string) => acme.credential(undefined, { log_proof });

const withPolicy = (policy: Partial<VerificationPolicy>): VerificationContext =>
  acme.context({ policy: { level: 'signed', maxAge: DAY, log: TRUST, ...policy } });

async function verified(
  credential: Credential,
  policy: Partial<VerificationPolicy> = {},
): Promise<VerifiedCredential> {
  return await verifyCredential(credential, ALICE, withPolicy(policy));
}

const refused = (credential: Credential, policy: Partial<VerificationPolicy> = {}) =>
  codeOf(() => verified(credential, policy));

describe('a credential with a log proof', () => {
  it('reaches the level that the proof shows, as old as what carries it', async () => {
    const logged = await verified(await credentialWith(await logProof()));
    expect(logged).toMatchObject({ level: 'logged', age: 50, log: { epoch: 1, time: EPOCH } });
    const witnessed = await verified(
      await credentialWith(await logProof([{ signer: witness, time: NOW - 20 }])),
    );
    expect(witnessed).toMatchObject({ level: 'witnessed', age: 20 });
    const cosignatures = [witness, auditor].map((by, index) => ({ signer: by, time: NOW - 20 - index }));
    const audited = await verified(await credentialWith(await logProof(cosignatures)));
    expect(audited).toMatchObject({ level: 'audited', age: 21 });
  });

  it('reaches no more than logged where the pinned policy trusts nobody, whatever is stapled', async () => {
    const credential = await credentialWith(await logProof([{ signer: witness, time: NOW }]));
    const { level } = await verifyCredential(credential, ALICE, acme.context());
    expect(level).toBe('logged');
  });

  it('is refused when the pinned policy demands more than it reaches', async () => {
    const logged = await credentialWith(await logProof());
    expect((await verified(logged, { level: 'logged' })).level).toBe('logged');
    expect(await refused(logged, { level: 'witnessed' })).toBe('level_too_low');
    const stale = await credentialWith(await logProof([{ signer: witness, time: NOW - 601 }]));
    const log = { ...TRUST, maxCheckpointAge: 600 };
    expect(await refused(stale, { level: 'witnessed', log })).toBe('level_too_low');
    expect(await refused(await acme.credential(), { level: 'logged' })).toBe('level_too_low');
  });

  it('is refused when the proof is broken, though a signature alone would do', async () => {
    const text = await logProof();
    expect(await refused(await credentialWith(text.replace('index 2', 'index 1')))).toBe('log_proof');
    expect(await refused(await credentialWith(''))).toBe('log_proof');
  });

  it('is refused when the proof is for another statement of the same version', async () => {
    const signed = await acme.signedStatement(acme.statement({ assurance: 'guest' }));
    const credential = await acme.credential(signed, { log_proof: await logProof() });
    expect(await refused(credential)).toBe('log_proof');
  });

  it('is refused when a key signed the checkpoint that may sign bindings, not logs', async () => {
    const note = await log.note(rawSigner(signer.name, acme.keys.binding));
    expect(await refused(await credentialWith(log.staple(note, ALICE, 0)))).toBe('note_signature');
  });

  it('is refused when the root declares the log key compromised', async () => {
    const online_keys = await acme.onlineKeysToken({ compromised: [acme.keys.log.kid] });
    const credential = await acme.credential(undefined, { online_keys, log_proof: await logProof() });
    expect(await refused(credential)).toBe('note_signature');
  });

  it('is refused when the checkpoint is of another company’s log, which it keeps well', async () => {
    const globex = await makeCompany('globex', 'bob');
    const theirs = new SmallKeyLog(logOrigin(globex.iss));
    theirs.add(ALICE, 0, statementBytes(acme.statement()));
    theirs.closeEpoch(EPOCH);
    const note = await theirs.note(rawSigner(theirs.origin, globex.keys.log));
    expect(await refused(await credentialWith(theirs.staple(note, ALICE, 0)))).toBe('log_origin');
  });
});

describe('a revocation with a log proof', () => {
  async function withLog(): Promise<{ later: SmallKeyLog; note: string }> {
    const { statement } = await acme.revocation();
    const later = new SmallKeyLog(signer.name);
    later.add(ALICE, 0, statementBytes(acme.statement()));
    later.add(ALICE, 1, statementBytes(statement));
    later.closeEpoch(EPOCH);
    return { later, note: await later.note(signer, [{ signer: witness, time: NOW }]) };
  }

  it('answers the level that the proof shows', async () => {
    const { later, note } = await withLog();
    const revocation = { ...(await acme.revocation()), log_proof: later.staple(note, ALICE, 1) };
    const answer = await verifyRevocation(revocation, ALICE, withPolicy({}));
    expect(answer).toMatchObject({ level: 'witnessed', statement: { version: 1 }, log: { epoch: 1 } });
    expect((await verifyRevocation(revocation, ALICE, { issuer: acme.trusted(), now: NOW })).level).toBe(
      'logged',
    );
  });

  it('is signed without one, and taken whatever the policy demands of credentials', async () => {
    const answer = await verifyRevocation(await acme.revocation(), ALICE, withPolicy({ level: 'audited' }));
    expect(answer).toMatchObject({ level: 'signed', log: null });
  });

  it('is refused when the proof is broken', async () => {
    const { later, note } = await withLog();
    const revocation = { ...(await acme.revocation()), log_proof: later.staple(note, ALICE, 0) };
    expect(await codeOf(() => verifyRevocation(revocation, ALICE, withPolicy({})))).toBe('log_proof');
  });
});
