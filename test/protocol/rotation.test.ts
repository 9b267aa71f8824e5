import { beforeAll, describe, expect, it } from 'vitest';
import { encodeBase64url } from '../../protocol/base64url.ts';
import { utf8 } from '../../protocol/bytes.ts';
import { verifyCredential } from '../../protocol/credential.ts';
import type { SigningKey } from '../../protocol/ed25519.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import { type KeyStatement, type SignedStatement, statementHash } from '../../protocol/key-statement.ts';
import {
  deviceRotationTranscript,
  type RotationRequest,
  rotationRequestSchema,
  rotationTranscript,
} from '../../protocol/rotation.ts';
import { CREDENTIAL_ROTATIONS } from '../../protocol/rotation-chain.ts';
import { codeOf } from './codes.ts';
import { type Company, makeCompany, NOW, testEncryptionKey, testKey } from './company.ts';

const ALICE = 'alice@acme.example';

let acme: Company;
/** `sig` at each key version. */
let keys: SigningKey[];

beforeAll(async () => {
  acme = await makeCompany();
  keys = [acme.person.sig];
  for (let version = 1; version <= 4; version += 1) keys.push(await testKey(`alice, rotated ${version}`));
});

const key = (version: number): SigningKey => {
  const found = keys[version];
  if (found === undefined) throw new Error(`there is no key ${version}`);
  return found;
};

/** The statements of rotations up to a version, each signed by the key before, unless it is said otherwise. */
async function history(
  upTo: number,
  changes: (version: number) => { statement?: Partial<KeyStatement>; signers?: SigningKey[] } = () => ({}),
): Promise<SignedStatement[]> {
  const signed = [await acme.signedStatement()];
  for (let version = 1; version <= upTo; version += 1) {
    const before = signed.at(-1);
    if (before === undefined) throw new Error('there is nothing to continue');
    const { statement, signers } = changes(version);
    const next = acme.nextStatement(before.statement, {
      key_version: version,
      keys: [acme.person.pre, key(version).publicKey],
      ...statement,
    });
    signed.push(await acme.signedStatement(next, signers ?? [key(version), key(version - 1)]));
  }
  return signed;
}

async function verified(signed: readonly SignedStatement[], pin: { version: number; kept?: number[] }) {
  const credential = await acme.credential(signed.at(-1));
  const between = signed.slice(1, -1).filter((_, index) => pin.kept?.includes(index + 1) ?? true);
  const context = acme.context({ previous: key(pin.version).publicKey, leastVersion: pin.version });
  const rotations = between.length === 0 ? {} : { rotations: between };
  return verifyCredential({ ...credential, ...rotations }, ALICE, context);
}

describe('a credential after rotations', () => {
  it('is followed from any pin, over all rotations in between', async () => {
    const signed = await history(4);
    for (const version of [0, 1, 2, 3, 4]) {
      expect((await verified(signed, { version })).statement.version).toBe(4);
    }
  });

  it('is refused where a rotation in between is left out', async () => {
    const signed = await history(4);
    expect(await codeOf(() => verified(signed, { version: 0, kept: [2, 3] }))).toBe('statement_signature');
    expect(await codeOf(() => verified(signed, { version: 0, kept: [1, 3] }))).toBe('statement_forked');
    expect(await codeOf(() => verified(signed, { version: 0, kept: [1, 2] }))).toBe('statement_signature');
    expect(await codeOf(() => verified(signed, { version: 0, kept: [] }))).toBe('statement_signature');
  });

  it('is refused where the key before did not sign: the bridge could have put its own in between', async () => {
    const swapped = await testKey('swapped by the bridge');
    const signed = await history(3, (version) => (version === 2 ? { signers: [key(2), swapped] } : {}));
    expect(await codeOf(() => verified(signed, { version: 0 }))).toBe('statement_signature');
  });

  it('is refused where something that the bridge began anew stands among the rotations', async () => {
    const signed = await history(3, (version) =>
      version === 2 ? { statement: { reason: 're-enrolled' }, signers: [key(2), acme.keys.statement] } : {},
    );
    expect(await codeOf(() => verified(signed, { version: 0 }))).toBe('statement_signature');
  });

  it('is refused where a rotation is another person’s, or continues another statement', async () => {
    const another = await history(3, (version) => (version === 2 ? { statement: { sub: 'bob' } } : {}));
    expect(await codeOf(() => verified(another, { version: 0 }))).toBe('statement_forked');
    const prev = sha256Base64url('another');
    const forked = await history(3, (version) => (version === 2 ? { statement: { prev } } : {}));
    expect(await codeOf(() => verified(forked, { version: 0 }))).toBe('statement_forked');
  });

  it('carries no more of them than a verifier takes', async () => {
    const [, one] = await history(1);
    if (one === undefined) throw new Error('there is no rotation');
    const { credentialSchema } = await import('../../protocol/credential.ts');
    const credential = await acme.credential();
    const many = (count: number) => ({ ...credential, rotations: Array.from({ length: count }, () => one) });
    expect(credentialSchema.safeParse(many(CREDENTIAL_ROTATIONS)).success).toBe(true);
    expect(credentialSchema.safeParse(many(CREDENTIAL_ROTATIONS + 1)).success).toBe(false);
    expect(credentialSchema.safeParse(many(0)).success).toBe(false);
  });
});

