import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ChangedKeyAnswer } from '../../client/answers.ts';
import type { Client } from '../../client/client.ts';
import { createMemoryPinStore } from '../../client/memory-stores.ts';
import type { PinStore } from '../../client/pin-store.ts';
import type { LookUpResult } from '../../protocol/look-up.ts';
import { loadTransformEngine } from '../../recrypt/load-node.ts';
import type { TransformEngine } from '../../recrypt/transform-engine.ts';
import { type FakeBridge, startFakeBridge } from '../fakes/fake-bridge/fake-bridge.ts';
import { codeOf } from '../protocol/codes.ts';
import { type Company, DAY, makeCompany, NOW, testDigest, testKey } from '../protocol/company.ts';
import { newClient, signIn } from './fixture.ts';

let engine: TransformEngine;
let bridge: FakeBridge;
let globex: Company;
let client: Client;
let pinStore: PinStore;
let close: () => Promise<void>;
const bob = 'bob@globex.example';

beforeAll(async () => {
  engine = await loadTransformEngine({ prefer: 'wasm' });
});
beforeEach(async () => {
  ({ bridge, close } = await startFakeBridge(engine));
  bridge.addPerson('alice');
  globex = await makeCompany('globex', 'bob');
  bridge.lookUps.partners.push(globex);
  pinStore = createMemoryPinStore();
  client = newClient(bridge, engine, { pinStore });
  await signIn(bridge, client, 'alice@acme.example');
});
afterEach(() => close());

async function lookUpBob() {
  const [answer] = await client.lookUp([bob]);
  return answer;
}

/** From now on the bridge says this of the address in place of the honest result; another status begins anew. */
function sayOf(address: string, change: (honest: LookUpResult) => object | Promise<object>): void {
  bridge.lookUps.results.set(address, async (honest) => {
    const said = await change(honest);
    const { iss, source, as_of } = honest;
    const kept = 'status' in said ? { address, iss, source, as_of } : honest;
    return { ...kept, ...said } as LookUpResult;
  });
}

const sayOfBob = (change: (honest: LookUpResult) => object | Promise<object>) => sayOf(bob, change);

