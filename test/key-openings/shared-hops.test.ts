import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { findOpeningPath } from '../../bridge/groups/opening-path.ts';
import { requireSealedKey } from '../../bridge/groups/sealed-key-store.ts';
import { createTransformAlong, type TransformAlong, type Way } from '../../bridge/groups/shared-hops.ts';
import type { TransformTurn } from '../../bridge/transforms/transforms.ts';
import { expectCode } from '../binding/expect-code.ts';
import type { Enrolled } from '../fakes/client-side.ts';
import { type HeldPool, heldPool } from '../transforms/held-threads.ts';
import { depositKey, makeGroupOf, recipientGroup } from './sealing.ts';
import { type OpeningBridge, type TwoBridges, twoBridges } from './two-bridges.ts';

const LINE = 3;

let bridges: TwoBridges;
let acme: OpeningBridge;
let globex: OpeningBridge;
let gwen: Enrolled;
/** From a meeting at Acme to a durable group at Globex: one hop, the same for all who come by it. */
let way: Pick<Way, 'sealed' | 'path'>;
let meeting: string;
let held: HeldPool;
let along: TransformAlong;

beforeAll(async () => {
  bridges = await twoBridges();
  ({ acme, globex } = bridges);
  const ada = await acme.addEnrolled('ada');
  gwen = await globex.addEnrolled('gwen');
  const durable = await makeGroupOf(globex, gwen, [gwen]);
  const made = await makeGroupOf(acme, ada, [durable], 'meeting');
  meeting = made.group;
  const { keyId } = await depositKey(acme, ada, recipientGroup(made));
  const person = { iss: globex.iss, sub: gwen.who.sub };
  const wanted = { group: meeting, person, via: [durable.group], keySince: 0 };
  const now = Math.floor(acme.parts.clock.now() / 1000);
  way = await acme.parts.database.read(async (query) => ({
    path: await findOpeningPath(query, wanted, acme.iss, now),
    sealed: await requireSealedKey(query, { recipient_kind: 'group', recipient: meeting }, keyId),
  }));
});
afterAll(() => bridges?.close());

beforeEach(() => {
  held = heldPool({ queue: LINE });
  along = createTransformAlong({ ...acme.parts, transforms: held.pool });
});
afterEach(async () => {
  letGo();
  await held.pool.stop();
});

const byPartner = (): TransformTurn => [globex.iss, meeting, gwen.who.sub];
const bySomebodyElse = (): TransformTurn => ['https://bridge.elsewhere.example', meeting, 'hal'];
const open = (turn: TransformTurn) => along({ ...way, beyond: [], turn, signal: undefined });

/** The thread has two jobs, and all that may wait are of this turn. Resolves when one of them made room for another. */
function fill(turn: TransformTurn): Promise<unknown> {
  const names = ['x1', 'x2', ...Array.from({ length: LINE }, (_, index) => `y${index}`)];
  const jobs = names.map((name) => held.add(name, { turn }));
  return expectCode(Promise.all(jobs), 'overloaded');
}

function letGo(): void {
  for (const thread of held.threads) thread.postMessage('free');
}

describe('the hop to a durable group', () => {
  it('is made in a turn of the bridge: who asks first and has a full line holds nobody up', async () => {
    const madeRoom = fill(byPartner());
    const opened = Promise.all([open(byPartner()), open(bySomebodyElse())]);
    await Promise.race([opened, madeRoom]);
    letGo();
    const encrypted = new Uint8Array(way.sealed.encrypted);
    expect(await opened).toEqual([encrypted, encrypted]);
  });

  it('is made again for those who waited for it where the bridge has too much to do itself', async () => {
    const madeRoom = fill([acme.iss, meeting, '']);
    const first = expectCode(open(byPartner()), 'overloaded');
    const waiting = open(bySomebodyElse());
    await first;
    await Promise.race([waiting, madeRoom]);
    letGo();
    expect(await waiting).toEqual(new Uint8Array(way.sealed.encrypted));
  });
});
