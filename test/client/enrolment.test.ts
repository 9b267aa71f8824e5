import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createMemoryPinStore } from '../../client/memory-stores.ts';
import type { EnrolmentOffer } from '../../protocol/api.ts';
import { encodeBase64url } from '../../protocol/base64url.ts';
import { signDeviceEndorsement } from '../../protocol/device.ts';
import { preToJwk } from '../../recrypt/encoding.ts';
import { loadTransformEngine } from '../../recrypt/load-node.ts';
import type { TransformEngine } from '../../recrypt/transform-engine.ts';
import { type FakeBridge, startFakeBridge } from '../fakes/fake-bridge/fake-bridge.ts';
import type { FakePerson } from '../fakes/fake-bridge/fake-person.ts';
import { codeOf } from '../protocol/codes.ts';
import { makeCompany, testDigest } from '../protocol/company.ts';
import { newClient, signIn } from './fixture.ts';

let engine: TransformEngine;
let bridge: FakeBridge;
let alice: FakePerson;
let close: () => Promise<void>;

beforeAll(async () => {
  engine = await loadTransformEngine({ prefer: 'wasm' });
});
beforeEach(async () => {
  ({ bridge, close } = await startFakeBridge(engine));
  alice = bridge.addPerson('alice');
});
afterEach(() => close());

async function signedIn() {
  const client = newClient(bridge, engine);
  await signIn(bridge, client, alice.address);
  return client;
}

/** The code with which an enrolment is refused when the offer is changed so, its proof made anew. */
async function refusedOffer(change: (honest: EnrolmentOffer) => Partial<EnrolmentOffer>) {
  const client = await signedIn();
  bridge.lies.offer = (honest) => {
    const { lastBody, lastAccessToken, lastShare } = bridge.enrolments;
    return bridge.enrolments.prove({ ...honest, ...change(honest) }, lastBody, lastAccessToken, lastShare);
  };
  const code = await codeOf(() => client.enrol({ label: 'laptop' }));
  const confirmations = bridge.seen.filter((line) => line.endsWith('/confirmation'));
  expect(confirmations).toEqual([]);
  return code;
}

const statement = (change: Partial<EnrolmentOffer['statement']>) => (honest: EnrolmentOffer) => ({
  statement: { ...honest.statement, ...change },
});

describe('enrolment', () => {
  it('ends with a verified credential for keys made on the device', async () => {
    const client = await signedIn();
    const { verified, device } = await client.enrol({ label: 'laptop' });
    expect(verified.level).toBe('signed');
    expect(verified.statement).toEqual(alice.signed?.statement);
    expect(alice.devices.has(device.device_id)).toBe(true);
    expect(await client.me()).toMatchObject({ deviceId: device.device_id, sub: alice.sub });
  });

  it('takes an offer that follows a revocation, and replaces its own pin', async () => {
    const pinStore = createMemoryPinStore();
    const first = newClient(bridge, engine, { pinStore });
    await signIn(bridge, first, alice.address);
    const { verified } = await first.enrol({ label: 'laptop' });
    const revoked = bridge.company.nextStatement(verified.statement, { status: 'revoked', reason: 'closed' });
    Object.assign(alice, { signed: null, last: revoked });
    const again = await first.enrol({ label: 'laptop' });
    expect(again.verified.statement).toMatchObject({ version: 2, reason: 're-enrolled' });
    expect((await pinStore.read())?.addresses[alice.address]?.version).toBe(2);
  });

  it('says so when the address has an active key', async () => {
    const client = await signedIn();
    await client.enrol({ label: 'laptop' });
    expect(await codeOf(() => client.enrol({ label: 'laptop' }))).toBe('already_enrolled');
  });

  it('needs somebody to be signed in', async () => {
    const client = newClient(bridge, engine);
    expect(await codeOf(() => client.enrol({ label: 'laptop' }))).toBe('sign_in_required');
  });
});

