import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createBridgeApi } from '../../client/bridge-api.ts';
import { createContext } from '../../client/context.ts';
import { createDpopFetch } from '../../client/dpop-fetch.ts';
import { isOutdated, verifyPastSigner } from '../../client/groups/past-signer.ts';
import type { AddressPin, Client } from '../../client/index.ts';
import { createMemoryKeyStore, createMemoryPinStore } from '../../client/memory-stores.ts';
import { createOwnOnlineKeys } from '../../client/own-online-keys.ts';
import { createSession } from '../../client/session.ts';
import type { Credential } from '../../protocol/credential.ts';
import type { SigningKey } from '../../protocol/ed25519.ts';
import type { SignerEvidence } from '../../protocol/groups/signer-evidence.ts';
import type { SignedStatement } from '../../protocol/key-statement.ts';
import { thumbprint } from '../../protocol/public-key.ts';
import { loadTransformEngine } from '../../recrypt/load-node.ts';
import type { TransformEngine } from '../../recrypt/transform-engine.ts';
import { expectCode } from '../binding/expect-code.ts';
import { type RunningFakeBridge, startFakeBridge } from '../fakes/fake-bridge/fake-bridge.ts';
import { DAY, type Device, makeDevice, NOW, testEncryptionKey, testKey } from '../protocol/company.ts';
import { enrolled } from './fixture.ts';

const ALICE = 'alice@acme.example';
const BACK = 2 * DAY;

let engine: TransformEngine;
let running: RunningFakeBridge;
let stores: {
  keyStore: ReturnType<typeof createMemoryKeyStore>;
  pinStore: ReturnType<typeof createMemoryPinStore>;
};
let reader: Client;
/** Her `sig` of the beginning, and the device that it endorses. */
let sig: SigningKey;
let device: Device;
let first: SignedStatement;

beforeAll(async () => {
  engine = await loadTransformEngine();
});

/** Alice, whose keys the test has, and somebody who reads what she seals. */
beforeEach(async () => {
  running = await startFakeBridge(engine);
  const { bridge } = running;
  const alice = bridge.addPerson('alice');
  bridge.addPerson('rita');
  stores = { keyStore: createMemoryKeyStore(), pinStore: createMemoryPinStore() };
  reader = await enrolled(bridge, engine, 'rita@acme.example', stores);
  sig = await testKey('alice at first');
  device = await makeDevice('alice’s laptop');
  const { company } = bridge;
  const keys = [testEncryptionKey('alice'), sig.publicKey] as [AddressPin['pre'], AddressPin['sig']];
  const names = { sub: alice.sub, address: alice.address };
  first = await company.signedStatement(company.statement({ ...names, keys, since: NOW - 9 * DAY }), [sig]);
  alice.signed = first;
});
afterEach(() => running.close());

function partsOf() {
  const { bridge } = running;
  const context = createContext({
    ...{ issuer: bridge.issuer, clientId: 'test-app', engine, ...stores, fetch: bridge.fetch },
    clock: { now: () => bridge.time * 1000 },
  });
  const dpopFetch = createDpopFetch(context);
  const session = createSession(context, dpopFetch);
  return {
    context,
    api: createBridgeApi(context, session, dpopFetch),
    ownKeys: createOwnOnlineKeys(context),
  };
}

/** Evidence of two days ago, for a statement and a device that this `sig` endorses. */
async function evidenceOf(
  signed: SignedStatement,
  by: SigningKey,
  credential: Partial<Credential> = {},
): Promise<SignerEvidence> {
  const { company } = running.bridge;
  const { statement } = signed;
  const then = { iat: NOW - BACK, nbf: NOW - BACK, exp: NOW - BACK + DAY };
  const endorsement = await company.endorsement(
    {
      ...{ sub: statement.sub, device_id: device.sig.kid, keys: [device.pre, device.sig.publicKey] },
      key_version: statement.key_version,
      iat: then.iat,
    },
    by,
  );
  return {
    address: statement.address,
    credential: {
      binding: await company.binding(signed, then),
      online_keys: await company.onlineKeysToken({ iat: then.iat - DAY }),
      ...credential,
    },
    device_binding: await company.deviceBinding(endorsement, { sub: statement.sub, ...then }),
  };
}

