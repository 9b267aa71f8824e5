import { describe, expect, it } from 'vitest';
import {
  keptShareContext,
  readerFingerprint,
  releasedKeptContext,
} from '../../../protocol/escrow/kept-escrow.ts';
import { escrowShareContext, releasedShareContext } from '../../../protocol/escrow/organization-escrow.ts';
import {
  organizationKeyFingerprint,
  recoveryDrillContext,
  recoveryHalfTranscript,
  successionTranscript,
} from '../../../protocol/escrow/organization-key.ts';
import { testEncryptionKey } from '../company.ts';
import { halvesOf } from '../signed-objects/personal-objects.ts';

const iss = 'https://bridge.acme.example';
const alice = { iss, sub: 'sub-alice', address: 'alice@acme.example', key_version: 2 };
const [half, other] = halvesOf('current');
const request = { id: 'request-1', fingerprint: 'FINGERPRINT' };
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** Of the first half. */
const KID = 'v81dqrADVciGcvsX2My_Xv8-N9jnDX7o3YkTgrbS7kY';
const SHARE = `"address":"alice@acme.example","half":"${KID}","iss":"${iss}","key_version":2`;
/** Of the two halves, and of those that take their place. */
const FINGERPRINTS = {
  current: '10FiYjr3-lsCed6r2Fs4uV2F9eY5O5AmhW--gpX8CDM',
  next: 'DvBXAwz1Uq0nxg-tp9T6e8FpeA_LQ08F46i5JMSh2tE',
};

const sharing = {
  'escrow-share': escrowShareContext,
  'released-share': (person, key) => releasedShareContext(person, key, request),
  'kept-share': keptShareContext,
  'released-kept-share': (person, key) => releasedKeptContext(person, key, request),
} satisfies Record<string, typeof escrowShareContext>;

describe('what a share is sealed with', () => {
  it('has the bytes of version 1', () => {
    const members = {
      'escrow-share': `{${SHARE},"sub":"sub-alice"}`,
      'released-share': `{"address":"alice@acme.example","device":"FINGERPRINT","half":"${KID}","iss":"${iss}","key_version":2,"recovery":"request-1","sub":"sub-alice"}`,
      'kept-share': `{${SHARE},"sub":"sub-alice"}`,
      'released-kept-share': `{${SHARE},"reader":"FINGERPRINT","reading":"request-1","sub":"sub-alice"}`,
    };
    for (const [label, context] of Object.entries(sharing)) {
      const said = members[label as keyof typeof sharing];
      expect(text(context(alice, half))).toBe(`countersign/${label}/v1\n${said}`);
    }
  });

  it.each(Object.entries(sharing))('is another for another person, key or half: %s', (_, context) => {
    const people = [
      { ...alice, iss: 'https://bridge.globex.example' },
      { ...alice, sub: 'sub-mallory' },
      { ...alice, address: 'mallory@acme.example' },
      { ...alice, key_version: 3 },
    ];
    const all = [context(alice, half), context(alice, other), ...people.map((who) => context(who, half))];
    expect(new Set(all.map(text)).size).toBe(6);
  });

  it('is another for another request, device or reader', () => {
    for (const context of [releasedShareContext, releasedKeptContext]) {
      const requests = [request, { ...request, id: 'request-2' }, { ...request, fingerprint: 'OTHER' }];
      expect(new Set(requests.map((each) => text(context(alice, half, each)))).size).toBe(3);
    }
  });
});

describe('what the holders of a recovery key sign and open', () => {
  it('has the bytes of version 1', () => {
    expect(text(recoveryHalfTranscript(iss, half))).toBe(
      `countersign/recovery-half/v1\n{"half":{"crv":"recrypt-256","kty":"EC","x":"${half.x}","y":"${half.y}"},"iss":"${iss}"}`,
    );
    expect(text(recoveryDrillContext({ iss, drill: 'drill-1' }, half))).toBe(
      `countersign/recovery-drill/v1\n{"drill":"drill-1","half":"${KID}","iss":"${iss}"}`,
    );
    expect(text(successionTranscript(iss, halvesOf('current'), halvesOf('next')))).toBe(
      `countersign/recovery-key-succession/v1\n{"before":"${FINGERPRINTS.current}","iss":"${iss}","next":"${FINGERPRINTS.next}"}`,
    );
  });

  it('is another for the other order of the halves, and for the succession turned round', () => {
    expect(organizationKeyFingerprint(iss, [half, other])).toBe(FINGERPRINTS.current);
    expect(organizationKeyFingerprint(iss, [other, half])).not.toBe(FINGERPRINTS.current);
    const turned = successionTranscript(iss, halvesOf('next'), halvesOf('current'));
    expect(turned).not.toEqual(successionTranscript(iss, halvesOf('current'), halvesOf('next')));
  });
});

describe('the fingerprint of a reader', () => {
  it('is that of version 1, and another for another person', () => {
    const reader = testEncryptionKey('reader');
    const fingerprint = 'dxKiWi4MUtzlwpmNLqST4QOzNZSBwqVyTrcISa_IJRg';
    expect(readerFingerprint(alice, reader)).toBe(fingerprint);
    expect(readerFingerprint({ ...alice, sub: 'sub-mallory' }, reader)).not.toBe(fingerprint);
  });
});
