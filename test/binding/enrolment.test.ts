import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeBase64url } from '../../protocol/base64url.ts';
import { verifyCredential, verifyRevocation } from '../../protocol/credential.ts';
import { verifyDeviceBinding } from '../../protocol/device.ts';
import { statementHash } from '../../protocol/key-statement.ts';
import { verifyOnlineKeys } from '../../protocol/online-keys.ts';
import { enrolmentTranscript } from '../../protocol/transcript.ts';
import { preFromJwk, preToJwk } from '../../recrypt/encoding.ts';
import { type BridgeParts, bridgeParts } from '../fakes/bridge-parts.ts';
import {
  begin,
  confirmation,
  contextOf,
  enrol,
  enrolmentRequest,
  holder,
  newDevice,
  newPerson,
  transcriptMembers,
} from '../fakes/client-side.ts';
import { expectCode } from './expect-code.ts';
import { revoke } from './revoke.ts';

const ALICE = 'alice@acme.example';

let parts: BridgeParts;
let alice: string;

beforeEach(async () => {
  parts = await bridgeParts();
  alice = await parts.addPerson({ name: 'Alice', addresses: [ALICE, 'a.smith@acme.example'] });
});

afterEach(async () => {
  await parts.remove();
});

function verification() {
  return {
    issuer: parts.issuer,
    policy: { level: 'signed' as const, maxAge: 60 },
    now: Math.floor(parts.clock.now() / 1000),
  };
}