async function signerOf(evidence: SignerEvidence): Promise<string> {
  const parts = partsOf();
  expect(await isOutdated(parts, evidence)).toBe(true);
  return (await verifyPastSigner(parts, evidence, NOW - BACK + 60)).address;
}

/** Alice's next statement, under another `sig`: as she signs it, or as `signers` do. */
async function rotated(
  from: SignedStatement,
  name: string,
  by: SigningKey,
): Promise<[SignedStatement, SigningKey]> {
  const { company } = running.bridge;
  const { statement } = from;
  const next = await testKey(name);
  const keys = [statement.keys[0], next.publicKey] as typeof statement.keys;
  const changed = company.nextStatement(statement, { keys, key_version: statement.key_version + 1 });
  return [await company.signedStatement(changed, [next, by]), next];
}

/** From now on this is what the bridge answers about her, with the rotations before it. */
function answering(signed: SignedStatement, rotations: SignedStatement[] = []): void {
  const { bridge } = running;
  const alice = bridge.persons.get(ALICE);
  if (alice === undefined) throw new Error('she is there');
  alice.signed = signed;
  bridge.lookUps.results.set(ALICE, (honest) =>
    honest.status === 'credential' && rotations.length > 0
      ? { ...honest, credential: { ...honest.credential, rotations } }
      : honest,
  );
}

async function pinOfAlice() {
  return (await stores.pinStore.read())?.addresses[ALICE];
}

/** All that a bridge has: her name and public keys. Everything else is its own. */
async function forged(version = 0): Promise<[SignedStatement, SigningKey]> {
  const { company } = running.bridge;
  const own = await testKey('the bridge’s own');
  const { statement } = first;
  const keys = [statement.keys[0], own.publicKey] as typeof statement.keys;
  const prev = version === 0 ? null : 'A'.repeat(43);
  return [await company.signedStatement({ ...statement, keys, version, prev }, [own]), own];
}

