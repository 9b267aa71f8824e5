import { access, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type BridgeFixture, bridgeFixture } from '../administration/bridge-fixture.ts';
import { SOON } from '../fakes/soon.ts';

let bridge: BridgeFixture;

beforeEach(async () => {
  bridge = await bridgeFixture({ settings: { key_log: { head_file: 'log-head.json' } } });
});
afterEach(() => bridge.remove());

const headFile = () => join(bridge.folder, 'log-head.json');

/** With the first epoch that the bridge makes or finds. */
const written = () => vi.waitFor(() => access(headFile()), SOON);

/** What a person sees of it. */
async function told() {
  const { status, body } = await bridge.ask('GET', '/health/ready');
  expect(status).toBe(200);
  const warnings = (body.warnings as string[]).filter((text) => text.includes('head file'));
  const events = (await bridge.events()).filter(({ type }) => type === 'log.head_lost');
  return { warnings, events };
}

describe('a store with entries whose head file is lost', () => {
  it('is told at the start, by a warning and an event, and no more once the file is there again', async () => {
    expect(await told()).toEqual({ warnings: [], events: [] });
    await written();
    await bridge.running.stop();
    await rm(headFile());
    await bridge.restart();
    const { warnings, events } = await told();
    expect(warnings).toEqual([
      expect.stringMatching(/on a store with \d+ entries.*If it is a restored backup, stop/),
    ]);
    expect(events).toMatchObject([{ outcome: 'failure', data: { size: expect.any(Number) } }]);
    await written();
    await bridge.restart();
    expect(await told()).toMatchObject({ warnings: [], events: [{ type: 'log.head_lost' }] });
  });
});