describe('a look-up', () => {
  it('verifies a partner’s person under the partner’s pinned record, and pins them', async () => {
    expect(await lookUpBob()).toMatchObject({
      status: 'verified',
      address: bob,
      level: 'signed',
      firstSeen: true,
      statement: { sub: 'sub-bob' },
      attributes: { name: 'Bob Builder' },
    });
    expect(await lookUpBob()).toMatchObject({ status: 'verified', firstSeen: false });
    const pins = await pinStore.read();
    expect(pins?.issuers[globex.iss]).toMatchObject({ root_thumbprint: globex.root.kid, version: 1 });
    expect(pins?.addresses[bob]).toMatchObject({ iss: globex.iss, sub: 'sub-bob', status: 'active' });
  });

  it('verifies people of the own company', async () => {
    await client.enrol({ label: 'laptop' });
    const [answer] = await client.lookUp(['alice@acme.example']);
    expect(answer).toMatchObject({ status: 'verified', firstSeen: false });
  });

  it('answers in the order asked, whatever the case, and each address once', async () => {
    const answers = await client.lookUp(['nobody@acme.example', 'BOB@globex.example', bob]);
    expect(answers.map(({ status, address }) => `${status} ${address}`)).toEqual([
      'not_found nobody@acme.example',
      `verified ${bob}`,
      `verified ${bob}`,
    ]);
  });

  it('does not let one bad address spoil the others', async () => {
    sayOf('eve@globex.example', async () => ({
      status: 'credential',
      credential: await globex.credential(),
    }));
    const answers = await client.lookUp(['not an address', 'eve@globex.example', bob]);
    expect(answers.map((answer) => ('code' in answer ? answer.code : answer.status))).toEqual([
      'address_invalid',
      'claims_invalid',
      'verified',
    ]);
  });

  it('asks for more than one request takes in several', async () => {
    const many = Array.from({ length: 1001 }, (_, index) => `p${index}@acme.example`);
    const answers = await client.lookUp(many);
    expect(answers.map(({ address }) => address)).toEqual(many);
    expect(bridge.seen.filter((line) => line === 'POST /v1/lookups')).toHaveLength(2);
  });

  it('repeats what the bridge refuses, with a code that is known', async () => {
    sayOfBob(() => ({ status: 'refused', code: 'partner_unreachable', detail: 'down' }));
    expect(await lookUpBob()).toMatchObject({
      status: 'refused',
      code: 'partner_unreachable',
      detail: 'down',
    });
    sayOfBob(() => ({ status: 'refused', code: 'something_new' }));
    expect(await lookUpBob()).toMatchObject({ status: 'refused', code: 'bridge_invalid', source: 'partner' });
  });

  it('takes a revocation with its evidence, and no older key afterwards', async () => {
    await lookUpBob();
    sayOfBob(async () => ({ status: 'revoked', revocation: await globex.revocation() }));
    expect(await lookUpBob()).toMatchObject({ status: 'revoked', statement: { reason: 'closed' } });
    bridge.lookUps.results.delete(bob);
    expect(await lookUpBob()).toMatchObject({ status: 'rejected', code: 'version_rollback' });
  });

  it('takes no older key after the revocation of an address that it had never seen', async () => {
    sayOfBob(async () => ({ status: 'revoked', revocation: await globex.revocation() }));
    expect(await lookUpBob()).toMatchObject({ status: 'revoked', statement: { reason: 'closed' } });
    bridge.lookUps.results.delete(bob);
    expect(await lookUpBob()).toMatchObject({ status: 'rejected', code: 'version_rollback' });
  });

  it('refuses a revocation that the person’s bridge did not sign', async () => {
    sayOfBob(async () => {
      const ended = globex.nextStatement(globex.statement(), { status: 'revoked', reason: 'closed' });
      const signed = await globex.signedStatement(ended, [bridge.company.keys.statement]);
      return { status: 'revoked', revocation: { ...signed, online_keys: await globex.onlineKeysToken() } };
    });
    expect(await lookUpBob()).toMatchObject({ status: 'rejected', code: 'jws_unknown_key' });
  });

  it('says that a revocation is not yet published', async () => {
    sayOfBob(() => ({ status: 'revoked_pending' }));
    expect(await lookUpBob()).toEqual({ status: 'revoked_pending', address: bob, source: 'partner' });
  });
});