describe('evidence of then', () => {
  it('is taken of whoever is pinned, and of whom nothing is pinned it pins', async () => {
    expect(await signerOf(await evidenceOf(first, sig))).toBe(ALICE);
    expect((await pinOfAlice())?.status).toBe('active');
  });

  it('is taken of somebody who has left, whom nobody here had seen before', async () => {
    const { company } = running.bridge;
    const ended = company.nextStatement(first.statement, { status: 'revoked', reason: 'closed' });
    const revocation = {
      ...(await company.signedStatement(ended, [company.keys.statement])),
      online_keys: await company.onlineKeysToken(),
    };
    running.bridge.lookUps.results.set(ALICE, ({ address, as_of, source, iss }) => ({
      ...{ status: 'revoked', address, as_of, source, iss, revocation },
    }));
    expect(await signerOf(await evidenceOf(first, sig))).toBe(ALICE);
    expect(await pinOfAlice()).toMatchObject({ status: 'revoked', version: 1 });
    const [own, key] = await forged();
    await expectCode(signerOf(await evidenceOf(own, key)), 'pin_changed');
  });

  it('is taken of keys that were rotated since, as far as the person’s signatures lead back', async () => {
    const [second, secondSig] = await rotated(first, 'alice later', sig);
    const [third] = await rotated(second, 'alice last', secondSig);
    answering(third, [second]);
    expect(await signerOf(await evidenceOf(first, sig))).toBe(ALICE);
    expect(await signerOf(await evidenceOf(second, secondSig))).toBe(ALICE);
    // What was recognized once stays so when nothing shows it any more.
    answering(third);
    expect(await signerOf(await evidenceOf(first, sig))).toBe(ALICE);
    expect((await pinOfAlice())?.earlier).toContain(thumbprint(sig.publicKey));
  });

  it('is taken of keys that this device saw rotated, when their person has left', async () => {
    await reader.lookUp([ALICE]);
    answering((await rotated(first, 'alice later', sig))[0]);
    await reader.lookUp([ALICE]);
    running.bridge.lookUps.results.set(ALICE, ({ address, as_of, source, iss }) => ({
      ...{ status: 'not_found', address, as_of, source, iss },
    }));
    expect(await signerOf(await evidenceOf(first, sig))).toBe(ALICE);
  });

  it('is refused with a `sig` of its own behind the person’s `pre`', async () => {
    await reader.lookUp([ALICE]);
    const [own, key] = await forged();
    await expectCode(signerOf(await evidenceOf(own, key)), 'statement_forked');
    const [newer, newerKey] = await forged(1);
    await expectCode(signerOf(await evidenceOf(newer, newerKey)), 'version_rollback');
    const [second, secondSig] = await rotated(first, 'alice later', sig);
    const [third] = await rotated(second, 'alice last', secondSig);
    answering(third, [second]);
    await expectCode(signerOf(await evidenceOf(own, key)), 'pin_changed');
    await expectCode(signerOf(await evidenceOf(newer, newerKey)), 'pin_changed');
    // With the person's own rotation, to which the bridge's key signs too: it does not name that key's statement.
    const { company } = running.bridge;
    const signed = await company.signedStatement(second.statement, [secondSig, key]);
    answering(third, [signed]);
    await expectCode(signerOf(await evidenceOf(own, key)), 'pin_changed');
  });

  it('is refused without the log proof of an issuer that keeps a log', async () => {
    const { bridge } = running;
    const log = bridge.keepLog();
    log.add(first.statement, NOW - 3 * DAY);
    const proved = await log.stapleOf(first, NOW - 3 * DAY);
    await reader.lookUp([ALICE]);
    await expectCode(signerOf(await evidenceOf(first, sig)), 'level_too_low');
    expect(await signerOf(await evidenceOf(first, sig, proved))).toBe(ALICE);
  });

  it('is refused with the proof of another log than was seen', async () => {
    const { bridge } = running;
    const log = bridge.keepLog();
    const other = log.fork();
    log.add(first.statement, NOW - 3 * DAY);
    other.add({ ...first.statement, address: 'somebody@acme.example' }, NOW - 3 * DAY);
    other.add(first.statement, NOW - 3 * DAY);
    log.grow(NOW - 3 * DAY);
    const split = await other.stapleOf(first, NOW - 3 * DAY);
    await reader.lookUp([ALICE]);
    await expectCode(signerOf(await evidenceOf(first, sig, split)), 'log_split_view');
  });

  it('is refused under a key declared compromised since', async () => {
    const { bridge } = running;
    await reader.lookUp([ALICE]);
    const evidence = await evidenceOf(first, sig);
    const compromised = [bridge.company.keys.binding.kid];
    const honest = bridge.company.onlineKeysToken.bind(bridge.company);
    bridge.lies.onlineKeysToken = () => honest({ serial: 2, compromised });
    await expectCode(signerOf(evidence), 'key_compromised');
  });

  it('of a partner is refused under a key that its root has declared compromised', async () => {
    await reader.lookUp([ALICE]);
    const evidence = await evidenceOf(first, sig);
    const compromised = [running.bridge.company.keys.binding.kid];
    await stores.pinStore.update(async (pins) => {
      const issuer = pins?.issuers[running.bridge.issuer];
      if (pins == null || issuer === undefined) throw new Error('nothing is pinned');
      const issuers = { ...pins.issuers, [issuer.entity_id]: { ...issuer, serial: 9, compromised } };
      return { pins: { ...pins, issuers }, result: undefined };
    });
    await expectCode(signerOf(evidence), 'key_compromised');
  });
});
