import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { judgeShown } from '../../client/groups/view.ts';
import type { GroupRef } from '../../client/index.ts';
import { currentDevice } from '../../client/own-account.ts';
import { ADA, GWEN, HAL } from '../../demo/stage/people.ts';
import { generateSigningKey } from '../../protocol/ed25519.ts';
import { groupViewSchema } from '../../protocol/groups/api.ts';
import { groupKeySchema, signGroupKey } from '../../protocol/groups/group-key.ts';
import { claimedReceipt } from '../../protocol/groups/group-key-receipt.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import { decodeClaims, signJws } from '../../protocol/jws.ts';
import { codeOf } from '../protocol/codes.ts';
import {
  type Attendee,
  anotherDevice,
  startTwoCompanies,
  type TwoCompanies,
} from './meetings/two-companies.ts';

// Two bridges and a handful of clients in one process: on a busy machine transforms take their time.
vi.setConfig({ testTimeout: 120_000 });

let two: TwoCompanies;
beforeAll(async () => {
  two = await startTwoCompanies();
}, 120_000);
afterAll(() => two?.close());

type Device = Pick<Attendee, 'client'>;
/** What a thief has: the last of Gwen’s devices that was removed. */
let removed: Attendee;
let devices = 0;
const anotherOf = (who: Attendee) => anotherDevice(two.stage, who, `device ${++devices}`);

/** A durable group that a device of Gwen’s made, which is hers no more; and what was sealed to it then. */
async function groupOfRemovedDevice(): Promise<{ group: GroupRef; file: Uint8Array }> {
  const tablet = await anotherOf(two.gwen);
  const { groups, assets } = tablet.client;
  const { iss, group } = await groups.create({ kind: 'durable', label: 'Minutes' });
  await groups.add({ iss, group }, { people: [HAL.address, ADA.address] });
  const asset = await assets.seal(new TextEncoder().encode('minutes'), { to: { iss, group } });
  const file = new Uint8Array(await new Response(asset.stream).arrayBuffer());
  await two.gwen.client.removeDevice(tablet.deviceId);
  removed = tablet;
  return { group: { iss, group, expected: GWEN.address }, file };
}

const refOf = ({ iss, group }: GroupRef) => ({ iss, group });

async function read({ client }: Device, file: Uint8Array, from: GroupRef): Promise<string> {
  return new Response((await client.assets.open(file, { from })).stream).text();
}

describe('a group whose key was signed by a device that was removed', () => {
  it('opens for members who see it for the first time, in both companies', async () => {
    const { group, file } = await groupOfRemovedDevice();
    for (const reader of [two.hal, two.ada, await anotherOf(two.hal)]) {
      expect(await read(reader, file, group)).toBe('minutes');
    }
    expect(await two.hal.client.groups.view(group)).toMatchObject({ renewalDue: 'signer_gone' });
  });

  it('keeps its members by the word of the admin of then', async () => {
    const { group } = await groupOfRemovedDevice();
    const words: (string | null)[] = [];
    for await (const { by } of two.gwen.client.groups.members(group)) words.push(by);
    expect(words).toEqual([GWEN.address, GWEN.address, GWEN.address]);
  });

  it('is to be renewed by its admin, and is by another device of theirs', async () => {
    const { group, file } = await groupOfRemovedDevice();
    const due = async () =>
      (await two.gwen.client.groups.list()).find((each) => each.group === group.group)?.renewalDue;
    expect(await due()).toBe('signer_gone');
    const phone = await anotherOf(two.gwen);
    expect(await phone.client.groups.renew(group)).toMatchObject({ renewalDue: null });
    expect(await due()).toBeNull();
    expect(await read(two.ada, file, group)).toBe('minutes');
  });

  it('is nobody’s whom the removed device makes an admin afterwards', async () => {
    const tablet = await anotherOf(two.gwen);
    const { iss, group } = await tablet.client.groups.create({ kind: 'durable', label: 'Plans' });
    await two.gwen.client.removeDevice(tablet.deviceId);
    const renew = () => tablet.client.groups.renew({ iss, group }, { admins: [HAL.address] });
    expect(await codeOf(renew)).toBe('sign_in_required');
  });

  it('is not led on by whoever has the device, and everybody on the way', async () => {
    const { group } = await groupOfRemovedDevice();
    // The bridge of the reader can change what it passes on, and has all that it ever saw.
    const shown = await two.ada.parts.api.post('/v1/groups/view', refOf(group), groupViewSchema);
    const [newest = ''] = shown.tokens.slice(-1);
    const before = decodeClaims(newest, 'group-key+jwt', groupKeySchema);
    const { kept } = shown;
    if (kept === undefined) throw new Error('the device is gone');
    const [receipt = ''] = kept.receipts;
    const stolen = (await currentDevice(removed.parts.context)).sig;
    const forged = await signGroupKey(stolen, {
      ...{ ...before, seq: before.seq + 1, prev: sha256Base64url(newest) },
      admins: [...before.admins, { sub: 'accomplice', address: 'accomplice@globex.example' }],
    });
    const own = await generateSigningKey(false);
    const claims = { ...claimedReceipt(receipt), token: sha256Base64url(forged) };
    const tries: Record<string, string[]> = {
      'without a receipt': [receipt],
      'with one of its own': [receipt, await signJws(own, 'group-key-receipt+jwt', claims)],
    };
    for (const [how, receipts] of Object.entries(tries)) {
      const lie = { ...shown, tokens: [...shown.tokens, forged], kept: { ...kept, receipts } };
      const judged = judgeShown(two.ada.parts, group, lie, undefined);
      expect(await codeOf(() => judged), how).toBe('jws_unknown_key');
    }
    const honest = await judgeShown(two.ada.parts, group, shown, undefined);
    expect(honest.claims).toEqual(before);
  });
});
