import type { SigningKey } from '../../../protocol/ed25519.ts';
import type { Exclusion } from '../../../protocol/groups/exclusion.ts';
import type { GroupKey } from '../../../protocol/groups/group-key.ts';
import type { Membership } from '../../../protocol/groups/membership.ts';
import type { SealedKey } from '../../../protocol/groups/sealed-key.ts';
import type { SignerEvidence, VerifiedSigner } from '../../../protocol/groups/signer-evidence.ts';
import { thumbprint } from '../../../protocol/public-key.ts';
import {
  type Company,
  makeCompany,
  makeDevice,
  NOW,
  testDigest,
  testEncryptionKey,
  testKey,
} from '../company.ts';

/** One of Acme’s people as a verifier knows them, with the key of their device. */
export interface Signer extends VerifiedSigner {
  readonly key: SigningKey;
}

/** Somebody of `acme.example` with a laptop of their own. */
export async function signerNamed(name: string, iss = 'https://bridge.acme.example'): Promise<Signer> {
  const device = await makeDevice(`${name} laptop`);
  return {
    address: `${name}@${new URL(iss).hostname.replace('bridge.', '')}`,
    device: {
      iss,
      sub: `sub-${name}`,
      device_id: device.sig.kid,
      keys: [device.pre, device.sig.publicKey],
    },
    key: device.sig,
  };
}

/** Acme’s group, with what its creator Alice and its second admin Bob may sign, and Mallory, who may nothing. */
export interface GroupFixture {
  readonly acme: Company;
  readonly alice: Signer;
  readonly bob: Signer;
  readonly mallory: Signer;
  readonly group: string;
  first(changes?: Partial<GroupKey>): GroupKey;
  membership(changes?: Partial<Membership>): Membership;
  exclusion(changes?: Partial<Exclusion>): Exclusion;
  sealedKey(changes?: Partial<SealedKey>): SealedKey;
  /** Alice’s evidence, as Acme’s bridge gives it. */
  evidence(changes?: Partial<SignerEvidence>): Promise<SignerEvidence>;
}

export async function makeGroup(): Promise<GroupFixture> {
  const acme = await makeCompany();
  const [alice, bob, mallory] = await Promise.all(
    ['alice', 'bob', 'mallory'].map((name) => signerNamed(name)),
  );
  if (!alice || !bob || !mallory) throw new Error('unreachable');
  const { publicKey: signer } = await testKey('group signer 0');
  const key = testEncryptionKey('group');
  const group = thumbprint(key);
  const { iss } = acme;
  return {
    acme,
    alice,
    bob,
    mallory,
    group,
    first: (changes = {}) => ({
      v: 1,
      iss,
      group,
      kind: 'durable',
      label: 'Design review',
      key,
      signer,
      key_version: 0,
      seq: 0,
      admins: [
        { sub: 'sub-alice', address: 'alice@acme.example' },
        { sub: 'sub-bob', address: 'bob@acme.example' },
      ],
      ends: null,
      creator: 'sub-alice',
      iat: NOW,
      prev: null,
      ...changes,
    }),
    membership: (changes = {}) =>
      ({
        act: 'add',
        v: 1,
        iss,
        group,
        seq: 0,
        member: { iss: 'https://bridge.globex.example', sub: 'sub-carol', key_version: 2 },
        transform_key: testDigest('transform key'),
        group_key_version: 0,
        nonce: testDigest('membership nonce'),
        iat: NOW,
        prev: null,
        ...changes,
      }) as Membership,
    exclusion: (changes = {}) => ({
      v: 1,
      iss,
      group,
      member: { iss: 'https://bridge.globex.example', sub: 'sub-dan' },
      act: 'exclude',
      nonce: testDigest('exclusion nonce'),
      iat: NOW,
      ...changes,
    }),
    sealedKey: (changes = {}) => ({
      v: 1,
      iss,
      sub: 'sub-alice',
      to: { iss, group },
      key_id: 'key-1',
      term: 0,
      epoch: 3,
      members: testDigest('members head'),
      ciphertext: testDigest('ciphertext'),
      commitment: testDigest('commitment'),
      iat: NOW,
      ...changes,
    }),
    evidence: async (changes = {}) => ({
      address: acme.person.address,
      credential: await acme.credential(),
      device_binding: await acme.deviceBinding(),
      ...changes,
    }),
  };
}
