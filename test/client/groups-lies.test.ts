import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { AddressPin, SealedKeyMade, VerifiedGroup } from '../../client/index.ts';
import { encodeBase64url } from '../../protocol/base64url.ts';
import { groupKeySchema, signGroupKey } from '../../protocol/groups/group-key.ts';
import { type Membership, membershipSchema, signMembership } from '../../protocol/groups/membership.ts';
import { sealedKeyCommitment, sealedKeySchema, signSealedKey } from '../../protocol/groups/sealed-key.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import { decodeClaims } from '../../protocol/jws.ts';
import { thumbprint } from '../../protocol/public-key.ts';
import { encodeEncryptedValue, preFromJwk, preToJwk } from '../../recrypt/encoding.ts';
import { expectCode } from '../binding/expect-code.ts';
import { type GroupsStage, type Lie, type Participant, startGroupsStage } from './groups-stage.ts';

let stage: GroupsStage;
/** Gwen’s and Hal’s; Ada of the other company is a member. */
let group: VerifiedGroup;
/** Ada is no member of this one. */
let closed: VerifiedGroup;

beforeAll(async () => {
  stage = await startGroupsStage();
  const { gwen, hal, ada } = stage;
  group = await gwen.client.groups.create({ kind: 'durable', label: 'Minutes', admins: [hal.address] });
  await gwen.client.groups.add(group, { people: [ada.address] });
  await ada.client.groups.view({ ...group, expected: gwen.address });
  await hal.client.groups.view({ ...group, expected: gwen.address });
  closed = await gwen.client.groups.create({ kind: 'durable', label: 'Closed' });
}, 120_000);
afterAll(() => stage.close());
afterEach(() => {
  for (const { lies } of [stage.ada, stage.gwen, stage.hal]) lies.clear();
});

function lie(to: Participant, path: string, how: Lie): void {
  to.lies.set(path, how);
}

/** The signing key of somebody’s device, for what they would sign if they were an accomplice. */
async function deviceOf({ keyStore }: Participant) {
  const secrets = await keyStore.load();
  if (secrets === null) throw new Error('not signed in');
  return secrets.sig;
}

async function evidenceOf({ client, address }: Participant) {
  const { credential, deviceBinding } = await client.me();
  const { attributes: _, ...shown } = credential ?? { binding: '', online_keys: '' };
  return { address, credential: shown, device_binding: deviceBinding ?? '' };
}

describe('a bridge that lies about a new group', () => {
  const newGroup = () =>
    stage.gwen.client.groups.create({ kind: 'durable', label: 'New', admins: [stage.hal.address] });
  const another = () => stage.stage.engine.generateKeyPair();

  it.each<[string, (body: Record<string, unknown>) => Record<string, unknown>, string]>([
    [
      'hands out a key that it has alone',
      () => ({ group_key: preToJwk(another().publicKey) }),
      'group_offer',
    ],
    [
      'names another share than is in the key',
      () => ({ share: preToJwk(another().publicKey) }),
      'group_offer',
    ],
    ['is another bridge', () => ({ iss: stage.acme.issuer }), 'group_offer'],
    ['has an offer that is over', () => ({ expires: 1 }), 'group_offer'],
    [
      'does not prove its share',
      () => ({ share_proof: encodeBase64url(new Uint8Array(64).fill(1)) }),
      'group_proof',
    ],
    ['proves it for another policy', () => ({ policy_hash: 'A'.repeat(43) }), 'group_proof'],
    ['proves it for another offer', () => ({ offer_id: 'another' }), 'group_proof'],
    ['leaves an admin out', ({ admins }) => ({ admins: (admins as unknown[]).slice(0, 1) }), 'group_offer'],
    [
      'has a key of its own for an admin',
      ({ admins }) => ({
        admins: (admins as object[]).map((admin) => ({ ...admin, key: preToJwk(another().publicKey) })),
      }),
      'group_offer',
    ],
  ])('is refused: it %s', async (_, change, code) => {
    lie(stage.gwen, 'POST /v1/groups', ({ body }) => ({ ...body, ...change(body) }));
    await expectCode(newGroup(), code as 'group_offer');
    expect(stage.gwen.requests.at(-1)).toBe('POST /v1/groups');
  });

  it('leaves no pin of a group that it never showed to be there', async () => {
    const pinned = async () => Object.keys((await stage.gwen.pinStore.read())?.groups ?? {});
    const before = await pinned();
    lie(stage.gwen, 'POST /v1/groups/offers', ({ body }) => ({ ...body, group: closed.group }));
    await expectCode(newGroup(), 'group_key_mismatch');
    expect(await pinned()).toEqual(before);
  });

  it('is refused where it knows all of a key whose sum fits', async () => {
    lie(stage.gwen, 'POST /v1/groups', ({ body, asked }) => {
      const { engine } = stage.stage;
      const own = another();
      // G′ is its own; the share that would fit, G′ − G, has no private half that anybody knows.
      const half = preFromJwk(engine, asked.client_half);
      return {
        ...body,
        group_key: preToJwk(engine.augmentPublicKey(half, own.publicKey)),
        share: preToJwk(own.publicKey),
      };
    });
    await expectCode(newGroup(), 'group_proof');
  });
});

