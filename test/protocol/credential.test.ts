import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { verifyCredential, verifyRevocation } from '../../protocol/credential.ts';
import { statementHash } from '../../protocol/key-statement.ts';
import { codeOf } from './codes.ts';
import { type Company, DAY, makeCompany, makePerson, NOW, testEncryptionKey, testKey } from './company.ts';

let acme: Company;
let globex: Company;
const ALICE = 'alice@acme.example';

beforeAll(async () => {
  acme = await makeCompany();
  globex = await makeCompany('globex', 'bob');
});

describe('verifyCredential', () => {
  it('answers level, age and statement of an honest credential', async () => {
    const verified = await verifyCredential(await acme.credential(), ALICE, acme.context({ now: NOW + 30 }));
    expect(verified).toMatchObject({ level: 'signed', age: 30, attributes: null });
    expect(verified.statement).toEqual(acme.statement());
    expect(verified.statementHash).toBe(statementHash(acme.statement()));
  });

  it('takes the address in any letter case', async () => {
    const verified = await verifyCredential(await acme.credential(), 'Alice@ACME.example', acme.context());
    expect(verified.statement.address).toBe(ALICE);
  });

  it('is refused for another address of the same company', async () => {
    const credential = await acme.credential();
    expect(await codeOf(() => verifyCredential(credential, 'carol@acme.example', acme.context()))).toBe(
      'claims_invalid',
    );
  });

  it('is refused when the issuer is not approved for the domain of the address', async () => {
    const victim = await makePerson('bob', globex.domain);
    const signed = await acme.signedStatement(acme.statement({ address: victim.address }));
    const credential = await acme.credential(signed);
    expect(await codeOf(() => verifyCredential(credential, victim.address, acme.context()))).toBe(
      'domain_not_approved',
    );
  });

  it('is refused for a subdomain of an approved domain', async () => {
    const signed = await acme.signedStatement(acme.statement({ address: 'alice@sub.acme.example' }));
    const credential = await acme.credential(signed);
    expect(await codeOf(() => verifyCredential(credential, 'alice@sub.acme.example', acme.context()))).toBe(
      'domain_not_approved',
    );
  });

  it('is refused when the issuer is suspended', async () => {
    const issuer = acme.trusted({ status: 'suspended' });
    const credential = await acme.credential();
    expect(await codeOf(() => verifyCredential(credential, ALICE, acme.context({ issuer })))).toBe(
      'partner_suspended',
    );
  });

  it('is refused when the staple is under another root than the pinned one', async () => {
    const impostor = await makeCompany('impostor');
    const credential = await acme.credential(undefined, {
      online_keys: await acme.onlineKeysToken({}, impostor.root),
    });
    expect(await codeOf(() => verifyCredential(credential, ALICE, acme.context()))).toBe('root_mismatch');
  });

  it('is refused when the staple is another company’s, honest in itself', async () => {
    const credential = await acme.credential(undefined, { online_keys: await globex.onlineKeysToken() });
    expect(await codeOf(() => verifyCredential(credential, ALICE, acme.context()))).toBe('root_mismatch');
  });

  it('is refused when the online keys are older than ones already seen', async () => {
    const credential = await acme.credential();
    expect(await codeOf(() => verifyCredential(credential, ALICE, acme.context({ leastSerial: 2 })))).toBe(
      'serial_rollback',
    );
  });

  it('is refused when the statement is older than the one last verified', async () => {
    const credential = await acme.credential();
    expect(await codeOf(() => verifyCredential(credential, ALICE, acme.context({ leastVersion: 1 })))).toBe(
      'version_rollback',
    );
  });

  it('is refused when the pinned policy demands a level that it does not reach', async () => {
    const credential = await acme.credential();
    const policy = { level: 'logged', maxAge: DAY } as const;
    expect(await codeOf(() => verifyCredential(credential, ALICE, acme.context({ policy })))).toBe(
      'level_too_low',
    );
  });

  it('is refused when the pinned policy demands something that is no level', async () => {
    const credential = await acme.credential();
    const policy = JSON.parse('{"level":"sealed","maxAge":86400}');
    expect(await codeOf(() => verifyCredential(credential, ALICE, acme.context({ policy })))).toBe(
      'level_too_low',
    );
  });

  it('is refused when it is a second older than the pinned policy allows', async () => {
    const credential = await acme.credential();
    const at = (now: number) => acme.context({ now, policy: { level: 'signed', maxAge: 60 } });
    await verifyCredential(credential, ALICE, at(NOW + 60));
    expect(await codeOf(() => verifyCredential(credential, ALICE, at(NOW + 61)))).toBe('credential_too_old');
  });

  it('is refused when the pinned policy gives no age', async () => {
    const credential = await acme.credential();
    const policy = { level: 'signed', maxAge: Number.NaN } as const;
    expect(await codeOf(() => verifyCredential(credential, ALICE, acme.context({ policy })))).toBe(
      'credential_too_old',
    );
  });

  it('follows a rotation that the pinned key signed', async () => {
    const rotated = await testKey('person alice, rotated');
    const next = acme.nextStatement(acme.statement(), {
      key_version: 1,
      keys: [acme.person.pre, rotated.publicKey],
    });
    const credential = await acme.credential(await acme.signedStatement(next, [rotated, acme.person.sig]));
    const context = acme.context({ previous: acme.person.sig.publicKey });
    expect((await verifyCredential(credential, ALICE, context)).statement.version).toBe(1);
  });

  it('is refused when the pinned key did not sign the one that replaces it', async () => {
    const swapped = await testKey('swapped by the bridge');
    const next = acme.nextStatement(acme.statement(), {
      key_version: 1,
      keys: [acme.person.pre, swapped.publicKey],
    });
    const credential = await acme.credential(await acme.signedStatement(next, [swapped]));
    const context = acme.context({ previous: acme.person.sig.publicKey });
    expect(await codeOf(() => verifyCredential(credential, ALICE, context))).toBe('statement_signature');
  });

  it('says that the pin changed when the bridge alone put a new key in place of the pinned one', async () => {
    const swapped = await testKey('swapped by the bridge');
    const next = acme.nextStatement(acme.statement(), {
      key_version: 1,
      keys: [acme.person.pre, swapped.publicKey],
      reason: 'reset',
    });
    const credential = await acme.credential(
      await acme.signedStatement(next, [swapped, acme.keys.statement]),
    );
    expect((await verifyCredential(credential, ALICE, acme.context())).statement.reason).toBe('reset');
    const context = acme.context({ previous: acme.person.sig.publicKey });
    expect(await codeOf(() => verifyCredential(credential, ALICE, context))).toBe('pin_changed');
  });

  it('goes on taking a reset whose key is the pinned one', async () => {
    const fresh = await testKey('person alice, reset');
    const next = acme.nextStatement(acme.statement(), {
      key_version: 1,
      keys: [testEncryptionKey('alice, reset'), fresh.publicKey],
      reason: 'reset',
    });
    const credential = await acme.credential(await acme.signedStatement(next, [fresh, acme.keys.statement]));
    const context = acme.context({ previous: fresh.publicKey });
    expect((await verifyCredential(credential, ALICE, context)).statement.key_version).toBe(1);
  });

  it('answers the attributes that are addressed to the one who asked', async () => {
    const credential = await acme.credential(undefined, { attributes: await acme.attributes(globex.iss) });
    const verified = await verifyCredential(credential, ALICE, acme.context({ audience: globex.iss }));
    expect(verified.attributes?.name).toBe('Alice Example');
  });

  it('ignores attributes when the verifier did not say who asked', async () => {
    const credential = await acme.credential(undefined, { attributes: await acme.attributes(globex.iss) });
    expect((await verifyCredential(credential, ALICE, acme.context())).attributes).toBeNull();
  });

  it('is refused when its attributes are another person’s', async () => {
    const attributes = await acme.attributes(globex.iss, { sub: 'sub-carol' });
    const credential = await acme.credential(undefined, { attributes });
    const context = acme.context({ audience: globex.iss });
    expect(await codeOf(() => verifyCredential(credential, ALICE, context))).toBe('claims_invalid');
  });
});

