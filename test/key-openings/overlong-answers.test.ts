import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  GROUP_VIEW_RESPONSE_BYTES,
  KEY_OPENING_RESPONSE_BYTES,
  SEALED_KEY_RECEIPT_BYTES,
} from '../../bridge/lib/limits.ts';
import { expectCode } from '../binding/expect-code.ts';
import { contextOf, type Enrolled } from '../fakes/client-side.ts';
import type { MadeGroup } from '../fakes/group-side.ts';
import { depositKey, makeGroupOf, open, recipientGroup, type Sealed } from './sealing.ts';
import { type OpeningBridge, type TwoBridges, twoBridges } from './two-bridges.ts';

let bridges: TwoBridges;
let acme: OpeningBridge;
let globex: OpeningBridge;
let dora: Enrolled;
let team: MadeGroup;
let sealed: Sealed;

beforeAll(async () => {
  bridges = await twoBridges();
  ({ acme, globex } = bridges);
  const alice = await acme.addEnrolled('alice');
  dora = await globex.addEnrolled('dora');
  team = await makeGroupOf(acme, alice, [dora]);
  sealed = await depositKey(acme, alice, recipientGroup(team));
});
afterEach(() => {
  globex.lie = undefined;
});
afterAll(() => bridges?.close());

const group = () => ({ iss: acme.iss, group: team.group });
const person = () => ({ iss: globex.iss, sub: dora.who.sub });

/** The true answer, and spaces after it, which mean nothing, up to so many bytes. */
function lengthen(bytes: number): void {
  globex.lie = async (_request, honest) => {
    const response = await honest();
    const body = new Uint8Array(bytes).fill(0x20);
    body.set(response.body);
    return { ...response, body };
  };
}

describe('what a partner answers', () => {
  it.each<[string, number, () => Promise<unknown>]>([
    [
      'when it shows a group',
      GROUP_VIEW_RESPONSE_BYTES,
      () => globex.groups.views.view(dora.who, group(), contextOf(dora.who)),
    ],
    [
      'when it tells who is in a group',
      GROUP_VIEW_RESPONSE_BYTES,
      () => globex.groups.members.find(dora.who, { ...group(), people: [person()] }),
    ],
    [
      'when it opens a key',
      KEY_OPENING_RESPONSE_BYTES,
      () => open(globex, dora, recipientGroup(team).to, sealed.keyId),
    ],
    [
      'when it takes a sealed key',
      SEALED_KEY_RECEIPT_BYTES,
      () => depositKey(globex, dora, recipientGroup(team)),
    ],
  ])('%s is read as far as such an answer can be long, and is a lie beyond', async (_when, bytes, ask) => {
    lengthen(bytes);
    expect(await ask()).toBeTruthy();
    lengthen(bytes + 1);
    await expectCode(ask(), 'partner_lying');
    const fault = (await globex.parts.eventsSoFar()).findLast(({ type }) => type === 'partner.fault');
    expect(fault).toMatchObject({ subject: { partner: acme.iss }, data: { detail: 'outbound_too_large' } });
  });
});
