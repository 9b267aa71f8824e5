import { beforeAll, describe, expect, it } from 'vitest';
import type { SigningKey } from '../../protocol/ed25519.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import { statementKey } from '../../protocol/key-binding.ts';
import {
  type KeyStatement,
  keyStatementSchema,
  type SignedStatement,
  type StatementSigners,
  signedStatementBytes,
  signedStatementSchema,
  signStatement,
  statementBytes,
  statementHash,
  verifyStatement,
} from '../../protocol/key-statement.ts';
import type { OnlineKeys } from '../../protocol/online-keys.ts';
import { codeOf } from './codes.ts';
import { type Company, DAY, makeCompany, NOW, testEncryptionKey, testKey } from './company.ts';

let acme: Company;
let onlineKeys: OnlineKeys;
let alice: SigningKey;
let rotated: SigningKey;

beforeAll(async () => {
  acme = await makeCompany();
  onlineKeys = await acme.onlineKeys();
  alice = acme.person.sig;
  rotated = await testKey('person alice, rotated');
});

const signers = (statement: KeyStatement): StatementSigners => ({
  bridgeKey: (kid) => statementKey(onlineKeys, kid, statement),
});
const verify = (signed: SignedStatement, previous?: SigningKey) =>
  verifyStatement(signed, {
    ...signers(signed.statement),
    ...(previous === undefined ? {} : { previous: previous.publicKey }),
  });
const rotation = () =>
  acme.nextStatement(acme.statement(), { key_version: 1, keys: [acme.person.pre, rotated.publicKey] });
const reset = () =>
  acme.nextStatement(acme.statement(), {
    key_version: 1,
    keys: [testEncryptionKey('alice, reset'), rotated.publicKey],
    reason: 'reset',
  });
const revocation = (changes: Partial<KeyStatement> = {}) =>
  acme.nextStatement(acme.statement(), { status: 'revoked', reason: 'closed', ...changes });

describe('the bytes of a key statement, version 1', () => {
  const TEXT =
    'countersign/key-statement/v1\n' +
    '{"address":"alice@acme.example","assurance":"member","escrow":"none","iss":"https://bridge.acme.example",' +
    '"key_version":0,"keys":[{"crv":"recrypt-256","kty":"EC","x":"pP7SN1imIRpIMsA_RdngRnKTiBzQfzmFZlHTpgmsDv0",' +
    '"y":"sSgywrRof7gdmjKy24rtPfmWOaUUFRKRv5JlMMR2Mnk"},{"crv":"Ed25519","kty":"OKP",' +
    '"x":"SDEgEx0FrMQEGjOO8mpCaC9I8KjQqPesuDi0M6KP0j0"}],"prev":null,"since":1799913600,"status":"active",' +
    '"sub":"sub-alice","v":1,"version":0}';
  const SIGNATURE = 'M0QiMS3N0UG2oQVWzCbEsFOzD6qqe-sv1Yc7LysVXbQzTpHTzOnE25pnnFTXd9awhNMvq77OqQxsmz2_nVquCQ';

  it('are the label and the canonical members', () => {
    expect(new TextDecoder().decode(statementBytes(acme.statement()))).toBe(TEXT);
  });

  it('have this hash', () => {
    expect(statementHash(acme.statement())).toBe('u4pBEq9GSsF6tMg_aK55tXGa-1eDRaJHK-jVzXurGFA');
  });

  it('have this signature by Alice', async () => {
    expect(await signStatement(alice, acme.statement())).toEqual({ kid: alice.kid, signature: SIGNATURE });
  });

  it('stand with their signatures in what an enrolment confirms', async () => {
    const signed = signedStatementBytes(await acme.signedStatement());
    expect(new TextDecoder().decode(signed)).toBe(
      `{"signatures":[{"kid":"YBjQYwJ18FEvAtkKheN6jD68YCdt3lPBzXOH9CsVvkE","signature":"${SIGNATURE}"}],` +
        `"statement":${TEXT.slice(TEXT.indexOf('{'))}}`,
    );
    expect(sha256Base64url(signed)).toBe('K_EdmEuPouSUOcOlPwCb0JGxHRbsW2WqulOxWwDezi8');
  });

  it('hold the reason where there is one, and nothing where there is none', () => {
    const text = new TextDecoder().decode(statementBytes(revocation()));
    expect(text).toContain('"prev":"u4pBEq9GSsF6tMg_aK55tXGa-1eDRaJHK-jVzXurGFA","reason":"closed"');
    expect(statementHash({ ...acme.statement(), reason: undefined })).toBe(statementHash(acme.statement()));
  });
});

