import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { verifyCredential } from '../../protocol/credential.ts';
import { deviceFingerprint, fingerprintInGroups } from '../../protocol/device-comparison.ts';
import { exportSigningKey } from '../../protocol/ed25519.ts';
import { createAssetSealer } from '../../protocol/groups/asset-chunks.ts';
import { sealedKeyCommitment } from '../../protocol/groups/sealed-key.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import { signStatement, statementBytes, statementHash } from '../../protocol/key-statement.ts';
import { keyPurpose } from '../../protocol/online-keys.ts';
import { verifyPolicyBundle } from '../../protocol/policy-bundle.ts';
import { codeOf } from './codes.ts';
import { type Company, DAY, makeCompany, makeDevice, NOW } from './company.ts';
import { makeGroup } from './groups/group-fixture.ts';
import { knownAnswer } from './known-answers.ts';
import { everyObject } from './signed-objects/every-object.ts';

const GROUP_KEY = knownAnswer('group-key+jwt');
const MEMBERSHIP_OF_PERSON = knownAnswer('group-membership+jwt, of a person');
const KEY_BINDING = knownAnswer('key-binding+jwt');
const ONLINE_KEYS = knownAnswer('online-keys+jwt');
const POLICY_BUNDLE = knownAnswer('policy-bundle+jwt');

/** A row of the table of what bridges ask each other about meetings. */
const MEETING_ACT = /^\| `(state|members|roster|present|renew|leave|admit|poll)` \|/;

const page = readFileSync(new URL('../../docs/spec/protocol.md', import.meta.url), 'utf8');
let acme: Company;

beforeAll(async () => {
  acme = await makeCompany();
});

describe('the worked example of docs/spec/protocol.md', () => {
  it('shows the keys, statement, hash and signatures that the tests pin', async () => {
    const { iss, person, device, root, keys } = acme;
    const { d, x } = await exportSigningKey(person.sig);
    const { signature } = await signStatement(person.sig, acme.statement());
    const asked = { iss, sub: person.sub, pre: device.pre, sig: device.sig.publicKey };
    const shown = [
      d,
      x,
      person.sig.kid,
      root.kid,
      keys.binding.kid,
      device.sig.kid,
      statementHash(acme.statement()),
      signature,
      KEY_BINDING.split('.').at(-1) ?? '',
      atob(KEY_BINDING.split('.').at(0) ?? ''),
      fingerprintInGroups(deviceFingerprint(asked)),
    ];
    for (const text of shown) expect(page).toContain(text);
  });

  it('shows the group, its first objects and the commitment that the tests pin', async () => {
    const plaintext = Uint8Array.from({ length: 384 }, (_, index) => index % 251);
    const shown = [
      (await makeGroup()).group,
      sha256Base64url(GROUP_KEY),
      sha256Base64url(MEMBERSHIP_OF_PERSON),
      sealedKeyCommitment(plaintext),
    ];
    for (const text of shown) expect(page).toContain(text);
  });

  it('shows the sha256 of the asset that the tests pin', async () => {
    const group = 'a'.repeat(43);
    const salt = new Uint8Array(32).map((_, index) => 255 - index);
    const header = { to: { iss: acme.iss, group }, keyId: 'key-1', salt };
    const key = new Uint8Array(32).map((_, index) => index);
    const { sig } = await makeDevice('gwen’s laptop');
    const content = new Blob([Uint8Array.of(0x00, 0x1f, 0x3e)]).stream();
    const asset = content.pipeThrough(await createAssetSealer(key, header, sig));
    expect(page).toContain(sha256Base64url(new Uint8Array(await new Response(asset).arrayBuffer())));
  });

  it('shows the hash of the policy and the sha256 of the bundle that the tests pin', async () => {
    const { hash } = await verifyPolicyBundle(POLICY_BUNDLE, await acme.onlineKeys(), NOW);
    for (const text of [hash, acme.keys.statement.kid, sha256Base64url(POLICY_BUNDLE)]) {
      expect(page).toContain(text);
    }
  });

  it('shows the statement, but for line breaks', () => {
    const text = new TextDecoder().decode(statementBytes(acme.statement()));
    expect(page.replaceAll(/\n {4}/g, '')).toContain(text.replace('\n', ''));
  });

  it('is taken and refused as the page says', async () => {
    const credential = { binding: KEY_BINDING, online_keys: ONLINE_KEYS };
    const context = (changes: object = {}) => ({ ...acme.context(), ...changes });
    const alice = acme.person.address;
    expect((await verifyCredential(credential, alice, context())).level).toBe('signed');
    const refusals = {
      claims_invalid: () => verifyCredential(credential, 'carol@acme.example', context()),
      credential_too_old: () => verifyCredential(credential, alice, context({ now: NOW + DAY + 1 })),
      domain_not_approved: () =>
        verifyCredential(credential, alice, context({ issuer: acme.trusted({ domains: [] }) })),
      root_mismatch: () =>
        verifyCredential(
          credential,
          alice,
          context({ issuer: acme.trusted({ root_thumbprint: acme.keys.log.kid }) }),
        ),
    };
    for (const [code, refused] of Object.entries(refusals)) expect(await codeOf(refused)).toBe(code);
  });
});

describe('docs/spec/protocol.md', () => {
  it('names every type, label and purpose of protocol/', () => {
    const source = (name: string) => readFileSync(new URL(`../../protocol/${name}`, import.meta.url), 'utf8');
    const types = source('jws.ts').match(/'[a-z-]+\+jwt'/g) ?? [];
    const labels = source('canonical-json.ts').match(/\| '[a-z-]+'/g) ?? [];
    const names = [...types, ...labels].map((quoted) => quoted.replaceAll(/[|' ]/g, ''));
    expect(names.length).toBeGreaterThan(20);
    for (const name of [...names, ...keyPurpose.options]) expect(page).toContain(`\`${name}\``);
  });

  it('names every member of every signed object where it says what the object is', async () => {
    const places = page.split(/\n\n|\n(?=\|)/);
    const envelope = places.filter((place) => place.startsWith('Requests have `iss`'));
    expect(envelope).toHaveLength(1);
    for (const { type, claims, by } of await everyObject()) {
      const about = places.filter((place) => place.includes(`\`${type}\``));
      if (type.startsWith('meeting-re')) about.push(...places.filter((place) => MEETING_ACT.test(place)));
      const isBetweenBridges = by.kid !== acme.device.sig.kid && 'jti' in claims;
      const text = [...about, ...(isBetweenBridges ? envelope : [])].join('\n');
      const unnamed = Object.keys(claims).filter((member) => !new RegExp(`\\b${member}\\b`).test(text));
      expect([type, unnamed]).toEqual([type, []]);
    }
  });
});
