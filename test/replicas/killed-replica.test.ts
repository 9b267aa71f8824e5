import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Auditor, openAuditor } from '../../bridge/keylog/audit/auditor.ts';
import { boundedRequest } from '../../bridge/keylog/audit/bounded-fetch.ts';
import { systemClock } from '../../bridge/lib/clock.ts';
import type { Stage } from '../../demo/stage/stage.ts';
import { openWebhookReceiver, type WebhookReceiver } from '../fakes/receivers/webhook-receiver.ts';
import { setTestStage } from '../fakes/test-stage.ts';
import { startWholeBridge, type WholeBridge } from '../http/whole-bridge.ts';
import { inTurn } from './in-turn.ts';
import { ALL_LOGGED, type MadeTokens, madeTokens } from './made-tokens.ts';
import { type Replica, type ReplicaProcess, startReplica } from './replicas.ts';

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
// Processes start and end, and leases run out.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

/** A sink of a killed process waits for its lease, and a machine may stall. */
const soon = { timeout: 60_000, interval: 50 };

let stage: Stage;
let bridge: WholeBridge;
let tokens: MadeTokens;
let receiver: WebhookReceiver;
/** Does all the work, until it is killed. */
let holder: ReplicaProcess;
let heir: ReplicaProcess;
let auditor: Auditor;

beforeAll(async () => {
  stage = await setTestStage();
  bridge = await startWholeBridge(stage, 'bridge.acme.localhost');
  holder = await startReplica(stage, bridge);
  tokens = await madeTokens(bridge, holder);
  await bridge.running.stop();
  receiver = await openWebhookReceiver(
    { ...stage, outbound: undefined as never, close: async () => {} },
    { secret: SECRET, now: Date.now },
  );
  stage.onClose(() => receiver.close());
  const sink = { name: 'soc', kind: 'webhook', settings: { url: receiver.url, secret: SECRET } };
  expect((await tokens.ask(holder, '/admin/v1/sinks', sink)).status).toBe(201);
  heir = await startReplica(stage, bridge);
  auditor = await openAuditor({
    ...{ bridge: bridge.issuer, state: join(stage.folder, 'auditor'), clock: systemClock },
    // whichever of them answers: to the auditor it is one log
    request: boundedRequest(inTurn(bridge, () => [holder, heir])),
  });
  stage.onClose(() => auditor.close());
});
afterAll(() => stage?.close());

/** Makes administrators’ tokens until the replica is gone or it has enough. */
async function makeTokens(at: Replica, name: string, isEnough: () => boolean, made: string[]): Promise<void> {
  for (let number = 0; !isEnough(); number += 1) {
    const wanted = `${name}-${number}`;
    const answer = await tokens.make(at, wanted).catch(() => undefined);
    if (answer === undefined) return;
    expect(answer).toBe(201);
    made.push(wanted);
  }
}

describe('when the process that does all the work is killed amid it', () => {
  it.each(['first', 'second'])(
    'the other one goes on: both logs are whole, and every answered change is in them, the %s time',
    async (time) => {
      expect(await auditor.run()).toMatchObject({ outcome: 'verified' });
      const made: string[] = [];
      let killed = false;
      const lanes = [0, 1, 2, 3].map((lane) => makeTokens(holder, `${time}-${lane}`, () => killed, made));
      await vi.waitFor(() => expect(made.length).toBeGreaterThan(20), soon);
      await holder.kill();
      killed = true;
      await Promise.all(lanes);
      const before = made.length;
      const isEnough = () => made.length >= before + 20;
      await Promise.all([4, 5].map((lane) => makeTokens(heir, `${time}-${lane}`, isEnough, made)));
      [holder, heir] = [heir, await startReplica(stage, bridge)];

      await vi.waitFor(async () => expect(await tokens.standOfLog()).toEqual(ALL_LOGGED), soon);
      await vi.waitFor(
        async () => expect(await tokens.reported()).toEqual(expect.arrayContaining(made)),
        soon,
      );
      const reported = await tokens.reported();
      expect(new Set(reported).size).toBe(reported.length);
      expect(await auditor.run()).toMatchObject({ outcome: 'verified' });
    },
  );

  it('the other one delivers to its sinks: every event has come, in the order of the log', async () => {
    await vi.waitFor(async () => {
      const logged = (await tokens.allEvents()).map(({ event_id }) => event_id);
      const from = logged.indexOf(receiver.held[0] ?? '');
      expect([...new Set(receiver.held)]).toEqual(logged.slice(from));
    }, soon);
    expect(receiver.breaches).toEqual([]);
  });
});

describe('while both live', () => {
  const leases = async () => {
    const states = await bridge.store.read((query) =>
      query.selectFrom('sink_states').select(['sink', 'holder']).orderBy('sink').execute(),
    );
    expect(states).toMatchObject([{ holder: expect.any(String) }]);
    return JSON.stringify(states);
  };

  /** Has both of them report events: what came of those, and what should have. */
  async function haveBothReport(name: string) {
    const already = receiver.held.length;
    const before = await leases();
    const made: string[] = [];
    const isEnough = () => made.length >= 40;
    await Promise.all([holder, heir].map((at, lane) => makeTokens(at, `${name}-${lane}`, isEnough, made)));
    await vi.waitFor(async () => expect(await tokens.reported()).toEqual(expect.arrayContaining(made)), soon);
    const logged = (await tokens.allEvents()).map(({ event_id }) => event_id);
    await vi.waitFor(() => expect(receiver.held).toContain(logged.at(-1)), soon);
    const came = receiver.held.slice(already, receiver.held.lastIndexOf(logged.at(-1) ?? '') + 1);
    const oneLease = before === (await leases());
    return { came, wanted: logged.slice(logged.indexOf(came[0] ?? '')), made, oneLease };
  }

  it('a sink gets each event once under one lease, whichever of them reports it', async () => {
    let round = await haveBothReport('round-0');
    // A holder that stalls for longer than its lease loses it, and what was on the way then comes again.
    for (let again = 1; !round.oneLease; again += 1) round = await haveBothReport(`round-${again}`);
    expect(round.came).toEqual(round.wanted);
    expect(round.came.length).toBeGreaterThanOrEqual(round.made.length);
  });
});
