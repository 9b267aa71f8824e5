import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createApprovalWithdrawal } from '../../bridge/binding/approval-withdrawal.ts';
import { createEnrolments } from '../../bridge/binding/enrolments.ts';
import { createEscrowCoverages } from '../../bridge/binding/escrow-coverage.ts';
import { createKeptEscrows } from '../../bridge/binding/kept-escrows.ts';
import { createRecoveries } from '../../bridge/binding/recoveries.ts';
import { createKeptKeys } from '../../bridge/groups/kept-keys.ts';
import { countSealedKeys, insertSealedKey } from '../../bridge/groups/sealed-key-store.ts';
import { newId } from '../../bridge/lib/ids.ts';
import { SYSTEM } from '../../bridge/lib/request-context.ts';
import { createKeptEscrowEnding } from '../../bridge/lifecycle/kept-escrow-ending.ts';
import { createLifecycle } from '../../bridge/lifecycle/lifecycle.ts';
import type { Signer } from '../../bridge/signer/signer.ts';
import { sealToOrganization } from '../../client/organization-escrow.ts';
import { encodeBase64url } from '../../protocol/base64url.ts';
import { exportSigningKey } from '../../protocol/ed25519.ts';
import type { ReadingBody } from '../../protocol/escrow/kept-escrow.ts';
import type { RecoveryHalves } from '../../protocol/escrow/organization-key.ts';
import type { KeyStatement } from '../../protocol/key-statement.ts';
import { thumbprint } from '../../protocol/public-key.ts';
import { preFromJwk, preToJwk } from '../../recrypt/encoding.ts';
import { sealTo } from '../../recrypt/sealed-box.ts';
import { expectCode } from '../binding/expect-code.ts';
import { confirmWith, enrolWithEscrow } from '../escrow/escrowing.ts';
import { halvesOfTwoOfficers } from '../escrow/two-officers.ts';
import { type BridgeParts, bridgeParts } from '../fakes/bridge-parts.ts';
import { begin, type ClientPerson, contextOf, newPerson } from '../fakes/client-side.ts';
import { type Rotatable, rotationsOf, rotationTo } from '../rotation/rotating.ts';

const DAY_S = 86_400;
const OLGA = { id: 'admin-Olga', name: 'Olga', roles: [], parent: null };
const OFFICERS = [OLGA, { ...OLGA, id: 'admin-Otto', name: 'Otto' }];

let parts: BridgeParts;
let alice: string;

beforeEach(async () => {
  parts = await bridgeParts();
  alice = await parts.addPerson({ addresses: ['alice@acme.example'] });
});
afterEach(() => parts.remove());

/** A bridge that keeps them for so long. */
function keeping(escrowKeepSeconds: number) {
  const keptEscrows = createKeptEscrows({ ...parts, escrowKeepSeconds });
  const tokens = { revokePerson: async () => 0, revokeDevice: async () => 0 };
  const lifecycle = createLifecycle({ ...parts, decide: parts.policy.decide, tokens, keptEscrows });
  const ending = createKeptEscrowEnding({ ...parts, escrowKeepSeconds });
  return { lifecycle, keptEscrows, ending };
}

async function escrowTo(halves: RecoveryHalves, { half, sig }: ClientPerson, statement: KeyStatement) {
  const pre = encodeBase64url(half.privateKey);
  const keys = { sig, vault: { v: 1 as const, pre, sig: await exportSigningKey(sig) } };
  return sealToOrganization(parts.engine, keys, statement, halves, statement.since);
}

async function enrolToOrganization(): Promise<Rotatable & { readonly halves: RecoveryHalves }> {
  const halves = await halvesOfTwoOfficers(parts);
  const bridge = { ...parts, enrolments: createEnrolments({ ...parts, organizationEscrow: 'offered' }) };
  const enrolling = await begin(bridge, alice, { request: { escrow: 'organization' } });
  const { person, offer, device, who } = enrolling;
  const { statement } = offer;
  await confirmWith(bridge, enrolling, { escrow: await escrowTo(halves, person, statement) });
  return { person, statement, devices: [device], who: { ...who, endorsed: true }, halves };
}

