import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { createEnrolments } from '../../bridge/binding/enrolments.ts';
import { restrictPerson } from '../../bridge/directory/persons.ts';
import type { EnrolmentConfirmation } from '../../protocol/api.ts';
import { statementHash } from '../../protocol/key-statement.ts';
import type { EnrolmentTranscript } from '../../protocol/transcript.ts';
import { vaultContext } from '../../protocol/vault.ts';
import { decodeTransformKey, preFromJwk, preToJwk, TRANSFORM_KEY_BYTES } from '../../recrypt/encoding.ts';
import { sealTo, transformSealed } from '../../recrypt/sealed-box.ts';
import { type BridgeParts, bridgeParts } from '../fakes/bridge-parts.ts';
import {
  begin,
  type ConfirmationFaults,
  confirmation,
  contextOf,
  type Enrolling,
  holder,
  newDevice,
  newPerson,
  sealVault,
  transformKeyTo,
} from '../fakes/client-side.ts';
import { testPolicy } from '../fakes/test-policy.ts';
import { expectCode } from './expect-code.ts';

let parts: BridgeParts;
let alice: string;
let enrolling: Enrolling;

beforeAll(async () => {
  parts = await bridgeParts();
  alice = await parts.addPerson({ addresses: ['alice@acme.example'] });
});

afterAll(async () => {
  await parts.remove();
});

beforeEach(async () => {
  enrolling = await begin(parts, alice);
});

async function send(body: EnrolmentConfirmation, who = enrolling.who) {
  return parts.enrolments.confirm(who, enrolling.offer.enrolment_id, body, contextOf(who));
}

async function confirmWith(faults: ConfirmationFaults) {
  return send(await confirmation(parts.engine, enrolling, faults));
}

it('has the log’s proofs computed while the transform key is tried', async () => {
  onTestFinished(() => void vi.restoreAllMocks());
  const expected = vi.spyOn(parts.keyLog, 'expect');
  const tried = vi.spyOn(parts.transforms, 'run');
  const bea = await begin(parts, await parts.addPerson({ addresses: ['bea@acme.example'] }));
  const body = await confirmation(parts.engine, bea);
  const { who, offer } = bea;
  await parts.enrolments.confirm(who, offer.enrolment_id, body, contextOf(who));
  expect(expected).toHaveBeenCalledWith({ kind: 'address', name: 'bea@acme.example', version: 0 });
  const [first] = expected.mock.invocationCallOrder;
  expect(first).toBeLessThan(tried.mock.invocationCallOrder[0] ?? 0);
});

describe('a proof is refused', () => {
  const otherHash = 'A'.repeat(43);
  const others: [string, () => Partial<EnrolmentTranscript>][] = [
    ['nonce', () => ({ nonce: otherHash })],
    ['access token', () => ({ accessTokenHash: otherHash })],
    ['bridge', () => ({ iss: 'https://bridge.evil.example' })],
    ['request', () => ({ requestId: 'another' })],
    ['enrolment', () => ({ enrolmentId: 'another' })],
    ['policy', () => ({ policyHash: otherHash })],
    ['device encryption key', () => ({ deviceKey: preToJwk(parts.engine.generateKeyPair().publicKey) })],
    ['device signature key', () => ({ deviceSig: { kty: 'OKP', crv: 'Ed25519', x: otherHash } })],
    ['client half', () => ({ clientHalf: preToJwk(parts.engine.generateKeyPair().publicKey) })],
    ['share', () => ({ share: preToJwk(parts.engine.generateKeyPair().publicKey) })],
    ['person key', () => ({ personKey: preToJwk(parts.engine.generateKeyPair().publicKey) })],
    ['signature key of the person', () => ({ sig: { kty: 'OKP', crv: 'Ed25519', x: otherHash } })],
    ['person', () => ({ statementHash: statementHash({ ...enrolling.offer.statement, sub: 'another' }) })],
  ];
  it.each(others)('that was made for another %s', async (_, transcript) => {
    await expectCode(confirmWith({ transcript: transcript() }), 'enrolment_proof');
  });

  it('by a half that is not the one of the request', async () => {
    await expectCode(confirmWith({ halfSigner: parts.engine.generateKeyPair() }), 'enrolment_proof');
  });

  it('by a signature key that is not the one of the request', async () => {
    const { sig } = await newPerson(parts.engine);
    await expectCode(confirmWith({ proofSigner: sig }), 'enrolment_proof');
  });

  it('whose transform key, vault or statement signature was exchanged on the way', async () => {
    const body = await confirmation(parts.engine, enrolling);
    const another = await confirmation(parts.engine, enrolling);
    await expectCode(send({ ...body, transform_key: another.transform_key }), 'enrolment_proof');
    await expectCode(send({ ...body, vault: another.vault }), 'enrolment_proof');
  });
});

