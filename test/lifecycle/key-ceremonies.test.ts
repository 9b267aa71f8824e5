import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createEventLog } from '../../bridge/events/database-event-log.ts';
import { createStagingLog } from '../../bridge/keylog/database-key-log.ts';
import { createLogger } from '../../bridge/lib/logger.ts';
import {
  type CeremonyDeps,
  initializeBridge,
  rotateBridgeKeys,
} from '../../bridge/lifecycle/initialize-bridge.ts';
import { createRootKey, openRootKey } from '../../bridge/signer/root-key.ts';
import { loggedTrustChanges } from '../identity/logged-trust-changes.ts';
import { ISS, movableClock, type TemporaryStore, temporaryStore } from '../signer/signer-fixture.ts';

let store: TemporaryStore;
let ceremony: CeremonyDeps;

beforeEach(async () => {
  const clock = movableClock();
  store = await temporaryStore(clock);
  const { database } = store;
  const logger = createLogger({ level: 'silent' });
  ceremony = {
    ...{ database, clock, iss: ISS, onlineKeysDays: 90 },
    events: createEventLog({ database, clock, logger, iss: ISS }),
    keyLog: createStagingLog(),
    root: await openRootKey(await createRootKey()),
    keyEncryptionKey: crypto.getRandomValues(new Uint8Array(32)),
  };
});
afterEach(() => store.remove());

interface OnlineKey {
  readonly purpose: string;
  readonly thumbprint: string;
}

const logged = () => loggedTrustChanges(store.database, 'online-keys');
const keysOf = (state: Record<string, unknown> | null | undefined) => state?.keys as OnlineKey[];

describe('What the key log commits to of the bridge’s own keys', () => {
  it('is one version for each ceremony: all keys as they stand from then on, under which root', async () => {
    await initializeBridge(ceremony);
    await rotateBridgeKeys(ceremony, { purposes: ['binding'] });
    const before = await logged();
    const stolen = keysOf(before[1]?.state).find(({ purpose }) => purpose === 'federation')?.thumbprint;
    await rotateBridgeKeys(ceremony, { purposes: [], compromised: [String(stolen)] });
    const found = await logged();
    expect(found.map(({ version, change, by, state }) => [version, change, by, state?.serial])).toEqual([
      [0, 'keys.initialized', { kind: 'system' }, 1],
      [1, 'keys.rotated', { kind: 'system' }, 2],
      [2, 'keys.compromised', { kind: 'system' }, 3],
    ]);
    for (const { iss, state } of found) {
      expect(iss).toBe(ISS);
      expect(state?.root_thumbprint).toBe(ceremony.root.kid);
    }
    const binding = found.map(({ state }) => keysOf(state).filter(({ purpose }) => purpose === 'binding'));
    expect(binding.map((keys) => keys.length)).toEqual([1, 2, 2]);
    expect(binding[1]?.[0]?.thumbprint).toBe(binding[0]?.[0]?.thumbprint);
    expect(found[2]?.state?.compromised).toEqual([stolen]);
    expect(keysOf(found[2]?.state).map(({ thumbprint }) => thumbprint)).not.toContain(stolen);
    expect(JSON.stringify(found)).not.toMatch(/"d"|"x"/);
  });

  it('does not grow by a ceremony that is refused', async () => {
    await initializeBridge(ceremony);
    await expect(initializeBridge(ceremony)).rejects.toMatchObject({ code: 'conflict' });
    const root = await openRootKey(await createRootKey());
    await expect(rotateBridgeKeys({ ...ceremony, root }, {})).rejects.toMatchObject({
      code: 'root_mismatch',
    });
    expect(await logged()).toHaveLength(1);
  });

  it('is undone with the ceremony whose transaction fails', async () => {
    const events: Pick<CeremonyDeps['events'], 'append'> = {
      append: () => Promise.reject(new Error('no room for the event')),
    };
    const failing = { ...ceremony, events: events as CeremonyDeps['events'] };
    await expect(initializeBridge(failing)).rejects.toThrow('no room');
    expect(await logged()).toEqual([]);
  });
});