describe('the offer of an enrolment', () => {
  it('proves the share over everything that the enrolment is about', async () => {
    const enrolling = await begin(parts, alice);
    const { offer, request } = enrolling;
    const share = preFromJwk(parts.engine, offer.share);
    const transcript = enrolmentTranscript(transcriptMembers(enrolling));
    const proof = decodeBase64url(offer.share_proof, 64);
    expect(parts.engine.schnorrVerify(share, transcript, proof)).toBe(true);
    const sum = parts.engine.augmentPublicKey(preFromJwk(parts.engine, request.client_half), share);
    expect(preToJwk(sum)).toEqual(offer.person_key);
  });

  it('holds the complete statement of the primary address, version 0', async () => {
    const { offer, request } = await begin(parts, alice);
    expect(offer.statement).toEqual({
      v: 1,
      iss: parts.signer.iss,
      sub: alice,
      address: ALICE,
      version: 0,
      key_version: 0,
      status: 'active',
      keys: [offer.person_key, request.sig],
      assurance: 'member',
      escrow: 'none',
      since: Math.floor(parts.clock.now() / 1000),
      prev: null,
    });
  });

  it('is for the address that was named', async () => {
    const { offer } = await begin(parts, alice, { request: { address: 'A.Smith@acme.example' } });
    expect(offer.statement.address).toBe('a.smith@acme.example');
  });

  it('does not show the share in the store', async () => {
    const { offer } = await begin(parts, alice);
    const row = await parts.database.read((query) =>
      query.selectFrom('enrolments').selectAll().executeTakeFirstOrThrow(),
    );
    expect(row.enrolment_id).toBe(offer.enrolment_id);
    expect(Buffer.from(row.sealed).includes(Buffer.from(offer.nonce))).toBe(false);
  });

  it('is the same for a repeated request', async () => {
    const { who, request, offer } = await begin(parts, alice);
    expect(await parts.enrolments.offer(who, request, contextOf(who))).toEqual(offer);
    const offered = (await parts.eventsSoFar()).filter(({ type }) => type === 'enrolment.offered');
    expect(offered).toHaveLength(1);
  });

  it('is the same for two requests at the same time', async () => {
    const device = await newDevice(parts.engine);
    const who = holder(alice, device);
    const request = enrolmentRequest(await newPerson(parts.engine), device);
    const offers = await Promise.all([1, 2].map(() => parts.enrolments.offer(who, request, contextOf(who))));
    expect(offers[0]).toEqual(offers[1]);
  });

  it('is refused for a request id that was used with another body', async () => {
    const { who, request } = await begin(parts, alice);
    const changed = { ...request, device_label: 'another' };
    await expectCode(parts.enrolments.offer(who, changed, contextOf(who)), 'request_id_reused');
  });

  it('is refused for a request id that was used under another token', async () => {
    const { who, request, device } = await begin(parts, alice);
    const refreshed = holder(alice, device);
    expect(refreshed.accessTokenHash).not.toBe(who.accessTokenHash);
    await expectCode(parts.enrolments.offer(refreshed, request, contextOf(who)), 'request_id_reused');
  });

  it('is refused for an address of somebody else, by policy, which the refusal names', async () => {
    await parts.addPerson({ addresses: ['bob@acme.example'] });
    const refused = begin(parts, alice, { request: { address: 'bob@acme.example' } });
    await expect(refused).rejects.toMatchObject({
      code: 'forbidden',
      cause: {
        request: { action: 'enrol', resource: { id: 'bob@acme.example' } },
        decision: { policy: 'keys-and-devices-belong-to-their-person' },
      },
    });
  });

  it('is refused for an address that nobody holds', async () => {
    await expectCode(begin(parts, alice, { request: { address: 'x@acme.example' } }), 'forbidden');
  });

  it('is refused for what is no address', async () => {
    await expectCode(begin(parts, alice, { request: { address: 'ålice@acme.example' } }), 'address_invalid');
  });

  it('is refused for a person without an address', async () => {
    const nobody = await parts.addPerson({ addresses: [] });
    await expectCode(begin(parts, nobody), 'no_address');
  });

  it('is refused for a domain that is not verified', async () => {
    const carol = await parts.addPerson({ addresses: ['carol@other.example'] });
    await expectCode(begin(parts, carol), 'domain_not_approved');
  });

  it('is refused for a person who does not exist, and for a closed one', async () => {
    await expectCode(begin(parts, 'nobody'), 'person_unknown');
    await enrol(parts, alice);
    await revoke(parts, ALICE, 'closed');
    await expectCode(begin(parts, alice), 'person_closed');
  });

  it('is refused while the address has an active key', async () => {
    await enrol(parts, alice);
    await expectCode(begin(parts, alice), 'already_enrolled');
  });

  it('is refused for a second address of the person, and says why', async () => {
    await enrol(parts, alice);
    const second = begin(parts, alice, { request: { address: 'a.smith@acme.example' } });
    await expect(second).rejects.toMatchObject({
      code: 'already_enrolled',
      detail: `In this version one address per person is enrolled; yours is ${ALICE}.`,
    });
  });

  it('is refused for a device key that the token is not bound to', async () => {
    const { publicKey } = (await newDevice(parts.engine)).sig;
    await expectCode(begin(parts, alice, { request: { device_sig: publicKey } }), 'dpop_invalid');
  });

  it('is refused when person and device share a key', async () => {
    const person = await newPerson(parts.engine);
    const device = await newDevice(parts.engine);
    const who = holder(alice, device);
    const oneSig = enrolmentRequest({ ...person, sig: device.sig }, device);
    await expectCode(parts.enrolments.offer(who, oneSig, contextOf(who)), 'key_invalid');
    const onePre = enrolmentRequest({ ...person, half: device.pre }, device);
    await expectCode(parts.enrolments.offer(who, onePre, contextOf(who)), 'key_invalid');
  });

  it('is refused for a client half that is no point of the curve', async () => {
    const bad = { ...preToJwk(parts.engine.generateKeyPair().publicKey), x: `${'A'.repeat(42)}E` };
    await expectCode(begin(parts, alice, { request: { client_half: bad } }), 'recrypt_input_invalid');
  });

  it('is refused for a signature key of small order', async () => {
    const sig = { kty: 'OKP', crv: 'Ed25519', x: `${'A'.repeat(42)}A` } as const;
    await expectCode(begin(parts, alice, { request: { sig } }), 'key_invalid');
  });
});

describe('the policy of enrolment', () => {
  it('can demand several factors', async () => {
    const strict = await bridgeParts({ policy: { requireMultiFactor: true } });
    const sub = await strict.addPerson({ addresses: [ALICE] });
    const signIn = { protocol: 'oidc', acr: null, amr: ['pwd', 'otp'], authTime: null } as const;
    await expectCode(begin(strict, sub), 'forbidden');
    await begin(strict, sub, { who: { signIn } });
    await strict.remove();
  });
});