describe('a confirmation is refused', () => {
  it('from another person: the enrolment does not exist for them', async () => {
    const bob = await parts.addPerson({ addresses: [] });
    const body = await confirmation(parts.engine, enrolling);
    await expectCode(send(body, { ...enrolling.who, sub: bob }), 'enrolment_unknown');
  });

  it('for an enrolment that does not exist', async () => {
    const body = await confirmation(parts.engine, enrolling);
    const { who } = enrolling;
    await expectCode(parts.enrolments.confirm(who, 'none', body, contextOf(who)), 'enrolment_unknown');
  });

  it('from another device of the same person', async () => {
    const body = await confirmation(parts.engine, enrolling);
    const { deviceId } = holder(alice, await newDevice(parts.engine));
    await expectCode(send(body, { ...enrolling.who, deviceId }), 'enrolment_proof');
  });

  it('under another access token', async () => {
    const body = await confirmation(parts.engine, enrolling);
    const { accessTokenHash } = holder(alice, enrolling.device);
    await expectCode(send(body, { ...enrolling.who, accessTokenHash }), 'enrolment_proof');
  });

  it('after the policy has changed', async () => {
    const policy = testPolicy({ maxDevices: 7 });
    const { confirm } = createEnrolments({ ...parts, policy });
    const { who, offer } = enrolling;
    const body = await confirmation(parts.engine, enrolling);
    await expectCode(confirm(who, offer.enrolment_id, body, contextOf(who)), 'conflict');
  });

  it('from a person who was closed meanwhile', async () => {
    const bob = await parts.addPerson({ addresses: ['bob@acme.example'] });
    const bobs = await begin(parts, bob);
    await parts.database.transaction((tx) => restrictPerson(tx, bob, 'closed'));
    const body = await confirmation(parts.engine, bobs);
    const { who, offer } = bobs;
    const confirming = parts.enrolments.confirm(who, offer.enrolment_id, body, contextOf(who));
    await expectCode(confirming, 'person_closed');
  });

  it('for a statement other than the one that was offered', async () => {
    await expectCode(confirmWith({ statement: { version: 7 } }), 'statement_signature');
    await expectCode(confirmWith({ statement: { escrow: 'organization' } }), 'statement_signature');
  });

  it('for a statement signed by another key', async () => {
    const body = await confirmation(parts.engine, enrolling);
    const other = await confirmation(parts.engine, { ...enrolling, person: await newPerson(parts.engine) });
    const { statement_signature } = other;
    await expectCode(send({ ...body, statement_signature }), 'statement_signature');
    const { kid } = body.statement_signature;
    const borrowed = { ...statement_signature, kid };
    await expectCode(send({ ...body, statement_signature: borrowed }), 'statement_signature');
  });
});

describe('an endorsement is refused', () => {
  it('by another key', async () => {
    const { sig } = await newPerson(parts.engine);
    await expectCode(confirmWith({ endorser: sig }), 'endorsement_mismatch');
  });

  it('for another device', async () => {
    const other = await newDevice(parts.engine);
    const keys = [preToJwk(other.pre.publicKey), other.sig.publicKey] as [never, never];
    await expectCode(
      confirmWith({ endorsement: { device_id: other.sig.kid, keys } }),
      'endorsement_mismatch',
    );
  });

  it('for this device with another encryption key', async () => {
    const pre = preToJwk(parts.engine.generateKeyPair().publicKey);
    const keys = [pre, enrolling.device.sig.publicKey] as [typeof pre, never];
    await expectCode(confirmWith({ endorsement: { keys } }), 'endorsement_mismatch');
  });

  it('for this device with another signature key', async () => {
    const { sig } = await newDevice(parts.engine);
    const keys = [preToJwk(enrolling.device.pre.publicKey), sig.publicKey] as [never, typeof sig.publicKey];
    await expectCode(confirmWith({ endorsement: { device_id: sig.kid, keys } }), 'endorsement_mismatch');
  });

  it('for another key version, person or bridge', async () => {
    await expectCode(confirmWith({ endorsement: { key_version: 1 } }), 'endorsement_mismatch');
    await expectCode(confirmWith({ endorsement: { sub: 'another' } }), 'endorsement_mismatch');
    const iss = 'https://bridge.evil.example';
    await expectCode(confirmWith({ endorsement: { iss } }), 'endorsement_mismatch');
  });
});

