import { afterEach, describe, expect, it } from 'vitest';
import type { BindingDeps } from '../../bridge/binding/services.ts';
import { FairLine } from '../../bridge/transforms/fair-line.ts';
import type { TransformJob, Transforms } from '../../bridge/transforms/transforms.ts';
import { CountersignError } from '../../protocol/errors.ts';
import type { TransformEngine } from '../../recrypt/transform-engine.ts';
import { type BridgeParts, bridgeParts } from '../fakes/bridge-parts.ts';
import { begin, confirmation, contextOf, enrol } from '../fakes/client-side.ts';
import { expectCode } from './expect-code.ts';

let parts: BridgeParts;
/** What the workers were given, and what they answer in its place. */
let jobs: Pick<TransformJob, 'priority' | 'turn'>[];
let fault: CountersignError | undefined;
/** Transforms on the thread of the requests. */
let ownTransforms: number;

async function start(): Promise<void> {
  [jobs, fault, ownTransforms] = [[], undefined, 0];
  parts = await bridgeParts({ replace: (real) => watched(real) });
}
afterEach(() => parts.remove());

function watched({ engine, transforms }: BindingDeps): Partial<BindingDeps> {
  return { engine: watchedEngine(engine), transforms: watchedTransforms(transforms) };
}

/** The client’s side of these tests transforms nothing. */
function watchedEngine(engine: TransformEngine): TransformEngine {
  const transform: TransformEngine['transform'] = (...given) => {
    ownTransforms += 1;
    return engine.transform(...given);
  };
  return new Proxy(engine, {
    get: (target, name) => (name === 'transform' ? transform : Reflect.get(target, name)),
  });
}

function watchedTransforms(transforms: Transforms): Transforms {
  return {
    run({ priority, turn, ...job }) {
      jobs.push({ priority, turn });
      return fault === undefined ? transforms.run({ priority, turn, ...job }) : Promise.reject(fault);
    },
    stop: () => transforms.stop(),
  };
}

describe('the transform of an enrolment', () => {
  it('is done by the workers, once, and never on the thread of the requests', async () => {
    await start();
    const alice = await parts.addPerson({ addresses: ['alice@acme.example'] });
    await enrol(parts, alice);
    expect(jobs).toEqual([{ priority: 'join', turn: [parts.signer.iss, 'enrolments', alice] }]);
    expect(ownTransforms).toBe(0);
  });

  it('takes turns with all other enrolments as one: however many there are, a meeting’s joins wait for few', async () => {
    await start();
    const { iss } = parts.signer;
    const line = new FairLine<string>();
    for (const name of ['alice', 'bob', 'carol', 'dan']) {
      const sub = await parts.addPerson({ addresses: [`${name}@acme.example`] });
      await enrol(parts, sub);
      line.add(jobs.at(-1)?.turn ?? [], name);
    }
    for (const guest of ['gwen', 'hal']) line.add([iss, 'the id of a meeting', guest], guest);
    const order = Array.from({ length: 6 }, () => line.take());
    expect(order).toEqual(['alice', 'gwen', 'bob', 'hal', 'carol', 'dan']);
  });

  it('that the workers have no room for is refused as others are, and the same confirmation counts later', async () => {
    await start();
    const alice = await parts.addPerson({ addresses: ['alice@acme.example'] });
    const enrolling = await begin(parts, alice);
    const { who, offer } = enrolling;
    const body = await confirmation(parts.engine, enrolling);
    const confirm = () => parts.enrolments.confirm(who, offer.enrolment_id, body, contextOf(who));
    fault = new CountersignError('overloaded', undefined, { retryAfter: 3 });
    await expect(confirm()).rejects.toMatchObject({ code: 'overloaded', retryAfter: 3 });
    fault = undefined;
    expect((await confirm()).credential).toBeDefined();
  });

  it('that the thread was lost with leaves nothing stored', async () => {
    await start();
    const alice = await parts.addPerson({ addresses: ['alice@acme.example'] });
    const enrolling = await begin(parts, alice);
    const { who, offer } = enrolling;
    fault = new CountersignError('unavailable', 'A transform was not finished.');
    const body = await confirmation(parts.engine, enrolling);
    const sent = parts.enrolments.confirm(who, offer.enrolment_id, body, contextOf(who));
    await expectCode(sent, 'unavailable');
    const rows = await parts.database.read((query) => query.selectFrom('person_keys').selectAll().execute());
    expect(rows).toEqual([]);
  });
});