describe('a key statement is refused', () => {
  it.each([
    ['with an unknown member', { extra: 1 }],
    ['with another v', { v: 2 }],
    ['with an unknown status', { status: 'suspended' }],
    ['with an unknown assurance', { assurance: 'admin' }],
    ['with an unknown escrow', { escrow: 'vendor' }],
    ['with an unknown reason', { reason: 'because' }],
    ['with a negative version', { version: -1 }],
    ['with a fractional version', { version: 0.5 }],
    ['with a version beyond 2^53', { version: 2 ** 53 }],
    ['with one key', { keys: [testEncryptionKey('a')] }],
    ['with no previous hash at all', { prev: undefined }],
    ['with an issuer that is not an origin', { iss: 'https://bridge.acme.example/' }],
  ])('%s', (_, changes) => {
    expect(keyStatementSchema.safeParse({ ...acme.statement(), ...changes }).success).toBe(false);
  });

  it('with four signatures, or none', async () => {
    const { statement, signatures } = await acme.signedStatement();
    const [one] = signatures;
    expect(signedStatementSchema.safeParse({ statement, signatures: [] }).success).toBe(false);
    expect(signedStatementSchema.safeParse({ statement, signatures: [one, one, one, one] }).success).toBe(
      false,
    );
  });

  it('when its address is not in the one form', async () => {
    const signed = await acme.signedStatement(acme.statement({ address: 'Alice@acme.example' }));
    expect(await codeOf(() => verify(signed))).toBe('address_invalid');
  });

  it('when its address is none', async () => {
    const signed = await acme.signedStatement(acme.statement({ address: 'alice' }));
    expect(await codeOf(() => verify(signed))).toBe('address_invalid');
  });

  it.each([
    ['version 0 names a previous statement', { version: 0, prev: 'A'.repeat(43) }],
    ['a later version names none', { version: 1, prev: null }],
    ['version 0 is a reset', { reason: 'reset' as const }],
    ['an active statement is closed', { version: 1, prev: 'A'.repeat(43), reason: 'closed' as const }],
  ])('when %s', async (_, changes) => {
    const signed = await acme.signedStatement(acme.statement(changes), [alice, acme.keys.statement]);
    expect(await codeOf(() => verify(signed))).toBe('claims_invalid');
  });

  it('when it revokes without a reason, version 0, or because of a new enrolment', async () => {
    const lies: readonly KeyStatement[] = [
      revocation({ reason: undefined }),
      revocation({ version: 0, prev: null }),
      revocation({ reason: 're-enrolled' }),
    ];
    for (const lie of lies) {
      const signed = await acme.signedStatement(lie, [acme.keys.statement]);
      expect(await codeOf(() => verify(signed))).toBe('claims_invalid');
    }
  });
});

describe('an enrolment', () => {
  it('is signed by the new key', async () => {
    expect(await verify(await acme.signedStatement())).toEqual(acme.statement());
  });

  it('is refused when the bridge alone signed it', async () => {
    const signed = await acme.signedStatement(undefined, [acme.keys.statement]);
    expect(await codeOf(() => verify(signed))).toBe('statement_signature');
  });

  it('is refused when any member was changed after signing', async () => {
    const { statement, signatures } = await acme.signedStatement();
    const changes: readonly Partial<KeyStatement>[] = [
      { iss: 'https://bridge.globex.example' },
      { sub: 'sub-mallory' },
      { address: 'mallory@acme.example' },
      { key_version: 1 },
      { keys: [testEncryptionKey('mallory'), alice.publicKey] },
      { assurance: 'bot' },
      { escrow: 'organization' },
      { since: NOW },
    ];
    for (const change of changes) {
      const changed = { statement: { ...statement, ...change }, signatures };
      expect(await codeOf(() => verify(changed)), JSON.stringify(change)).toBe('statement_signature');
    }
  });

  it('is refused with another’s signature under its own key id', async () => {
    const { statement } = await acme.signedStatement();
    const forged = await signStatement(rotated, statement);
    const signatures = [{ ...forged, kid: alice.kid }];
    expect(await codeOf(() => verify({ statement, signatures }))).toBe('statement_signature');
  });

  it('is refused with a signature more than it needs', async () => {
    const signed = await acme.signedStatement(undefined, [alice, rotated]);
    expect(await codeOf(() => verify(signed))).toBe('statement_signature');
  });
});