describe('a bridge that lies about a group', () => {
  const view = (by: Participant, expected = stage.gwen.address) =>
    by.client.groups.view({ iss: group.iss, group: group.group, expected });

  it('is refused with an older key than this device has seen', async () => {
    const older = await new Promise<unknown>((resolve) => {
      lie(stage.ada, 'POST /v1/groups/view', ({ body }) => {
        resolve(body);
        return body;
      });
      void view(stage.ada);
    });
    await stage.hal.client.groups.renew(group, { label: 'Newer' });
    stage.ada.lies.clear();
    expect((await view(stage.ada)).label).toBe('Newer');
    lie(stage.ada, 'POST /v1/groups/view', () => older as Record<string, unknown>);
    await expectCode(view(stage.ada), 'version_rollback');
  });

  it('is refused with a key that an accomplice signed, who is no admin', async () => {
    const { gwen, hal, ada } = stage;
    const secrets = await deviceOf(ada);
    const me = await ada.client.me();
    lie(gwen, 'POST /v1/groups/view', async ({ body }) => {
      const tokens = body.tokens as string[];
      const newest = decodeClaims(tokens.at(-1) ?? '', 'group-key+jwt', groupKeySchema);
      const next = await signGroupKey(secrets, {
        ...newest,
        ...{ seq: newest.seq + 1, prev: sha256Base64url(tokens.at(-1) ?? '') },
        admins: [...newest.admins, { sub: me.sub, address: ada.address }],
      });
      return {
        ...body,
        tokens: [...tokens, next],
        signers: [...(body.signers as []), await evidenceOf(ada)],
      };
    });
    await hal.client.lookUp([ada.address]);
    await expectCode(view(gwen), 'group_not_admin');
  });

  it('is refused with a group of its own making in the place of another', async () => {
    const { gwen, hal } = stage;
    const own = await hal.client.groups.create({ kind: 'durable', label: 'Minutes' });
    await hal.client.groups.add(own, { people: [gwen.address] });
    const shown = await new Promise<Record<string, unknown>>((resolve) => {
      lie(hal, 'POST /v1/groups/view', ({ body }) => {
        resolve(body);
        return body;
      });
      void hal.client.groups.view(own);
    });
    lie(gwen, 'POST /v1/groups/view', () => shown);
    await expectCode(view(gwen), 'group_key_mismatch');
    const client = gwen.withoutPins();
    const ref = { iss: own.iss, group: own.group, expected: gwen.address };
    await expectCode(client.groups.view(ref), 'group_untrusted');
    lie(gwen, 'POST /v1/groups/view', () => ({ ...shown, group: group.group }));
    await expectCode(view(gwen), 'group_key_mismatch');
  });

  it('is refused with members as they were before something that this device did', async () => {
    const { gwen } = stage;
    lie(gwen, 'POST /v1/groups/view', ({ body }) => ({ ...body, members_seq: 2 }));
    await expectCode(view(gwen), 'version_rollback');
    lie(gwen, 'POST /v1/groups/view', ({ body }) => ({ ...body, members_head: 'A'.repeat(43) }));
    await expectCode(view(gwen), 'group_key_chain');
  });

  it('is refused with the private halves of something else', async () => {
    const { gwen } = stage;
    const path = `GET /v1/groups/${group.group}/vault`;
    lie(gwen, path, ({ body }) => ({ ...body, key_version: 7 }));
    await expectCode(gwen.client.groups.add(group, { people: [stage.ada.address] }), 'vault_mismatch');
    lie(gwen, path, async ({ body }) => {
      const answer = await new Promise<Record<string, unknown>>((resolve) => {
        stage.gwen.lies.set(`GET /v1/groups/${closed.group}/vault`, (honest) => {
          resolve(honest.body);
          return honest.body;
        });
        void stage.gwen.client.groups.rotate(closed);
      });
      return { ...body, vault: answer.vault };
    });
    await expectCode(
      gwen.client.groups.add(group, { people: [stage.ada.address] }),
      'recrypt_decrypt_failed',
    );
  });
});