describe('the cost of a verification', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it('is each signature once, and the root’s once for all credentials that staple the same keys', async () => {
    const online_keys = await acme.onlineKeysToken({ serial: 77 });
    const first = await acme.credential(undefined, { online_keys });
    const second = await acme.credential(await acme.signedStatement(acme.statement({ since: NOW })), {
      online_keys,
    });
    const verify = vi.spyOn(crypto.subtle, 'verify');
    await verifyCredential(first, ALICE, acme.context());
    expect(verify).toHaveBeenCalledTimes(3);
    await verifyCredential(second, ALICE, acme.context());
    expect(verify).toHaveBeenCalledTimes(5);
  });
});

describe('verifyRevocation', () => {
  it('answers the revoked statement', async () => {
    const { statement } = await verifyRevocation(await acme.revocation(), ALICE, acme.context());
    expect(statement).toMatchObject({ status: 'revoked', version: 1, reason: 'closed' });
  });

  it('is refused when the statement is active', async () => {
    const active = { ...(await acme.signedStatement()), online_keys: await acme.onlineKeysToken() };
    expect(await codeOf(() => verifyRevocation(active, ALICE, acme.context()))).toBe('claims_invalid');
  });

  it('is refused when the person signed it and the bridge did not', async () => {
    const revocation = await acme.revocation();
    const { signatures } = await acme.signedStatement(revocation.statement, [acme.person.sig]);
    expect(await codeOf(() => verifyRevocation({ ...revocation, signatures }, ALICE, acme.context()))).toBe(
      'statement_signature',
    );
  });

  it('is refused when another company’s bridge signed it', async () => {
    const revocation = await acme.revocation();
    const { signatures } = await acme.signedStatement(revocation.statement, [globex.keys.statement]);
    expect(await codeOf(() => verifyRevocation({ ...revocation, signatures }, ALICE, acme.context()))).toBe(
      'jws_unknown_key',
    );
  });

  it('is refused when it names another issuer', async () => {
    const revocation = await acme.revocation({ iss: globex.iss });
    expect(await codeOf(() => verifyRevocation(revocation, ALICE, acme.context()))).toBe('claims_invalid');
  });

  it('is refused for another address', async () => {
    const revocation = await acme.revocation();
    expect(await codeOf(() => verifyRevocation(revocation, 'carol@acme.example', acme.context()))).toBe(
      'claims_invalid',
    );
  });

  it('is refused when the address has had a later version since', async () => {
    const revocation = await acme.revocation();
    expect(await codeOf(() => verifyRevocation(revocation, ALICE, acme.context({ leastVersion: 2 })))).toBe(
      'version_rollback',
    );
  });

  it('is refused for a domain that the issuer may not speak for', async () => {
    const revocation = await acme.revocation({ address: 'bob@globex.example' });
    expect(await codeOf(() => verifyRevocation(revocation, 'bob@globex.example', acme.context()))).toBe(
      'domain_not_approved',
    );
  });
});