describe('a key that is not the pinned one', () => {
  async function substitute() {
    await lookUpBob();
    const before = globex.statement();
    const other = await makeCompany('globex', 'bobby');
    const statement = globex.nextStatement(before, {
      keys: [other.person.pre, other.person.sig.publicKey],
      key_version: 1,
      reason: 'reset',
    });
    const signed = await globex.signedStatement(statement, [other.person.sig, globex.keys.statement]);
    sayOfBob(async () => ({ credential: await globex.credential(signed) }));
  }

  it('is shown beside the pinned one, and not accepted', async () => {
    await substitute();
    const answer = await lookUpBob();
    expect(answer).toMatchObject({
      status: 'changed_key',
      pinned: { pre: globex.person.pre, version: 0 },
      offered: { version: 1 },
    });
    expect(await lookUpBob()).toMatchObject({ status: 'changed_key' });
    expect((await pinStore.read())?.addresses[bob]?.version).toBe(0);
  });

  it('is accepted when a person says so', async () => {
    await substitute();
    await client.acceptChangedKey((await lookUpBob()) as ChangedKeyAnswer);
    expect(await lookUpBob()).toMatchObject({ status: 'verified', firstSeen: false });
  });

  it('is not accepted in place of another pin than the person saw', async () => {
    await substitute();
    const change = (await lookUpBob()) as ChangedKeyAnswer;
    await client.acceptChangedKey(change);
    expect(await codeOf(() => client.acceptChangedKey(change))).toBe('conflict');
  });

  it('is one whose signature key the bridge swapped while the encryption key stayed', async () => {
    await lookUpBob();
    const forged = await testKey('forged');
    const statement = globex.nextStatement(globex.statement(), {
      keys: [globex.person.pre, forged.publicKey],
      key_version: 1,
      reason: 'reset',
    });
    const signed = await globex.signedStatement(statement, [forged, globex.keys.statement]);
    sayOfBob(async () => ({ credential: await globex.credential(signed) }));
    expect(await lookUpBob()).toMatchObject({ status: 'changed_key' });
  });

  it('is another person’s at the same address', async () => {
    await lookUpBob();
    const statement = globex.nextStatement(globex.statement(), { sub: 'sub-other', reason: 're-enrolled' });
    const signed = await globex.signedStatement(statement, [globex.person.sig, globex.keys.statement]);
    sayOfBob(async () => ({ credential: await globex.credential(signed) }));
    expect(await lookUpBob()).toMatchObject({ status: 'changed_key', offered: { sub: 'sub-other' } });
  });

  it('is refused when neither its owner nor its bridge signed the change', async () => {
    await lookUpBob();
    const forged = await testKey('forged');
    const statement = globex.nextStatement(globex.statement(), {
      keys: [globex.person.pre, forged.publicKey],
      key_version: 1,
    });
    const signed = await globex.signedStatement(statement, [forged]);
    sayOfBob(async () => ({ credential: await globex.credential(signed) }));
    expect(await lookUpBob()).toMatchObject({ status: 'rejected', code: 'statement_signature' });
  });

  it('is taken when its owner rotated it', async () => {
    await lookUpBob();
    const next = await testKey('bob rotated');
    const statement = globex.nextStatement(globex.statement(), {
      keys: [globex.person.pre, next.publicKey],
      key_version: 1,
    });
    const signed = await globex.signedStatement(statement, [next, globex.person.sig]);
    sayOfBob(async () => ({ credential: await globex.credential(signed) }));
    expect(await lookUpBob()).toMatchObject({ status: 'verified', firstSeen: false });
    expect((await pinStore.read())?.addresses[bob]).toMatchObject({ sig: next.publicKey, version: 1 });
  });

  it.each([
    ['a second statement of one version', { since: NOW - 2 * DAY }],
    ['a next version that names another before it', { version: 1, prev: testDigest('another') }],
  ])('is a fork when there is %s', async (_what, change) => {
    await lookUpBob();
    const signed = await globex.signedStatement(globex.statement(change));
    sayOfBob(async () => ({ credential: await globex.credential(signed) }));
    expect(await lookUpBob()).toMatchObject({ status: 'rejected', code: 'statement_forked' });
  });
});

