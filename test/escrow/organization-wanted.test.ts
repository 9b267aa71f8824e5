import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createEnrolments } from '../../bridge/binding/enrolments.ts';
import type { OrganizationEscrowSetting } from '../../bridge/binding/recovery-key.ts';
import { sealToOrganization } from '../../client/organization-escrow.ts';
import { encodeBase64url } from '../../protocol/base64url.ts';
import { exportSigningKey } from '../../protocol/ed25519.ts';
import type { RecoveryHalves } from '../../protocol/escrow/organization-key.ts';
import { preToJwk } from '../../recrypt/encoding.ts';
import { expectCode } from '../binding/expect-code.ts';
import { type BridgeParts, bridgeParts } from '../fakes/bridge-parts.ts';
import { begin } from '../fakes/client-side.ts';
import { confirmWith } from './escrowing.ts';
import { halvesOfTwoOfficers } from './two-officers.ts';

let parts: BridgeParts;
let alice: string;

beforeEach(async () => {
  parts = await bridgeParts();
  alice = await parts.addPerson({ addresses: ['alice@acme.example'] });
});
afterEach(() => parts.remove());

/** The bridge under an administrator's setting. */
function under(organizationEscrow: OrganizationEscrowSetting): BridgeParts {
  return { ...parts, enrolments: createEnrolments({ ...parts, organizationEscrow }) };
}

const asking = { request: { escrow: 'organization' as const } };

describe('an organization that wants the keys of its people to be recoverable', () => {
  it('enrols nobody without', async () => {
    await halvesOfTwoOfficers(parts);
    await expectCode(begin(under('required'), alice), 'escrow_required');
    const paper = begin(under('required'), alice, { request: { escrow: 'passphrase' } });
    await expectCode(paper, 'escrow_required');
    expect((await begin(under('required'), alice, asking)).offer.statement.escrow).toBe('organization');
  });

  it('leaves it to each person where it only offers it', async () => {
    await halvesOfTwoOfficers(parts);
    expect((await begin(under('offered'), alice)).offer.statement.escrow).toBe('none');
    expect((await begin(under('offered'), alice, asking)).offer.statement.escrow).toBe('organization');
  });

  it('offers nothing while a half is missing, or where it is off', async () => {
    await expectCode(begin(under('offered'), alice, asking), 'escrow_unsupported');
    await halvesOfTwoOfficers(parts);
    await expectCode(begin(under('off'), alice, asking), 'escrow_unsupported');
  });

  it('takes no escrow to other halves than its own', async () => {
    const own = await halvesOfTwoOfficers(parts);
    const { engine } = parts;
    const bridge = under('offered');
    const enrolling = await begin(bridge, alice, asking);
    const { person, offer } = enrolling;
    const pre = encodeBase64url(person.half.privateKey);
    const keys = { sig: person.sig, vault: { v: 1 as const, pre, sig: await exportSigningKey(person.sig) } };
    const sealed = (halves: RecoveryHalves) =>
      sealToOrganization(engine, keys, offer.statement, halves, offer.statement.since);
    const other = preToJwk(engine.generateKeyPair().publicKey);
    const wrong = await sealed([own[0], other]);
    await expectCode(confirmWith(bridge, enrolling, { escrow: wrong }), 'escrow_mismatch');
    const honest = await sealed(own);
    const { second_box: _missing, ...half } = honest;
    await expectCode(confirmWith(bridge, enrolling, { escrow: half }), 'escrow_mismatch');
    await confirmWith(bridge, enrolling, { escrow: honest });
  });
});