/** The person seals their next keys to these halves, as their client could be made to. */
async function rotateTo(halves: RecoveryHalves, before: Rotatable): Promise<void> {
  const fresh = await newPerson(parts.engine);
  const { statement } = await rotationTo(parts, before, fresh);
  const escrow = await escrowTo(halves, fresh, statement);
  const request = await rotationTo(parts, before, fresh, { escrow });
  await rotationsOf(parts).rotate(before.who, request, contextOf(before.who));
}

/** A request to read, by a reader of its own. */
function asking(): ReadingBody {
  const reader = preToJwk(parts.engine.generateKeyPair().publicKey);
  return { request_id: newId(), reader, reason: 'an audit' };
}

/** Alice is closed, and two administrators have released what she escrowed: its reading, and a bridge to open it. */
async function releasedReading(signer = parts.signer) {
  const { halves } = await enrolToOrganization();
  const { lifecycle, ending } = keeping(30 * DAY_S);
  await lifecycle.closePerson(alice, undefined, SYSTEM);
  const deps = { ...parts, signer, escrowKeepSeconds: 30 * DAY_S };
  const keptEscrows = createKeptEscrows(deps);
  const [kept] = await keptEscrows.list();
  const { id } = await keptEscrows.request(kept?.id ?? '', asking(), SYSTEM);
  const recoveries = createRecoveries({
    ...deps,
    signer: parts.signer,
    administrators: async () => OFFICERS,
  });
  for (const [index, half] of halves.entries()) {
    const { id: token, name } = OFFICERS[index] ?? { id: '', name: '' };
    const box = await sealTo(
      parts.engine,
      preFromJwk(parts.engine, half),
      new Uint8Array(32),
      new Uint8Array(),
    );
    const approval = { half: thumbprint(half), share: encodeBase64url(box) };
    await recoveries.approve({ id: token, name }, id, approval, SYSTEM);
  }
  return { id, lifecycle, ending, keptEscrows, recoveries, keys: createKeptKeys({ ...parts, keptEscrows }) };
}

/** A key that somebody sealed to Alice; nobody looks into it. Answers its id. */
async function sealToAlice(): Promise<string> {
  const keyId = newId();
  const nothing = { address: null, evidence: null, term: null, epoch: null, members: null };
  const sealed = {
    ...({ recipient_kind: 'person', recipient: alice, key_id: keyId, iss: parts.signer.iss } as const),
    ...{ sub: alice, device_id: 'device-1', hash: 'h', token: 't', encrypted: new Uint8Array(1) },
    ...nothing,
  };
  await parts.database.transaction((tx) => insertSealedKey(tx, sealed, parts.clock.now()));
  return keyId;
}

function keysToAlice(): Promise<number> {
  const alices = { recipient_kind: 'person', recipient: alice } as const;
  const by = { iss: parts.signer.iss };
  return parts.database.read((query) => countSealedKeys(query, alices, by));
}

async function escrowEvents(): Promise<unknown[]> {
  const events = await parts.eventsSoFar();
  return events.filter(({ type }) => type.startsWith('escrow.')).map(({ type, data }) => ({ type, data }));
}