describe('a bridge that lies about members', () => {
  const members = async (by: Participant) => {
    const found = [];
    for await (const member of by.client.groups.members(group)) found.push(member);
    return found;
  };
  const changed = (change: (claims: Membership) => Membership, signer: () => Participant): Lie => {
    return async ({ body }) => {
      const [first = '', ...rest] = body.tokens as string[];
      const claims = decodeClaims(first, 'group-membership+jwt', membershipSchema);
      const token = await signMembership(await deviceOf(signer()), change(claims));
      return {
        ...body,
        tokens: [token, ...rest],
        signers: [...(body.signers as []), await evidenceOf(signer())],
      };
    };
  };
  const path = () => `GET /v1/groups/${group.group}/members`;

  it('has nobody’s word for a member that it made up with an accomplice', async () => {
    const invent = changed(
      (claims) => ({ ...claims, member: { ...claims.member, sub: 'invented' } as never }),
      () => stage.ada,
    );
    lie(stage.hal, path(), invent);
    expect((await members(stage.hal))[0]).toMatchObject({ sub: 'invented', by: null });
    stage.hal.lies.clear();
    expect((await members(stage.hal))[0]).toMatchObject({ by: stage.gwen.address });
  });

  it('is refused with a statement that it changed', async () => {
    lie(stage.hal, path(), ({ body }) => {
      const [first = '', ...rest] = body.tokens as string[];
      const [header, , signature] = first.split('.');
      const claims = decodeClaims(first, 'group-membership+jwt', membershipSchema);
      const payload = Buffer.from(JSON.stringify({ ...claims, iat: claims.iat + 1 })).toString('base64url');
      return { ...body, tokens: [`${header}.${payload}.${signature}`, ...rest] };
    });
    await expectCode(members(stage.hal), 'jws_signature');
  });

  it('is refused with a membership that it repeats, of another group, or that was a removal', async () => {
    lie(stage.hal, path(), ({ body }) => ({
      ...body,
      tokens: [...(body.tokens as string[]), (body.tokens as string[])[0]],
    }));
    await expectCode(members(stage.hal), 'replayed');
    lie(
      stage.hal,
      path(),
      changed(
        (claims) => ({ ...claims, group: closed.group }),
        () => stage.gwen,
      ),
    );
    await expectCode(members(stage.hal), 'group_key_mismatch');
    const removal = ({ transform_key: _, ...claims }: Membership & { act: 'add' }) => ({
      ...claims,
      act: 'remove' as const,
    });
    lie(
      stage.hal,
      path(),
      changed(
        (claims) => (claims.act === 'add' ? removal(claims) : claims),
        () => stage.gwen,
      ),
    );
    await expectCode(members(stage.hal), 'group_not_member');
    lie(
      stage.hal,
      path(),
      changed(
        (claims) => ({ ...claims, seq: 99, prev: 'A'.repeat(43) }),
        () => stage.gwen,
      ),
    );
    await expectCode(members(stage.hal), 'replayed');
  });
});