describe('a lying offer is refused before anything is signed', () => {
  it('when the key is not the sum of the halves, but one that the bridge owns', async () => {
    const owned = preToJwk(engine.generateKeyPair().publicKey);
    const code = await refusedOffer(({ statement: honest }) => ({
      person_key: owned,
      statement: { ...honest, keys: [owned, honest.keys[1]] },
    }));
    expect(code).toBe('enrolment_proof');
  });

  it('when the share is proven for another transcript', async () => {
    const client = await signedIn();
    bridge.lies.offer = (honest) => ({ ...honest, nonce: encodeBase64url(new Uint8Array(32)) });
    expect(await codeOf(() => client.enrol({ label: 'laptop' }))).toBe('enrolment_proof');
  });

  it('when the share is a key that the bridge does not know', async () => {
    const client = await signedIn();
    bridge.lies.offer = (honest) => ({ ...honest, share_proof: encodeBase64url(new Uint8Array(64)) });
    expect(await codeOf(() => client.enrol({ label: 'laptop' }))).toMatch(
      /^(enrolment_proof|recrypt_input_invalid)$/,
    );
  });

  it.each([
    ['names another address', statement({ address: 'mallory@acme.example' })],
    ['names another person', statement({ sub: 'sub-mallory' })],
    ['names another bridge', statement({ iss: 'https://bridge.mallory.example' })],
    ['declares escrow', statement({ escrow: 'organization' })],
    ['is revoked', statement({ status: 'revoked', reason: 'closed', version: 1, prev: testDigest('x') })],
    ['begins at a later version', statement({ version: 3 })],
    ['follows something at version 0', statement({ prev: testDigest('x') })],
    ['gives a reason at version 0', statement({ reason: 'reset' })],
    ['is backdated', statement({ since: 1_700_000_000 })],
  ])('when the statement %s', async (_what, change) => {
    expect(await refusedOffer(change)).toBe('enrolment_offer');
  });

  it('when the statement is over another signature key', async () => {
    const { keys } = await makeCompany('mallory');
    const code = await refusedOffer((honest) => ({
      statement: { ...honest.statement, keys: [honest.person_key, keys.binding.publicKey] },
    }));
    expect(code).toBe('enrolment_offer');
  });

  it('when it is another bridge’s', async () => {
    expect(await refusedOffer(() => ({ iss: 'https://bridge.mallory.example' }))).toBe('enrolment_offer');
  });

  it('when it has expired', async () => {
    expect(await refusedOffer(() => ({ expires: bridge.time - 600 }))).toBe('enrolment_offer');
  });
});

describe('a lying result is not believed', () => {
  it('when the credential is over another statement', async () => {
    const client = await signedIn();
    bridge.lies.enrolled = async (honest) => {
      const other = await bridge.company.signedStatement(
        bridge.company.statement({ sub: alice.sub, address: alice.address, since: bridge.time }),
      );
      return { ...honest, credential: await bridge.company.credential(other) };
    };
    expect(await codeOf(() => client.enrol({ label: 'laptop' }))).toBe('enrolment_offer');
  });

  it('when the device binding holds an endorsement that the person did not make', async () => {
    const client = await signedIn();
    bridge.lies.enrolled = async (honest) => {
      const claims = bridge.company.endorsementClaims({ sub: alice.sub });
      const forged = await signDeviceEndorsement(bridge.company.keys.binding, claims);
      return { ...honest, device_binding: await bridge.company.deviceBinding(forged, { sub: alice.sub }) };
    };
    expect(await codeOf(() => client.enrol({ label: 'laptop' }))).toBe('endorsement_mismatch');
  });

  it('when the root is not the one that the company hands out', async () => {
    const client = newClient(bridge, engine, { ownRoot: testDigest('another root') });
    await signIn(bridge, client, alice.address);
    expect(await codeOf(() => client.enrol({ label: 'laptop' }))).toBe('root_mismatch');
  });

  it('when it is not JSON, or not what the endpoint answers', async () => {
    const client = await signedIn();
    bridge.lies.offer = (honest) => ({ ...honest, extra: true }) as EnrolmentOffer;
    expect(await codeOf(() => client.enrol({ label: 'laptop' }))).toBe('bridge_invalid');
  });
});