describe('a rotation', () => {
  it('is signed by the new key and the old', async () => {
    const signed = await acme.signedStatement(rotation(), [rotated, alice]);
    expect(await verify(signed, alice)).toEqual(rotation());
    expect(await verify(signed)).toEqual(rotation());
  });

  it('is refused when the old key did not sign and the verifier knows it', async () => {
    const signed = await acme.signedStatement(rotation(), [rotated]);
    expect(await codeOf(() => verify(signed, alice))).toBe('statement_signature');
  });

  it('is refused when the old key alone signed', async () => {
    const signed = await acme.signedStatement(rotation(), [alice]);
    expect(await codeOf(() => verify(signed, alice))).toBe('statement_signature');
  });

  it('is refused when the bridge signed in place of the old key', async () => {
    const signed = await acme.signedStatement(rotation(), [rotated, acme.keys.statement]);
    expect(await codeOf(() => verify(signed, alice))).toBe('statement_signature');
  });

  it('is refused with one signature twice', async () => {
    const signed = await acme.signedStatement(rotation(), [rotated, rotated]);
    expect(await codeOf(() => verify(signed))).toBe('statement_signature');
  });
});

describe('a reset', () => {
  it('is signed by the new key and the bridge, in any order', async () => {
    for (const keys of [
      [rotated, acme.keys.statement],
      [acme.keys.statement, rotated],
    ]) {
      expect(await verify(await acme.signedStatement(reset(), keys))).toEqual(reset());
    }
  });

  it('is refused when the bridge did not sign', async () => {
    const signed = await acme.signedStatement(reset(), [rotated]);
    expect(await codeOf(() => verify(signed))).toBe('statement_signature');
  });

  it('is refused when the new key did not sign: a bridge cannot reset somebody to a key that nobody holds', async () => {
    const signed = await acme.signedStatement(reset(), [acme.keys.statement, alice]);
    expect(await codeOf(() => verify(signed))).toBe('statement_signature');
  });

  it('is refused when the bridge signed with a key of another purpose', async () => {
    const signed = await acme.signedStatement(reset(), [rotated, acme.keys.binding]);
    expect(await codeOf(() => verify(signed))).toBe('jws_unknown_key');
  });

  it('is refused when the bridge’s key was not yet, or no longer, in use when it began', async () => {
    for (const since of [NOW - 31 * DAY, NOW + 31 * DAY]) {
      const signed = await acme.signedStatement({ ...reset(), since }, [rotated, acme.keys.statement]);
      expect(await codeOf(() => verify(signed))).toBe('jws_unknown_key');
    }
  });

  it('is refused when the bridge’s key was declared compromised, whatever the date', async () => {
    const tainted = await acme.onlineKeys({ compromised: [acme.keys.statement.kid] });
    const signed = await acme.signedStatement(reset(), [rotated, acme.keys.statement]);
    const bridgeKey = (kid: string) => statementKey(tainted, kid, signed.statement);
    expect(await codeOf(() => verifyStatement(signed, { bridgeKey }))).toBe('key_compromised');
  });
});

describe('a revocation', () => {
  it('is signed by the bridge alone', async () => {
    expect(await verify(await acme.signedStatement(revocation(), [acme.keys.statement]))).toEqual(
      revocation(),
    );
  });

  it('is refused by the person’s key', async () => {
    const signed = await acme.signedStatement(revocation(), [alice]);
    expect(await codeOf(() => verify(signed))).toBe('statement_signature');
  });

  it('is refused with the person’s signature beside the bridge’s', async () => {
    const signed = await acme.signedStatement(revocation(), [acme.keys.statement, alice]);
    expect(await codeOf(() => verify(signed))).toBe('statement_signature');
  });
});