describe('a confirmed enrolment', () => {
  it('answers a credential that verifies, and the binding of the device', async () => {
    const { result, device, offer } = await enrol(parts, alice);
    const verified = await verifyCredential(result.credential, ALICE, verification());
    expect(verified.statement).toEqual(offer.statement);
    expect(verified.binding.policy_hash).toBe(parts.policy.hash);
    const endorsed = await verifyDeviceBinding(
      result.device_binding,
      verified.onlineKeys,
      verified.statement,
      verification().now,
    );
    expect(endorsed.device_id).toBe(device.sig.kid);
  });

  it('is published, and every step left its event', async () => {
    const { device, offer } = await enrol(parts, alice);
    const published = await parts.database.read((query) =>
      parts.keyLog.isPublished(query, 'address', ALICE, 0),
    );
    expect(published).toBe(true);
    const events = await parts.eventsSoFar();
    expect(events.map(({ type }) => type)).toEqual([
      'enrolment.offered',
      'enrolment.confirmed',
      'device.added',
      'statement.published',
    ]);
    const { enrolment_id, statement } = offer;
    expect(events[1]?.data).toEqual({ enrolment_id, version: 0, key_version: 0 });
    expect(events[2]?.subject).toEqual({ sub: alice, address: ALICE, device: device.sig.kid });
    expect(events[3]?.data).toEqual({
      version: 0,
      key_version: 0,
      statement_hash: statementHash(statement),
    });
  });

  it('answers the same for a repeated confirmation, and stores nothing twice', async () => {
    const { who, offer, confirmation, result } = await enrol(parts, alice);
    const again = await parts.enrolments.confirm(who, offer.enrolment_id, confirmation, contextOf(who));
    expect(again).toEqual(result);
    expect(await parts.eventsSoFar()).toHaveLength(4);
  });

  it('answers the same for a repeated confirmation under a refreshed token', async () => {
    const { device, offer, confirmation, result } = await enrol(parts, alice);
    const who = holder(alice, device);
    expect(await parts.enrolments.confirm(who, offer.enrolment_id, confirmation, contextOf(who))).toEqual(
      result,
    );
  });

  it('refuses a second confirmation with another body', async () => {
    const enrolled = await enrol(parts, alice);
    const { who, offer } = enrolled;
    const other = await confirmation(parts.engine, enrolled);
    const confirming = parts.enrolments.confirm(who, offer.enrolment_id, other, contextOf(who));
    await expectCode(confirming, 'replayed');
  });

  it('does not hand out the old credential when its confirmation is repeated after a revocation', async () => {
    const { who, offer, confirmation } = await enrol(parts, alice);
    await revoke(parts, ALICE, 'reset');
    const again = parts.enrolments.confirm(who, offer.enrolment_id, confirmation, contextOf(who));
    await expectCode(again, 'conflict');
  });

  it('is stored once when it is confirmed twice at the same time', async () => {
    const enrolling = await begin(parts, alice);
    const { who, offer } = enrolling;
    const body = await confirmation(parts.engine, enrolling);
    const [first, second] = await Promise.all(
      [1, 2].map(() => parts.enrolments.confirm(who, offer.enrolment_id, body, contextOf(who))),
    );
    expect(first).toEqual(second);
    expect(await parts.eventsSoFar()).toHaveLength(4);
  });

  it('is one of two that were offered at the same time', async () => {
    const first = await begin(parts, alice);
    const second = await begin(parts, alice);
    const confirm = async ({ who, offer }: typeof first, body: Awaited<ReturnType<typeof confirmation>>) =>
      parts.enrolments.confirm(who, offer.enrolment_id, body, contextOf(who));
    await confirm(first, await confirmation(parts.engine, first));
    await expectCode(confirm(second, await confirmation(parts.engine, second)), 'already_enrolled');
  });

  it('keeps the share and the transform key sealed to this person, device and version', async () => {
    const { device } = await enrol(parts, alice);
    const row = await parts.database.read((query) =>
      query.selectFrom('devices').selectAll().executeTakeFirstOrThrow(),
    );
    const context = { kind: 'transform-key', sub: alice, device: device.sig.kid, key_version: 0 };
    expect((await parts.signer.open(context, row.transform_key)).length).toBeGreaterThan(600);
    await expectCode(parts.signer.open({ ...context, sub: 'bob' }, row.transform_key), 'seal_broken');
    await expectCode(parts.signer.open({ ...context, key_version: 1 }, row.transform_key), 'seal_broken');
  });
});

