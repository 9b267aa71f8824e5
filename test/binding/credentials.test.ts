import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { setDomainCheck } from '../../bridge/directory/domains.ts';
import { restrictPerson } from '../../bridge/directory/persons.ts';
import type { KeyLog } from '../../bridge/keylog/key-log.ts';
import type { Principal } from '../../bridge/policy/decision.ts';
import { rotateKeys } from '../../bridge/signer/key-ceremony.ts';
import { verifyCredential } from '../../protocol/credential.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { verifyIdentityAttributes } from '../../protocol/identity-attributes.ts';
import { decodeClaims, type ObjectType } from '../../protocol/jws.ts';
import { keyBindingSchema } from '../../protocol/key-binding.ts';
import { type BridgeParts, type BridgePartsOptions, bridgeParts } from '../fakes/bridge-parts.ts';
import { begin, confirmation, contextOf, enrol } from '../fakes/client-side.ts';
import { overriding } from '../fakes/overriding.ts';
import { expectCode } from './expect-code.ts';
import { revoke } from './revoke.ts';

const ALICE = 'alice@acme.example';
const signIn = {
  protocol: 'oidc',
  acr: 'urn:acme:gold',
  amr: ['pwd', 'otp'],
  authTime: 1_763_800_000,
} as const;

let parts: BridgeParts;
let alice: string;
let signed: ObjectType[];
/** While closed, nothing counts as published. */
let logOpen: boolean;

beforeEach(async () => {
  signed = [];
  logOpen = true;
  await restart();
});

afterEach(async () => {
  await parts.remove();
});

async function restart(options: BridgePartsOptions = {}) {
  parts = await bridgeParts({ replace, ...options });
  alice = await parts.addPerson({ name: 'Alice Smith', addresses: [ALICE] });
}

const replace: NonNullable<BridgePartsOptions['replace']> = (real) => {
  const keyLog = overriding<KeyLog>(real.keyLog, {
    isPublished: async (...query) => logOpen && real.keyLog.isPublished(...query),
    published: async (...version) => {
      if (!logOpen) throw new CountersignError('unavailable');
      await real.keyLog.published(...version);
    },
  });
  const signer = overriding(real.signer, {
    sign: (...call) => {
      signed.push(call[1]);
      return real.signer.sign(...call);
    },
  });
  return { keyLog, signer };
};

async function status(address = ALICE): Promise<string> {
  return (await parts.credentials.forAddress(address)).status;
}

async function credentialOf(
  address = ALICE,
  asker?: Parameters<BridgeParts['credentials']['forAddress']>[1],
) {
  const answer = await parts.credentials.forAddress(address, asker);
  if (answer.status !== 'credential') throw new Error(answer.status);
  return answer.credential;
}

function now() {
  return Math.floor(parts.clock.now() / 1000);
}

/** Confirms while nothing is published: it is stored, and the client is told to come again. */
async function enrolUnpublished(): Promise<void> {
  const enrolling = await begin(parts, alice);
  const { who, offer } = enrolling;
  const body = await confirmation(parts.engine, enrolling);
  await expectCode(parts.enrolments.confirm(who, offer.enrolment_id, body, contextOf(who)), 'unavailable');
}

