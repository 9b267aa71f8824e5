import { beforeAll, describe, expect, it } from 'vitest';
import type { Json } from '../../../protocol/canonical-json.ts';
import { type RecoveryRequest, recoveryTranscript } from '../../../protocol/escrow/api.ts';
import {
  type EscrowRecord,
  escrowBox,
  escrowContext,
  recoveryKeyContext,
  signEscrow,
  verifyEscrow,
} from '../../../protocol/escrow/escrow-record.ts';
import { sha256Base64url } from '../../../protocol/hash.ts';
import { signJws } from '../../../protocol/jws.ts';
import type { KeyStatement } from '../../../protocol/key-statement.ts';
import { codeOf } from '../codes.ts';
import { type Company, makeCompany, testDigest, testEncryptionKey, testKey } from '../company.ts';
import { escrowOf } from '../signed-objects/personal-objects.ts';

let acme: Company;
let statement: KeyStatement;
let record: EscrowRecord;
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

beforeAll(async () => {
  acme = await makeCompany();
  statement = acme.statement({ escrow: 'passphrase' });
  record = escrowOf(acme);
});

const refusal = async (changes: object, person: Partial<KeyStatement> = {}, by = acme.person.sig) =>
  codeOf(async () =>
    verifyEscrow(await signEscrow(by, { ...record, ...changes } as EscrowRecord), {
      ...statement,
      ...person,
    }),
  );

describe('the record of an escrow', () => {
  it('has the bytes of version 1, and verifies under the person’s key', async () => {
    const token = await signEscrow(acme.person.sig, record);
    expect(sha256Base64url(token)).toBe('ksuVmOCaTGs42j-3ZZGRaK7-nTS3noYB0NspCJK1gTw');
    expect(await verifyEscrow(token, statement)).toEqual(record);
  });

  it.each([
    ['of another person', { sub: 'sub-mallory' }],
    ['of another bridge', { iss: 'https://bridge.globex.example' }],
    ['of an earlier key version', { key_version: 1 }],
  ])('is refused %s', async (_, changes) => {
    expect(await refusal(changes)).toBe('escrow_mismatch');
  });

  it('is refused when the bridge, or the person’s earlier key, vouches for its recovery key', async () => {
    expect(await refusal({}, {}, acme.keys.statement)).toBe('escrow_mismatch');
    expect(await refusal({}, {}, await testKey('earlier'))).toBe('escrow_mismatch');
  });

  it('is refused when the statement, which everybody sees, declares another escrow or none', async () => {
    expect(await refusal({}, { escrow: 'none' })).toBe('escrow_mismatch');
    expect(await refusal({}, { escrow: 'organization' })).toBe('escrow_mismatch');
  });

  it('is refused with a weaker derivation than that of version 1', async () => {
    const { derivation } = record.wrapped;
    for (const weaker of [{ passes: 1 }, { memory: 8 }, { lanes: 1 }, { name: 'pbkdf2' }, { salt: 'AA' }]) {
      const wrapped = { ...record.wrapped, derivation: { ...derivation, ...weaker } };
      expect(await refusal({ wrapped })).toBe('claims_invalid');
    }
  });

  it('is refused as another object of the person', async () => {
    const token = await signJws(acme.person.sig, 'device-endorsement+jwt', record as Json);
    expect(await codeOf(() => verifyEscrow(token, statement))).toBe('jws_type');
  });

  it('names one box', async () => {
    expect(text(escrowBox({ box: sha256Base64url('box') }, 'Ym94'))).toBe('box');
    expect(await codeOf(() => escrowBox({ box: sha256Base64url('box') }, 'Ym95'))).toBe('escrow_mismatch');
  });
});

describe('the contexts of an escrow', () => {
  it('have the bytes of version 1', () => {
    const kid = 'bj2qOlupLQ99rZyzEeR0sPQLe1MxQUDDgAUDfWPSPQc';
    expect(text(escrowContext(record))).toBe(
      `countersign/escrow/v1\n{"iss":"https://bridge.acme.example","key_version":0,"recovery_key":"${kid}","sub":"sub-alice"}`,
    );
    expect(text(recoveryKeyContext(record, record.wrapped.derivation))).toBe(
      'countersign/recovery-key/v1\n{"derivation":{"lanes":4,"memory":65536,"name":"argon2id","passes":3,' +
        `"salt":"c2FsdCBvZiBhbGljZSAxNg"},"iss":"https://bridge.acme.example","recovery_key":"${kid}","sub":"sub-alice"}`,
    );
  });

  it('are others for another person, key version or recovery key', () => {
    const changes = [
      {},
      { iss: 'https://bridge.globex.example' },
      { sub: 'sub-bob' },
      { key_version: 1 },
      { recovery_key: testEncryptionKey('other') },
    ];
    expect(new Set(changes.map((change) => text(escrowContext({ ...record, ...change })))).size).toBe(5);
  });
});

describe('the transcript of a recovery', () => {
  const context = () => ({
    iss: acme.iss,
    sub: 'sub-alice',
    accessTokenHash: testDigest('token'),
    statementHash: testDigest('statement'),
  });
  const request = (): Omit<RecoveryRequest, 'sig_proof' | 'label'> => ({
    request_id: 'request-1',
    device_key: acme.device.pre,
    device_sig: acme.device.sig.publicKey,
    endorsement: 'endorsement',
    transform_key: 'dHJhbnNmb3Jt',
  });

  it('has the bytes of version 1', () => {
    expect(sha256Base64url(recoveryTranscript(context(), request()))).toBe(
      'tLDQny_l977sVKGnK1h3T5oeZpGOMpVfxf1FRTf8nao',
    );
  });

  it('is another for every member that is another', () => {
    const other = testDigest('other');
    const contexts = [
      { iss: 'https://b.example' },
      { sub: 'sub-bob' },
      { accessTokenHash: other },
      { statementHash: other },
    ];
    const requests = [
      { request_id: 'request-2' },
      { device_key: testEncryptionKey('other') },
      { device_sig: acme.person.sig.publicKey },
      { endorsement: 'other' },
      { transform_key: 'b3RoZXIh' },
    ];
    const transcripts = [
      recoveryTranscript(context(), request()),
      ...contexts.map((change) => recoveryTranscript({ ...context(), ...change }, request())),
      ...requests.map((change) => recoveryTranscript(context(), { ...request(), ...change })),
    ];
    expect(new Set(transcripts.map(sha256Base64url)).size).toBe(10);
  });
});