describe('an enrolment that was not confirmed in time', () => {
  it('is refused', async () => {
    const enrolling = await begin(parts, alice);
    const { who, offer } = enrolling;
    parts.clock.advance(300);
    const body = await confirmation(parts.engine, enrolling);
    await expectCode(
      parts.enrolments.confirm(who, offer.enrolment_id, body, contextOf(who)),
      'enrolment_expired',
    );
  });

  it('is not held up by another enrolment that cannot be opened', async () => {
    await enrol(parts, alice);
    const broken = { status: 'confirmed', sealed: new Uint8Array(40) } as const;
    await parts.database.transaction((tx) => tx.updateTable('enrolments').set(broken).execute());
    const bob = await parts.addPerson({ name: 'Bob', addresses: ['bob@acme.example'] });
    await begin(parts, bob);
    parts.clock.advance(300);
    expect(await parts.enrolments.expire()).toBe(1);
    expect((await parts.eventsSoFar()).at(-1)).toMatchObject({ type: 'enrolment.expired' });
  });

  it('leaves an event only', async () => {
    const enrolling = await begin(parts, alice);
    const { who, offer } = enrolling;
    expect(await parts.enrolments.expire()).toBe(0);
    parts.clock.advance(300);
    expect(await parts.enrolments.expire()).toBe(1);
    const events = await parts.eventsSoFar();
    expect(events.at(-1)).toMatchObject({ type: 'enrolment.expired', code: 'enrolment_expired' });
    const body = await confirmation(parts.engine, enrolling);
    await expectCode(
      parts.enrolments.confirm(who, offer.enrolment_id, body, contextOf(who)),
      'enrolment_unknown',
    );
  });
});

describe('an enrolment after a revocation', () => {
  it('continues the versions and is signed by the bridge too', async () => {
    await enrol(parts, alice);
    const revoked = await revoke(parts, ALICE, 'reset');
    const { result, offer } = await enrol(parts, alice);
    expect(offer.statement).toMatchObject({
      version: 2,
      key_version: 1,
      reason: 'reset',
      prev: statementHash(revoked),
    });
    const { binding } = await verifyCredential(result.credential, ALICE, verification());
    expect(binding.signatures).toHaveLength(2);
  });

  it('needs a new signature key', async () => {
    const { person } = await enrol(parts, alice);
    await revoke(parts, ALICE, 'reset');
    await expectCode(begin(parts, alice, { request: { sig: person.sig.publicKey } }), 'key_invalid');
  });

  it('by another person continues the versions of the address, and begins the keys of the person', async () => {
    await enrol(parts, alice);
    await revoke(parts, ALICE, 'closed');
    await parts.database.transaction((tx) => tx.deleteFrom('addresses').where('sub', '=', alice).execute());
    const successor = await parts.addPerson({ addresses: [ALICE] });
    const { offer } = await enrol(parts, successor);
    expect(offer.statement).toMatchObject({ version: 2, key_version: 0, reason: 're-enrolled' });
  });

  it('is refused if it was offered before another version came', async () => {
    const early = await begin(parts, alice);
    await enrol(parts, alice);
    await revoke(parts, ALICE, 'reset');
    const body = await confirmation(parts.engine, early);
    const { who, offer } = early;
    const confirming = parts.enrolments.confirm(who, offer.enrolment_id, body, contextOf(who));
    await expectCode(confirming, 'conflict');
  });
});

describe('the evidence of a revocation', () => {
  it('verifies under the online keys that are stapled to it', async () => {
    await enrol(parts, alice);
    const { version } = await revoke(parts, ALICE, 'reset');
    await parts.keyLog.published('address', ALICE, version);
    const answer = await parts.credentials.forAddress(ALICE);
    if (answer.status !== 'revoked') throw new Error(answer.status);
    const { issuer, now } = verification();
    const { statement } = await verifyRevocation(answer.revocation, ALICE, { issuer, now });
    expect(statement.version).toBe(1);
    await verifyOnlineKeys(
      answer.revocation.online_keys,
      { iss: issuer.entity_id, rootThumbprint: issuer.root_thumbprint },
      now,
    );
  });
});