describe('an address', () => {
  it('is not found before anybody enrolled it', async () => {
    expect(await status()).toBe('not_found');
    expect(await status('nobody@acme.example')).toBe('not_found');
  });

  it('is not found while its first key waits to be published', async () => {
    logOpen = false;
    await enrolUnpublished();
    expect(await status()).toBe('not_found');
    logOpen = true;
    await parts.keyLog.published('address', ALICE, 0);
    expect(await status()).toBe('credential');
  });

  it('is revoked pending at once, and revoked when that is published', async () => {
    await enrol(parts, alice);
    logOpen = false;
    await revoke(parts, ALICE, 'reset');
    expect(await status()).toBe('revoked_pending');
    logOpen = true;
    await parts.keyLog.published('address', ALICE, 1);
    expect(await status()).toBe('revoked');
  });

  it('stays revoked while its next key waits to be published', async () => {
    await enrol(parts, alice);
    await revoke(parts, ALICE, 'reset');
    await parts.keyLog.published('address', ALICE, 1);
    expect(await status()).toBe('revoked');
    logOpen = false;
    await enrolUnpublished();
    const answer = await parts.credentials.forAddress(ALICE);
    expect(answer).toMatchObject({ status: 'revoked', revocation: { statement: { version: 1 } } });
  });

  it('is revoked pending while neither the revocation nor the next key is published', async () => {
    await enrol(parts, alice);
    logOpen = false;
    await revoke(parts, ALICE, 'reset');
    await enrolUnpublished();
    expect(await status()).toBe('revoked_pending');
  });

  it('is not found once its domain is lost', async () => {
    await enrol(parts, alice);
    await parts.database.transaction((tx) =>
      setDomainCheck(tx, 'acme.example', { status: 'lost', verified: null, checked: now(), failures: 3 }),
    );
    expect(await status()).toBe('not_found');
  });

  it('is answered by what another process has just committed, however often it was answered before', async () => {
    await enrol(parts, alice);
    const other = await parts.openAnother();
    const lose = { status: 'lost', verified: null, checked: now(), failures: 3 } as const;
    const find = { status: 'verified', verified: now(), checked: now(), failures: 0 } as const;
    const steps = [
      () => other.transaction((tx) => setDomainCheck(tx, 'acme.example', lose)),
      () => other.transaction((tx) => setDomainCheck(tx, 'acme.example', find)),
      () => other.transaction((tx) => restrictPerson(tx, alice, 'closed')),
    ];
    const seen = [await status(), await status()];
    for (const step of steps) {
      await step();
      // Another process commits in no turn of this one's event loop.
      await nextTurn();
      seen.push(await status(), await status());
    }
    expect(seen).toEqual([
      ...['credential', 'credential', 'not_found', 'not_found'],
      ...['credential', 'credential', 'revoked_pending', 'revoked_pending'],
    ]);
  });

  it('of a closed person is never answered with a credential, whatever the statement says', async () => {
    await enrol(parts, alice);
    await parts.database.transaction((tx) => restrictPerson(tx, alice, 'closed'));
    expect(await status()).toBe('revoked_pending');
  });

  it('is answered among many', async () => {
    await enrol(parts, alice);
    const answers = await parts.credentials.forAddresses([ALICE, 'nobody@acme.example', 'x@other.example']);
    expect([...answers].map(([address, { status }]) => [address, status])).toEqual([
      [ALICE, 'credential'],
      ['nobody@acme.example', 'not_found'],
      ['x@other.example', 'not_found'],
    ]);
  });
});

describe('an enrolment that is stored and waits to be published', () => {
  it('is answered when the same confirmation comes again', async () => {
    const enrolling = await begin(parts, alice);
    const { who, offer } = enrolling;
    const body = await confirmation(parts.engine, enrolling);
    const confirm = () => parts.enrolments.confirm(who, offer.enrolment_id, body, contextOf(who));
    logOpen = false;
    await expectCode(confirm(), 'unavailable');
    logOpen = true;
    expect((await confirm()).credential).toEqual(await credentialOf());
  });

  it('leaves its event though the client never comes again', async () => {
    logOpen = false;
    await enrolUnpublished();
    const published = async () =>
      (await parts.eventsSoFar()).filter(({ type }) => type === 'statement.published').length;
    await parts.enrolments.expire();
    expect(await published()).toBe(0);
    logOpen = true;
    await parts.keyLog.published('address', ALICE, 0);
    await parts.enrolments.expire();
    await parts.enrolments.expire();
    expect(await published()).toBe(1);
  });
});

