import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../bridge/lib/ids.ts';
import { createMetrics } from '../../bridge/metrics/metrics.ts';
import { watchTransforms } from '../../bridge/metrics/watch-transforms.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { expectCode } from '../binding/expect-code.ts';
import { contextOf, type Enrolled } from '../fakes/client-side.ts';
import { depositKey, makeGroupOf, open, recipientGroup, type Sealed } from './sealing.ts';
import { type OpeningBridge, type TwoBridges, twoBridges } from './two-bridges.ts';

let bridges: TwoBridges;
let acme: OpeningBridge;
let globex: OpeningBridge;
let gwen: Enrolled;
let sealed: Sealed;

beforeAll(async () => {
  bridges = await twoBridges();
  ({ acme, globex } = bridges);
  const ada = await acme.addEnrolled('ada');
  gwen = await globex.addEnrolled('gwen');
  sealed = await depositKey(acme, ada, recipientGroup(await makeGroupOf(acme, ada, [gwen], 'meeting')));
});

afterEach(() => {
  globex.lie = undefined;
});

afterAll(() => bridges.close());

const openAsGwen = () => open(globex, gwen, sealed.to, sealed.keyId);

describe('a home that has too much to do', () => {
  it('says when to come again, and the participant’s bridge passes it on', async () => {
    acme.afterTransform = async () => {
      throw new CountersignError('overloaded', undefined, { retryAfter: 7 });
    };
    await expect(openAsGwen()).rejects.toMatchObject({ code: 'overloaded', retryAfter: 7 });
  });

  it('cannot keep others away for longer than a minute', async () => {
    globex.lie = async () => ({
      status: 503,
      headers: new Headers({ 'retry-after': '86400' }),
      body: new TextEncoder().encode(JSON.stringify({ code: 'overloaded' })),
    });
    await expect(openAsGwen()).rejects.toMatchObject({ code: 'overloaded', retryAfter: 60 });
  });

  it('is told apart from one that is broken, and from one that refuses for reasons of its own', async () => {
    const answers = (status: number, code: string) => async () => ({
      ...{ status, headers: new Headers() },
      body: new TextEncoder().encode(JSON.stringify({ code })),
    });
    globex.lie = answers(500, 'internal');
    await expectCode(openAsGwen(), 'partner_unreachable');
    globex.lie = answers(403, 'forbidden');
    await expectCode(openAsGwen(), 'partner_refuses');
    globex.lie = answers(400, 'no-such-code');
    await expectCode(openAsGwen(), 'partner_refuses');
    globex.lie = answers(403, 'group_excluded');
    await expectCode(openAsGwen(), 'group_excluded');
  });
});

describe('a device that goes away', () => {
  const openUntil = (signal: AbortSignal) =>
    globex.keyOpenings.open(
      gwen.who,
      { request_id: newId(), to: sealed.to, key_id: sealed.keyId },
      contextOf(gwen.who),
      signal,
    );

  it('while home is asked ends the request', async () => {
    const gone = new AbortController();
    globex.lie = async (_request, honest) => {
      gone.abort();
      return honest();
    };
    const before = globex.transformsRun();
    await expectCode(openUntil(gone.signal), 'aborted');
    expect(globex.transformsRun()).toBe(before);
  });

  it('before anything was done has nothing done', async () => {
    const before = acme.transformsRun();
    await expectCode(openUntil(AbortSignal.abort()), 'aborted');
    expect(acme.transformsRun()).toBe(before);
  });
});

describe('the metrics of transforms', () => {
  it('are how many wait, how long each took, and what was not done', async () => {
    const metrics = createMetrics();
    const observer = watchTransforms(metrics);
    observer.waiting('join', 3);
    observer.finished('join', { waited: 0.02, worked: 0.016 });
    observer.failed('asset', 'overloaded');
    const { text } = await metrics.read();
    expect(text).toContain('countersign_transform_jobs_waiting{priority="join"} 3');
    for (const part of ['waiting', 'working']) {
      expect(text).toContain(
        `countersign_transform_job_duration_seconds_count{priority="join",part="${part}"} 1`,
      );
    }
    expect(text).toContain('countersign_transform_job_failures_total{priority="asset",code="overloaded"} 1');
  });
});