type Unproven = Omit<RotationRequest, 'client_half_proof' | 'sig_proof'>;

async function unproven(): Promise<Unproven> {
  const [first, next] = await history(1);
  if (first === undefined || next === undefined) throw new Error('there is no rotation');
  const { statement, signatures } = next;
  return {
    ...{ request_id: 'request-1', signatures, client_half: testEncryptionKey('U, new') },
    statement: { ...statement, prev: statementHash(first.statement) },
    factor: encodeBase64url(new Uint8Array(32).fill(7)),
    vault: encodeBase64url(utf8('a sealed vault')),
    endorsements: ['aaaa.bbbb.cccc'],
  };
}

const context = () => ({
  ...{ iss: acme.iss, sub: acme.person.sub, deviceId: acme.device.sig.kid },
  ...{ previous: statementHash(acme.statement()), personKey: acme.person.pre },
});

describe('the transcript of a rotation', () => {
  it('has the bytes of version 1', async () => {
    const bytes = rotationTranscript(context(), await unproven());
    const text = new TextDecoder().decode(bytes);
    expect(text.startsWith('countersign/rotation/v1\n{"client_half":{"crv":"recrypt-256"')).toBe(true);
    expect(Object.keys(JSON.parse(text.slice(text.indexOf('\n') + 1)))).toEqual([
      ...['client_half', 'device_id', 'endorsement_hashes', 'factor_hash', 'iss', 'person_key', 'previous'],
      ...['request_id', 'signatures', 'statement', 'sub', 'vault_hash'],
    ]);
    expect(sha256Base64url(bytes)).toBe('y9ItJiG3G3lo2roJK0StGNMORKJMshG9ESEBETHxBms');
  });

  it('does not hold the factor, which is a secret', async () => {
    const request = await unproven();
    expect(new TextDecoder().decode(rotationTranscript(context(), request))).not.toContain(request.factor);
  });

  it('is another for another bridge, person, device, request, key, factor, vault, endorsement, escrow or statement', async () => {
    const request = await unproven();
    const others: Uint8Array[] = [];
    for (const change of [
      { iss: 'https://bridge.globex.example' },
      { sub: 'somebody' },
      { deviceId: 'x' },
      { previous: sha256Base64url('another') },
      { personKey: testEncryptionKey('another') },
    ]) {
      others.push(rotationTranscript({ ...context(), ...change }, request));
    }
    for (const change of [
      { request_id: 'request-2' },
      { client_half: testEncryptionKey('another') },
      { factor: encodeBase64url(new Uint8Array(32).fill(8)) },
      { vault: encodeBase64url(utf8('another vault')) },
      { endorsements: ['aaaa.bbbb.cccd'] },
      { statement: { ...request.statement, since: NOW + 1 } },
      { signatures: request.signatures.slice(1) },
      { escrow: { token: 'aaaa.bbbb.cccc', box: 'AAAA' } },
    ]) {
      others.push(rotationTranscript(context(), { ...request, ...change }));
    }
    const hashes = others.map((bytes) => sha256Base64url(bytes));
    expect(new Set([...hashes, sha256Base64url(rotationTranscript(context(), request))]).size).toBe(14);
  });

  it('is over a request that needs a statement with one before it', async () => {
    const proofs = { client_half_proof: 'AAAA', sig_proof: 'A'.repeat(86) };
    const request = { ...(await unproven()), ...proofs };
    expect(rotationRequestSchema.safeParse(request).success).toBe(true);
    const first = { ...request, statement: { ...request.statement, prev: null } };
    expect(rotationRequestSchema.safeParse(first).success).toBe(false);
  });
});

describe('the transcript of a device’s rotation', () => {
  const request = () => ({
    device_key: testEncryptionKey('D, new'),
    endorsement: 'aaaa.bbbb.cccc',
    transform_key: encodeBase64url(utf8('a transform key')),
  });

  it('has the bytes of version 1', () => {
    const text = new TextDecoder().decode(deviceRotationTranscript(context(), request()));
    expect(sha256Base64url(text)).toBe('DrbnRLvA33WFTRE0CkFl1xyfcU1ObhID2w6DbDJd1Oo');
    expect(text.startsWith('countersign/device-rotation/v1\n{"device_id":')).toBe(true);
  });

  it('is another for another bridge, person, device, key, endorsement or transform key', () => {
    const hashOf = (of: object, sent: object) =>
      sha256Base64url(deviceRotationTranscript({ ...context(), ...of }, { ...request(), ...sent }));
    const hashes = [
      hashOf({}, {}),
      hashOf({ iss: 'https://bridge.globex.example' }, {}),
      hashOf({ sub: 'somebody' }, {}),
      hashOf({ deviceId: 'x' }, {}),
      hashOf({}, { device_key: testEncryptionKey('another') }),
      hashOf({}, { endorsement: 'aaaa.bbbb.cccd' }),
      hashOf({}, { transform_key: encodeBase64url(utf8('another')) }),
    ];
    expect(new Set(hashes).size).toBe(7);
  });
});