describe('a binding', () => {
  it('is signed once and handed out again', async () => {
    await enrol(parts, alice);
    const first = await credentialOf();
    parts.clock.advance(11 * 3600);
    expect(await credentialOf()).toEqual(first);
    expect(signed.filter((type) => type === 'key-binding+jwt')).toHaveLength(1);
  });

  it('is renewed when half of its life is over', async () => {
    await enrol(parts, alice);
    const first = await credentialOf();
    parts.clock.advance(12 * 3600);
    const renewed = await credentialOf();
    expect(renewed.binding).not.toBe(first.binding);
    expect(decodeClaims(renewed.binding, 'key-binding+jwt', keyBindingSchema).iat).toBe(now());
  });

  it('is signed once for many who ask at the same time', async () => {
    await enrol(parts, alice);
    parts.clock.advance(13 * 3600);
    signed = [];
    await Promise.all(Array.from({ length: 20 }, () => credentialOf()));
    expect(signed).toEqual(['key-binding+jwt']);
  });

  it('is signed anew when the online keys change', async () => {
    await enrol(parts, alice);
    const before = await credentialOf();
    const { root, keyEncryptionKey, clock } = parts;
    await parts.database.transaction((tx) => rotateKeys(tx, { root, keyEncryptionKey, clock }));
    await parts.signer.refresh();
    const after = await credentialOf();
    expect(after.online_keys).not.toBe(before.online_keys);
    expect(after.binding).not.toBe(before.binding);
    const policy = { level: 'signed', maxAge: 60 } as const;
    await verifyCredential(after, ALICE, { issuer: parts.issuer, policy, now: now() });
  });

  it('of a device is signed once, and is none for a device that is not endorsed', async () => {
    const { device, result } = await enrol(parts, alice);
    expect(await parts.credentials.deviceBinding(device.sig.kid)).toBe(result.device_binding);
    expect(await parts.credentials.deviceBinding('A'.repeat(43))).toBeNull();
    await revoke(parts, ALICE, 'reset');
    expect(await parts.credentials.deviceBinding(device.sig.kid)).toBeNull();
  });

  it('of a device is none while the person’s statement waits to be published', async () => {
    logOpen = false;
    await enrolUnpublished();
    const [row] = await parts.database.read((query) => query.selectFrom('devices').selectAll().execute());
    expect(await parts.credentials.deviceBinding(row?.device_id ?? '')).toBeNull();
  });
});

describe('the attributes of a person', () => {
  const colleague: Principal = { kind: 'person', id: 'bob', assurance: 'member', endorsed: true };
  const partner: Principal = { kind: 'partner', id: 'https://bridge.globex.example', status: 'active' };

  async function toldTo(principal: Principal) {
    const audience = principal.kind === 'partner' ? principal.id : 'device-of-bob';
    const { attributes } = await credentialOf(ALICE, { principal, context: {}, audience });
    if (attributes === undefined) return null;
    const expected = { aud: audience, sub: alice };
    const claims = await verifyIdentityAttributes(attributes, parts.signer.onlineKeys(), expected, now());
    const { name, organization, sign_in } = claims;
    return { name, organization, sign_in };
  }

  it('tell colleagues the name, the organization and the sign-in', async () => {
    await enrol(parts, alice, { who: { signIn } });
    expect(await toldTo(colleague)).toEqual({
      name: 'Alice Smith',
      organization: 'Acme',
      sign_in: { protocol: 'oidc', acr: 'urn:acme:gold', amr: ['pwd', 'otp'], auth_time: 1_763_800_000 },
    });
  });

  it('tell partners the same, as the shipped policy has it', async () => {
    await enrol(parts, alice, { who: { signIn } });
    expect(await toldTo(partner)).toEqual(await toldTo(colleague));
  });

  it('tell nothing to whom policy does not permit it', async () => {
    await enrol(parts, alice);
    expect((await credentialOf()).attributes).toBeUndefined();
  });

  it('leave a name out that nobody may be shown', async () => {
    await enrol(parts, alice);
    await parts.database.transaction((tx) =>
      tx.updateTable('persons').set({ name: 'Alice\u202e' }).where('sub', '=', alice).execute(),
    );
    expect(await toldTo(partner)).toMatchObject({ name: undefined, organization: 'Acme' });
  });

  it('are signed once for each audience', async () => {
    await enrol(parts, alice);
    signed = [];
    await toldTo(partner);
    await toldTo(partner);
    await toldTo(colleague);
    expect(signed).toEqual(['identity-attributes+jwt', 'identity-attributes+jwt']);
  });

  it('are not issued for a closed person', async () => {
    await enrol(parts, alice);
    await parts.database.transaction((tx) => restrictPerson(tx, alice, 'closed'));
    expect(
      await parts.credentials.attributes(alice, { principal: partner, context: {}, audience: partner.id }),
    ).toBeNull();
  });
});