describe('a lying bridge or partner is refused', () => {
  it('when the credential is another person’s', async () => {
    const eve = await makeCompany('globex', 'eve');
    sayOfBob(async () => ({ credential: await eve.credential() }));
    expect(await lookUpBob()).toMatchObject({ status: 'rejected', code: 'claims_invalid' });
  });

  it('when a partner speaks for a foreign domain', async () => {
    bridge.lookUps.results.set('ceo@acme.example', async (honest) => {
      const statement = globex.statement({ address: 'ceo@acme.example' });
      const credential = await globex.credential(await globex.signedStatement(statement));
      return {
        ...honest,
        status: 'credential',
        source: 'partner',
        iss: globex.iss,
        credential,
      } as LookUpResult;
    });
    const [answer] = await client.lookUp(['ceo@acme.example']);
    expect(answer).toMatchObject({ status: 'rejected', code: 'domain_not_approved' });
  });

  it('when the issuer has no record', async () => {
    bridge.lookUps.records.set(globex.iss, null);
    expect(await lookUpBob()).toMatchObject({ status: 'rejected', code: 'issuer_unknown' });
  });

  it('when the issuer is suspended', async () => {
    await lookUpBob();
    bridge.lookUps.records.set(globex.iss, (honest) => ({
      ...honest,
      version: 2,
      partner: { ...honest.partner, status: 'suspended' },
    }));
    expect(await lookUpBob()).toMatchObject({ status: 'rejected', code: 'partner_suspended' });
  });

  it('when the record names another root than the pinned one, until a person accepts it', async () => {
    const swapped = await makeCompany('swapped');
    await lookUpBob();
    bridge.lookUps.records.set(globex.iss, (honest) => ({
      ...honest,
      version: 2,
      partner: { ...honest.partner, root_thumbprint: swapped.root.kid },
    }));
    sayOfBob(async () => ({
      credential: {
        binding: await globex.binding(),
        online_keys: await globex.onlineKeysToken({}, swapped.root),
      },
    }));
    expect(await lookUpBob()).toMatchObject({ status: 'rejected', code: 'pin_changed' });
    await client.acceptChangedRoot(globex.iss, swapped.root.kid);
    expect(await lookUpBob()).toMatchObject({ status: 'verified', firstSeen: false });
  });

  it('when a record goes back, or says two things in one version', async () => {
    bridge.lookUps.records.set(globex.iss, (honest) => ({ ...honest, version: 3 }));
    await lookUpBob();
    bridge.lookUps.records.set(globex.iss, (honest) => ({ ...honest, version: 2 }));
    expect(await lookUpBob()).toMatchObject({ status: 'rejected', code: 'version_rollback' });
    bridge.lookUps.records.set(globex.iss, (honest) => ({
      ...honest,
      version: 3,
      partner: { ...honest.partner, domains: ['globex.example', 'acme.example'] },
    }));
    expect(await lookUpBob()).toMatchObject({ status: 'rejected', code: 'statement_forked' });
  });

  it('when the own bridge writes a partner’s domain into its own record', async () => {
    await lookUpBob();
    bridge.lookUps.records.set(bridge.issuer, (honest) => ({
      ...honest,
      version: honest.version + 1,
      partner: { ...honest.partner, domains: [...honest.partner.domains, 'globex.example'] },
    }));
    const carol = 'carol@globex.example';
    const { company } = bridge;
    const statement = company.statement({ address: carol });
    const credential = await company.credential(await company.signedStatement(statement));
    bridge.lookUps.results.set(carol, () => {
      return {
        address: carol,
        status: 'credential',
        source: 'own',
        iss: company.iss,
        as_of: NOW,
        credential,
      };
    });
    const [answer] = await client.lookUp([carol]);
    expect(answer).toMatchObject({ status: 'rejected', code: 'domain_not_approved' });
    expect(answer).toMatchObject({ error: { detail: expect.stringContaining(globex.iss) } });
  });

  it('when the own record names another root than the own bridge has', async () => {
    await client.enrol({ label: 'laptop' });
    const root_thumbprint = testDigest('another root');
    bridge.lookUps.records.set(bridge.issuer, (honest) => ({
      ...honest,
      partner: { ...honest.partner, root_thumbprint },
    }));
    const [answer] = await client.lookUp(['alice@acme.example']);
    expect(answer).toMatchObject({ status: 'rejected', code: 'pin_changed' });
  });

  it('when the answer comes from a cache that is older than was asked for', async () => {
    sayOfBob(() => ({ as_of: bridge.time - 600 }));
    expect(await lookUpBob()).toMatchObject({ status: 'rejected', code: 'credential_too_old' });
    const [answer] = await client.lookUp([bob], { maxAge: 3600 });
    expect(answer).toMatchObject({ status: 'verified' });
  });

  it('when the binding is older than the policy takes', async () => {
    const strict = newClient(bridge, engine, { policy: { level: 'signed', maxAge: 10 } });
    await signIn(bridge, strict, 'alice@acme.example');
    bridge.time += 30;
    const [answer] = await strict.lookUp([bob]);
    expect(answer).toMatchObject({ status: 'rejected', code: 'credential_too_old' });
  });

  it('when the attributes were told to somebody else', async () => {
    sayOfBob(async () => ({
      credential: { ...(await globex.credential()), attributes: await globex.attributes('somebody-else') },
    }));
    expect(await lookUpBob()).toMatchObject({ status: 'rejected', code: 'jws_audience' });
  });

  it.each([
    ['is for another request', { jti: 'another' }, 'response_mismatch'],
    ['is over another body', { request_hash: testDigest('another') }, 'response_mismatch'],
    ['is for another audience', { aud: testDigest('another device') }, 'jws_audience'],
    ['is from another bridge', { iss: 'https://bridge.globex.example' }, 'jws_issuer'],
    ['has expired', { iat: NOW - DAY, exp: NOW - DAY + 60 }, 'jws_expired'],
    ['leaves an address out', { results: [] }, 'claims_invalid'],
  ] as const)('when the response %s', async (_what, change, code) => {
    bridge.lies.response = (honest) => ({
      ...honest,
      ...change,
      results: [...('results' in change ? [] : honest.results)],
    });
    expect(await codeOf(() => client.lookUp([bob]))).toBe(code);
  });

  it('when an old response is replayed', async () => {
    let old = '';
    bridge.lies.responseToken = (honest) => {
      old ||= honest;
      return old;
    };
    await lookUpBob();
    expect(await codeOf(() => client.lookUp([bob]))).toBe('response_mismatch');
  });

  it('when the response is signed by a key that is not the bridge’s', async () => {
    bridge.lies.responseToken = (honest) => `${honest.slice(0, honest.lastIndexOf('.'))}.${'A'.repeat(86)}`;
    expect(await codeOf(() => client.lookUp([bob]))).toBe('jws_signature');
  });
});