describe('closing a person who escrowed their keys', () => {
  it('keeps what they escrowed to the organization for as long as is configured', async () => {
    await enrolToOrganization();
    const { lifecycle, keptEscrows } = keeping(30 * DAY_S);
    await lifecycle.closePerson(alice, undefined, SYSTEM);
    const closed = Math.floor(parts.clock.now() / 1000);
    expect(await keptEscrows.list()).toMatchObject([
      { sub: alice, address: 'alice@acme.example', closed, until: closed + 30 * DAY_S },
    ]);
    expect(await escrowEvents()).toMatchObject([
      { type: 'escrow.kept', data: { until: closed + 30 * DAY_S } },
    ]);
  });

  it('keeps it when a signal closes them, as when an administrator does', async () => {
    await enrolToOrganization();
    const { lifecycle, keptEscrows } = keeping(DAY_S);
    await parts.database.transaction((tx) => lifecycle.within(tx).closePerson(alice, 'a signal', SYSTEM));
    expect(await keptEscrows.list()).toHaveLength(1);
  });

  it('destroys it, with what was sealed to them, when that time is over', async () => {
    await enrolToOrganization();
    await sealToAlice();
    const { lifecycle, keptEscrows, ending } = keeping(30 * DAY_S);
    await lifecycle.closePerson(alice, undefined, SYSTEM);
    parts.clock.advance(30 * DAY_S - 1);
    expect(await ending.purge()).toBe(0);
    expect(await keysToAlice()).toBe(1);
    const [kept] = await keptEscrows.list();
    parts.clock.advance(1);
    expect(await keptEscrows.list()).toEqual([]);
    await expectCode(keptEscrows.request(kept?.id ?? '', asking(), SYSTEM), 'escrow_none');
    expect(await ending.purge()).toBe(1);
    expect(await keysToAlice()).toBe(0);
    expect(await escrowEvents()).toMatchObject([{ type: 'escrow.kept' }, { type: 'escrow.destroyed' }]);
  });

  it('destroys it when they are erased, with the readings that were asked for', async () => {
    await enrolToOrganization();
    const { lifecycle, keptEscrows } = keeping(30 * DAY_S);
    await lifecycle.closePerson(alice, undefined, SYSTEM);
    const [kept] = await keptEscrows.list();
    const { id } = await keptEscrows.request(kept?.id ?? '', asking(), SYSTEM);
    await lifecycle.erasePerson(alice, undefined, SYSTEM);
    expect(await keptEscrows.list()).toEqual([]);
    expect((await escrowEvents()).at(-1)).toEqual({
      ...{ type: 'escrow.destroyed', data: { key_version: 0, reason: 'erased' } },
    });
    await expectCode(keptEscrows.open(id, SYSTEM), 'recovery_unknown');
  });

  it('opens nothing of it to a reader while they are erased', async () => {
    let erase = async () => {};
    const erased: Signer = {
      ...parts.signer,
      open: async (context, sealed) => {
        const opened = await parts.signer.open(context, sealed);
        await erase();
        return opened;
      },
    };
    const { id, lifecycle, keptEscrows } = await releasedReading(erased);
    erase = async () => {
      await lifecycle.erasePerson(alice, undefined, SYSTEM);
    };
    await expectCode(keptEscrows.open(id, SYSTEM), 'recovery_unknown');
    expect((await parts.eventsSoFar()).map(({ type }) => type)).not.toContain('escrow.read');
  });

  it.each([
    ['by their link', OLGA],
    ['by another link that they took under their name', { ...OLGA, id: 'a later link', name: ' olga' }],
  ])('opens nothing of it, released or not, once one of the two was removed, %s', async (_, revoked) => {
    const keyId = await sealToAlice();
    parts.clock.advance(1);
    const { id, keptEscrows, keys, recoveries } = await releasedReading();
    await keptEscrows.open(id, SYSTEM);
    await keys.open(id, keyId, SYSTEM);
    const withdraw = createApprovalWithdrawal(parts);
    await parts.database.transaction((tx) => withdraw(tx, [revoked], SYSTEM));
    await expectCode(keptEscrows.open(id, SYSTEM), 'recovery_state');
    await expectCode(keys.open(id, keyId, SYSTEM), 'recovery_state');
    expect(await recoveries.list()).toMatchObject([{ id, status: 'pending', approvals: 1 }]);
  });

  it('stays released where a token was revoked that nobody approved it with', async () => {
    const { id, keptEscrows } = await releasedReading();
    const withdraw = createApprovalWithdrawal(parts);
    const others = [
      { id: 'made with another token', name: 'Olga', parent: 'admin-Olga' },
      { id: 'another administrator', name: 'Omar', parent: null },
    ];
    await parts.database.transaction((tx) => withdraw(tx, others, SYSTEM));
    expect(await keptEscrows.open(id, SYSTEM)).toMatchObject({ id });
  });

  it('opens no key that was sealed to them once it is kept no longer, though nobody has destroyed it yet', async () => {
    const keyId = await sealToAlice();
    parts.clock.advance(1);
    const { id, keys } = await releasedReading();
    expect(await keys.open(id, keyId, SYSTEM)).toMatchObject({ device_id: 'device-1' });
    parts.clock.advance(30 * DAY_S);
    await expectCode(keys.open(id, keyId, SYSTEM), 'escrow_none');
  });

  it('answers a request for it that comes again the same, and another one under its id not at all', async () => {
    await enrolToOrganization();
    const { lifecycle, keptEscrows } = keeping(30 * DAY_S);
    await lifecycle.closePerson(alice, undefined, SYSTEM);
    const [kept] = await keptEscrows.list();
    const body = asking();
    const first = await keptEscrows.request(kept?.id ?? '', body, SYSTEM);
    expect(await keptEscrows.request(kept?.id ?? '', body, SYSTEM)).toEqual(first);
    const other = { ...body, reason: 'another one' };
    await expectCode(keptEscrows.request(kept?.id ?? '', other, SYSTEM), 'request_id_reused');
  });

  it('deletes what was sealed to them at once where nothing of theirs is kept', async () => {
    await enrolToOrganization();
    await sealToAlice();
    await keeping(0).lifecycle.closePerson(alice, undefined, SYSTEM);
    expect(await keysToAlice()).toBe(0);
  });

  it('destroys it at once where nothing is to be kept', async () => {
    await enrolToOrganization();
    await keeping(0).lifecycle.closePerson(alice, undefined, SYSTEM);
    expect(await keeping(DAY_S).keptEscrows.list()).toEqual([]);
    expect(await escrowEvents()).toEqual([]);
  });

  it('keeps nothing that only they themselves could open', async () => {
    await enrolWithEscrow(parts, alice);
    const { lifecycle, keptEscrows } = keeping(DAY_S);
    await lifecycle.closePerson(alice, undefined, SYSTEM);
    expect(await keptEscrows.list()).toEqual([]);
  });

  it('gives no share of theirs to halves that the person made for themselves before they left', async () => {
    const before = await enrolToOrganization();
    const own = () => preToJwk(parts.engine.generateKeyPair().publicKey);
    await rotateTo([own(), own()], before);
    const { lifecycle, keptEscrows } = keeping(DAY_S);
    const { status } = await lifecycle.closePerson(alice, undefined, SYSTEM);
    expect({ status, kept: await keptEscrows.list() }).toEqual({ status: 'closed', kept: [] });
    expect(await escrowEvents()).toMatchObject([
      { type: 'escrow.destroyed', data: { reason: 'unreadable' } },
    ]);
  });

  it('counts halves that a person made for themselves as none of the organization’s', async () => {
    const before = await enrolToOrganization();
    const own = () => preToJwk(parts.engine.generateKeyPair().publicKey);
    await rotateTo([own(), own()], before);
    const coverages = createEscrowCoverages({ ...parts, organizationEscrow: 'offered' });
    const { counts, uncovered } = await coverages.report(undefined);
    expect(counts).toEqual({ current: 0, before: 0, foreign: 1, passphrase: 0, none: 0 });
    expect(uncovered).toEqual([{ sub: alice, address: 'alice@acme.example', escrow: 'foreign' }]);
  });

  it('keeps nothing of a person who is reset, for they are still here', async () => {
    await enrolToOrganization();
    const { lifecycle, keptEscrows } = keeping(DAY_S);
    await lifecycle.resetPerson(alice, undefined, SYSTEM);
    expect(await keptEscrows.list()).toEqual([]);
  });

  it('goes through where the escrow does not open any more, and says so', async () => {
    await enrolToOrganization();
    await parts.database.transaction(async (tx) => {
      await tx
        .updateTable('person_keys')
        .set({ escrow: new Uint8Array(64) })
        .execute();
    });
    const { lifecycle, keptEscrows } = keeping(DAY_S);
    const { status } = await lifecycle.closePerson(alice, undefined, SYSTEM);
    expect(status).toBe('closed');
    expect(await keptEscrows.list()).toEqual([]);
    expect(await escrowEvents()).toMatchObject([
      { type: 'escrow.destroyed', data: { reason: 'unreadable' } },
    ]);
  });
});