describe('a transform key is refused', () => {
  it('that leads to another device', async () => {
    const transformTo = preToJwk(parts.engine.generateKeyPair().publicKey);
    await expectCode(confirmWith({ transformTo }), 'transform_key_mismatch');
  });

  it('that is signed by another key', async () => {
    const { sig } = await newPerson(parts.engine);
    await expectCode(confirmWith({ transformSigner: sig }), 'transform_key_mismatch');
  });

  it('whose own signature does not verify', async () => {
    const flip = (bytes: Uint8Array) => {
      const last = bytes.length - 1;
      return Uint8Array.from(bytes, (byte, index) => (index === last ? byte ^ 1 : byte));
    };
    await expectCode(confirmWith({ editTransformKey: flip }), 'recrypt_input_invalid');
  });

  it('that was edited under its signature', async () => {
    const edit = (bytes: Uint8Array) => {
      const { encryptedTempKey } = decodeTransformKey(bytes);
      const at = Buffer.from(bytes).indexOf(Buffer.from(encryptedTempKey)) + encryptedTempKey.length - 1;
      return Uint8Array.from(bytes, (byte, index) => (index === at ? byte ^ 1 : byte));
    };
    await expectCode(confirmWith({ editTransformKey: edit }), 'recrypt_input_invalid');
  });

  it('that is cut short, too long or of an unknown version', async () => {
    const edits = [
      (bytes: Uint8Array) => bytes.subarray(0, TRANSFORM_KEY_BYTES - 1),
      (bytes: Uint8Array) => Uint8Array.of(...bytes, 0),
      (bytes: Uint8Array) => Uint8Array.of(2, ...bytes.subarray(1)),
    ];
    for (const editTransformKey of edits) {
      await expectCode(confirmWith({ editTransformKey }), 'recrypt_input_invalid');
    }
  });

  it('that is not canonical base64url', async () => {
    const body = await confirmation(parts.engine, enrolling);
    const { length } = body.transform_key;
    expect(length % 4).not.toBe(0);
    const sloppy = `${body.transform_key.slice(0, -1)}_`;
    await expectCode(send({ ...body, transform_key: sloppy }), 'malformed_request');
  });
});

describe('a vault is refused', () => {
  it('that is too large', async () => {
    const { engine } = parts;
    const { statement } = enrolling.offer;
    const personKey = preFromJwk(engine, statement.keys[0]);
    const vault = await sealTo(engine, personKey, new Uint8Array(8_192), vaultContext(statement));
    await expectCode(confirmWith({ vault }), 'payload_too_large');
  });

  it('that is no sealed box', async () => {
    await expectCode(confirmWith({ vault: new Uint8Array(2_000) }), 'recrypt_input_invalid');
    await expectCode(confirmWith({ vault: new Uint8Array(0) }), 'recrypt_input_invalid');
  });

  it('that went through a transform', async () => {
    const { engine } = parts;
    const { person, device, offer } = enrolling;
    const toDevice = await transformKeyTo(engine, person, preToJwk(device.pre.publicKey));
    const sealed = await sealVault(engine, person, offer.statement);
    const vault = transformSealed(engine, sealed, decodeTransformKey(toDevice));
    await expectCode(confirmWith({ vault }), 'recrypt_input_invalid');
  });
});

describe('after a refusal', () => {
  it('the true confirmation is still taken', async () => {
    const carol = await parts.addPerson({ addresses: ['carol@acme.example'] });
    enrolling = await begin(parts, carol);
    await expectCode(confirmWith({ transcript: { nonce: 'A'.repeat(43) } }), 'enrolment_proof');
    const body = await confirmation(parts.engine, enrolling);
    expect((await send(body)).credential.binding).toBeTypeOf('string');
  });
});