describe('the own bridge’s online keys', () => {
  const afterReuse = 700;

  it.each(['federation', 'record'])('are fetched anew when a %s key is new', async (purpose) => {
    await lookUpBob();
    bridge.serial = 2;
    Object.assign(bridge.company.keys, { [purpose]: await testKey('rotated') });
    expect(await lookUpBob()).toMatchObject({ status: 'verified' });
    expect((await pinStore.read())?.own?.serial).toBe(2);
  });

  it('never go back in their serial', async () => {
    bridge.serial = 5;
    await lookUpBob();
    bridge.serial = 4;
    bridge.time += afterReuse;
    expect(await codeOf(() => client.lookUp([bob]))).toBe('serial_rollback');
  });

  it('are under the root that was seen first', async () => {
    await lookUpBob();
    bridge.time += afterReuse;
    const { root } = await makeCompany('mallory');
    bridge.lies.onlineKeysToken = () => bridge.company.onlineKeysToken({}, root);
    expect(await codeOf(() => client.lookUp([bob]))).toBe('root_mismatch');
  });
});

describe('verifying offline', () => {
  it('needs nothing but what is pinned', async () => {
    await lookUpBob();
    const requests = bridge.seen.length;
    const answer = await client.verifyOffline(await globex.credential(), bob);
    expect(answer).toMatchObject({ status: 'verified', firstSeen: false });
    expect(bridge.seen).toHaveLength(requests);
  });

  it('refuses an issuer without a pinned record, and a record that was not renewed', async () => {
    expect(await codeOf(async () => client.verifyOffline(await globex.credential(), bob))).toBe(
      'issuer_unknown',
    );
    bridge.lookUps.records.set(globex.iss, (honest) => ({ ...honest, exp: NOW + 60 }));
    await lookUpBob();
    bridge.time += 300;
    expect(await codeOf(async () => client.verifyOffline(await globex.credential(), bob))).toBe(
      'jws_expired',
    );
  });

  it('refuses another key than the pinned one', async () => {
    await lookUpBob();
    const statement = globex.statement({ sub: 'sub-other' });
    const credential = await globex.credential(await globex.signedStatement(statement));
    expect(await codeOf(() => client.verifyOffline(credential, bob))).toBe('pin_changed');
  });
});
