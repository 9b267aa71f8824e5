import { beforeAll, describe, expect, it } from 'vitest';
import { concatBytes, utf8 } from '../../../protocol/bytes.ts';
import {
  type GroupTranscript,
  groupConfirmationTranscript,
  groupRotationTranscript,
  groupTranscript,
} from '../../../protocol/groups/group-transcript.ts';
import { groupVaultContext } from '../../../protocol/groups/group-vault.ts';
import { sha256, sha256Base64url } from '../../../protocol/hash.ts';
import { NOW, testDigest, testEncryptionKey, testKey } from '../company.ts';

let parts: GroupTranscript;
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

beforeAll(async () => {
  parts = {
    iss: 'https://bridge.acme.example',
    requestId: 'request-1',
    nonce: testDigest('nonce'),
    offerId: 'offer-1',
    creator: 'sub-alice',
    device: testDigest('device'),
    kind: 'meeting',
    label: 'Design review',
    ends: NOW,
    clientHalf: testEncryptionKey('G'),
    share: testEncryptionKey('S'),
    groupKey: testEncryptionKey('group'),
    signer: (await testKey('group signer 0')).publicKey,
    admins: [{ sub: 'sub-alice', address: 'alice@acme.example' }],
    policyHash: testDigest('policy'),
  };
});

describe('the transcript of a group', () => {
  it('has the bytes of version 1', () => {
    const bytes = groupTranscript(parts);
    expect(text(bytes)).toMatch(/^countersign\/group\/v1\n\{"admins":\[\{"address":"alice@acme.example"/);
    expect(sha256Base64url(bytes)).toBe('iaviAk72qGRQUulvqi2cu-erqI_u71d3CztjTi1YBEI');
  });

  it('is another for every member that is another', () => {
    const other = testEncryptionKey('other');
    const changes: Required<{ [Name in keyof GroupTranscript]: GroupTranscript[Name] }> = {
      iss: 'https://bridge.globex.example',
      requestId: 'request-2',
      nonce: testDigest('other'),
      offerId: 'offer-2',
      creator: 'sub-bob',
      device: testDigest('other'),
      kind: 'durable',
      label: 'Another',
      ends: null,
      clientHalf: other,
      share: other,
      groupKey: other,
      signer: { kty: 'OKP', crv: 'Ed25519', x: testDigest('other') },
      admins: [{ sub: 'sub-alice', address: 'mallory@acme.example' }],
      policyHash: testDigest('other'),
    };
    const hashes = Object.entries(changes).map(([name, value]) =>
      sha256Base64url(groupTranscript({ ...parts, [name]: value })),
    );
    hashes.push(sha256Base64url(groupTranscript(parts)));
    expect(new Set(hashes).size).toBe(16);
  });

  it('is not one of a rotation, and tells G, S and G′ apart', () => {
    const exchanged = { ...parts, clientHalf: parts.share, share: parts.clientHalf };
    expect(groupTranscript(exchanged)).not.toEqual(groupTranscript(parts));
    expect(text(rotation())).toMatch(/^countersign\/group-rotation\/v1\n/);
  });

  it('is confirmed with the hashes of the token and of each vault, in their order', () => {
    const transcript = groupTranscript(parts);
    const [a, b] = [utf8('a'), utf8('b')];
    const confirmed = groupConfirmationTranscript(transcript, { token: 'token', vaults: [a, b] });
    expect(confirmed).toEqual(concatBytes(transcript, sha256(utf8('token')), sha256(a), sha256(b)));
    const swapped = groupConfirmationTranscript(transcript, { token: 'token', vaults: [b, a] });
    expect(swapped).not.toEqual(confirmed);
  });
});

describe('the transcript of a rotation', () => {
  it('has the bytes of version 1', () => {
    expect(sha256Base64url(rotation())).toBe('fakRuFVrjNb2q5XgXqrx0h-_7fwgHkRLU3hXk15agb0');
  });

  it('is another for another group, version, half, token, factor or vault', () => {
    const changed = [
      rotation({ iss: 'https://bridge.globex.example' }),
      rotation({ group: testDigest('other') }),
      rotation({ keyVersion: 2 }),
      rotation({ clientHalf: testEncryptionKey('other') }),
      rotation({}, { token: 'other' }),
      rotation({}, { factor: sha256(utf8('other')) }),
      rotation({}, { vaults: [utf8('other')] }),
      rotation(),
    ];
    expect(new Set(changed.map(sha256Base64url)).size).toBe(8);
  });
});

describe('the context of a group’s vault', () => {
  it('has the bytes of version 1, and opens for one admin of one key version', () => {
    const vault = { iss: 'https://bridge.acme.example', group: 'group-1', key_version: 0, sub: 'sub-alice' };
    expect(text(groupVaultContext(vault))).toBe(
      'countersign/group-vault/v1\n{"group":"group-1","iss":"https://bridge.acme.example","key_version":0,"sub":"sub-alice"}',
    );
    const others = [
      { sub: 'sub-bob' },
      { key_version: 1 },
      { group: 'group-2' },
      { iss: 'https://b.example' },
    ];
    const contexts = [{}, ...others].map((changes) => text(groupVaultContext({ ...vault, ...changes })));
    expect(new Set(contexts).size).toBe(5);
  });
});

function rotation(changes: object = {}, partChanges: object = {}): Uint8Array {
  const about = {
    iss: 'https://bridge.acme.example',
    group: testDigest('group'),
    keyVersion: 1,
    clientHalf: testEncryptionKey('new G'),
  };
  const confirmed = { token: 'token', factor: sha256(utf8('factor')), vaults: [utf8('vault')] };
  return groupRotationTranscript({ ...about, ...changes }, { ...confirmed, ...partChanges });
}