describe('a bridge that lies about a sealed key', () => {
  let sealed: SealedKeyMade;
  beforeAll(async () => {
    sealed = await stage.gwen.client.groups.sealKey(group);
  });
  const open = (by = stage.ada, keyId = sealed.keyId) => by.client.groups.openKey(group, keyId);
  const PATH = 'POST /v1/key-openings';

  /** The honest answer about another key. */
  async function openingOf(keyId: string): Promise<Record<string, unknown>> {
    return new Promise((resolve, reject) => {
      lie(stage.ada, PATH, ({ body }) => {
        resolve(body);
        return body;
      });
      open(stage.ada, keyId).catch(reject);
    });
  }

  it('is refused with another sealed key', async () => {
    const other = await stage.gwen.client.groups.sealKey(group);
    const answer = await openingOf(other.keyId);
    lie(stage.ada, PATH, () => answer);
    await expectCode(open(), 'sealed_key_mismatch');
  });

  it('is refused with the ciphertext of another sealed key', async () => {
    const other = await stage.gwen.client.groups.sealKey(group);
    const { encrypted } = await openingOf(other.keyId);
    lie(stage.ada, PATH, ({ body }) => ({ ...body, encrypted }));
    await expectCode(open(), 'sealed_key_commitment');
  });

  it('is refused with a key of its own, encrypted straight to the device', async () => {
    const { engine } = stage.stage;
    const { pre } = (await stage.ada.keyStore.load()) ?? { pre: new Uint8Array(32) };
    const own = engine.encrypt(
      engine.generatePlaintext(),
      engine.computePublicKey(pre),
      engine.generateSigningKeyPair().privateKey,
    );
    lie(stage.ada, PATH, ({ body }) => ({ ...body, encrypted: encodeBase64url(encodeEncryptedValue(own)) }));
    await expectCode(open(), 'sealed_key_mismatch');
    lie(stage.ada, PATH, ({ body }) => ({
      ...body,
      hops: 1,
      encrypted: encodeBase64url(encodeEncryptedValue(own)),
    }));
    await expectCode(open(), 'sealed_key_mismatch');
  });

  it('is refused with the word of an accomplice who takes no part', async () => {
    const { gwen, ada } = stage;
    const { engine } = stage.stage;
    const made = await gwen.client.groups.sealKey(closed);
    const plaintext = engine.generatePlaintext();
    lie(gwen, PATH, async ({ body }) => {
      const claims = decodeClaims(String(body.token), 'sealed-key+jwt', sealedKeySchema);
      const { iss, sub } = await ada.client.me();
      const token = await signSealedKey(await deviceOf(ada), {
        ...{ ...claims, iss, sub, commitment: sealedKeyCommitment(plaintext) },
      });
      return { ...body, token, signer: await evidenceOf(ada) };
    });
    await expectCode(gwen.client.groups.openKey(closed, made.keyId), 'sealed_key_sealer');
    const naming = gwen.client.groups.openKey(closed, made.keyId, { sealer: ada.address });
    await expectCode(naming, 'sealed_key_commitment');
  });

  it('is refused with evidence of another device than the one that signed', async () => {
    lie(stage.ada, PATH, async ({ body }) => ({ ...body, signer: await evidenceOf(stage.hal) }));
    await expectCode(open(), 'jws_unknown_key');
  });

  it('is refused with a key of the same person for another address', async () => {
    const evidence = await evidenceOf(stage.gwen);
    lie(stage.ada, PATH, ({ body }) => ({ ...body, signer: { ...evidence, address: stage.hal.address } }));
    await expectCode(open(), 'claims_invalid');
  });

  it('names the groups by the thumbprint of their keys', () => {
    expect(thumbprint(group.key)).toBe(group.group);
  });
});

describe('a bridge that shows old evidence of who sealed a key', () => {
  const PATH = 'POST /v1/key-openings';
  let sealed: SealedKeyMade;
  beforeAll(async () => {
    sealed = await stage.ada.client.groups.sealKey(group);
    await stage.gwen.client.lookUp([stage.ada.address]);
  });
  const open = () => stage.gwen.client.groups.openKey(group, sealed.keyId);

  /** Gwen’s device knows more of Ada than the evidence says. */
  async function knowing(change: (pin: AddressPin) => AddressPin, act: () => Promise<void>): Promise<void> {
    const { pinStore } = stage.gwen;
    const { address } = stage.ada;
    const setPin = (to: (pin: AddressPin) => AddressPin) =>
      pinStore.update<AddressPin>(async (pins) => {
        const pin = pins?.addresses[address];
        if (pins === null || pin === undefined) throw new Error('nothing is pinned');
        return { pins: { ...pins, addresses: { ...pins.addresses, [address]: to(pin) } }, result: pin };
      });
    const before = await setPin(change);
    try {
      await act();
    } finally {
      await setPin(() => before);
    }
  }
  const newer = (pin: AddressPin) => ({ ...pin, version: pin.version + 1, key_version: pin.key_version + 1 });

  it('is believed about then, and the reader is told', async () => {
    await knowing(newer, async () => {
      expect((await open()).sealer).toMatchObject({ address: stage.ada.address, current: false });
    });
  });

  it('is refused where the address was another person’s then', async () => {
    await knowing(
      (pin) => ({ ...newer(pin), sub: 'another' }),
      () => expectCode(open(), 'pin_changed'),
    );
    const pre = preToJwk(stage.stage.engine.generateKeyPair().publicKey);
    await knowing(
      (pin) => ({ ...newer(pin), pre }),
      () => expectCode(open(), 'pin_changed'),
    );
  });

  it('is refused where the key was sealed before the device was theirs, or is dated ahead', async () => {
    const dated = (days: number): Lie => {
      return async ({ body }) => {
        const claims = decodeClaims(String(body.token), 'sealed-key+jwt', sealedKeySchema);
        const iat = claims.iat + days * 86_400;
        return { ...body, token: await signSealedKey(await deviceOf(stage.ada), { ...claims, iat }) };
      };
    };
    await knowing(newer, async () => {
      lie(stage.gwen, PATH, dated(30));
      await expectCode(open(), 'jws_not_yet_valid');
      lie(stage.gwen, PATH, dated(-30));
      await expectCode(open(), 'jws_not_yet_valid');
    });
  });
});
