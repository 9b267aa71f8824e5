import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { loadConfig } from '../../bridge/config/index.ts';
import { readEvents } from '../../bridge/events/event-store.ts';
import { openAuditor } from '../../bridge/keylog/audit/auditor.ts';
import { boundedRequest } from '../../bridge/keylog/audit/bounded-fetch.ts';
import { createLogger } from '../../bridge/lib/logger.ts';
import { type RunningBridge, startBridge } from '../../bridge/main.ts';
import { openLocalSigner } from '../../bridge/signer/local-signer.ts';
import { currentLogKey } from '../../bridge/tlog/note-signer.ts';
import { type CompanyStores, embeddedStores } from '../../demo/stage/company-stores.ts';
import { amendConfiguration } from '../../demo/stage/configuration.ts';
import { type Stage, setStage } from '../../demo/stage/stage.ts';
import { decodeBase64url } from '../../protocol/base64url.ts';
import { entityConfigurationSchema } from '../../protocol/entity-configuration.ts';
import { decodeClaims } from '../../protocol/jws.ts';
import { logOrigin, parseCheckpoint } from '../../protocol/tlog/checkpoint.ts';
import { parseNote } from '../../protocol/tlog/signed-note.ts';
import { formatVerifierKey } from '../../protocol/tlog/verifier-key.ts';
import { verifyChain } from '../events/verified-chain.ts';
import { type PostgresPair, startPair } from '../fakes/postgres-pair.ts';
import { type Amended, startWholeBridge, type WholeBridge } from '../http/whole-bridge.ts';

/** Requests that are under way wait for a server that takes writes, and machines stall. */
const soon = { timeout: 60_000, interval: 100 };
vi.setConfig({ testTimeout: 240_000, hookTimeout: 180_000 });

let pair: PostgresPair;
let stage: Stage;
let bridge: WholeBridge;
/** In the place of the one that the bridge began with. */
let running: RunningBridge | undefined;

/** Acme’s bridge, whose store is the pair; any other has one of its own. */
async function start(synchronous: boolean, amended?: Amended): Promise<void> {
  pair = await startPair({ synchronous });
  const onPair: CompanyStores = {
    settings: { storage: { driver: 'postgres', url: { file: './store-url' } } },
    files: { 'store-url': pair.url },
    remove: () => pair.stop(),
  };
  const stores = [onPair];
  stage = await setStage(new AbortController().signal, async () => stores.pop() ?? embeddedStores());
  bridge = await startWholeBridge(stage, 'bridge.acme.localhost', amended);
}

afterEach(async () => {
  running = undefined;
  await stage?.close();
});

/** An event and an entry of the key log. */
async function makeToken(name: string): Promise<boolean> {
  try {
    await bridge.administrator.post('/admin/v1/tokens', { name });
    return true;
  } catch (error) {
    expect(String(error)).toMatch(/ answered 503 (unavailable|storage_busy):/);
    return false;
  }
}

/** One after the other until there are enough; `made` is what was answered. */
async function makeTokens(lane: number, made: string[], isEnough: () => boolean): Promise<void> {
  for (let number = 0; !isEnough(); number += 1) {
    const name = `${lane}-${number}`;
    if (await makeToken(name)) made.push(name);
  }
}

async function reportedTokens(): Promise<unknown[]> {
  const { size } = await verifyChain(bridge.store, bridge.issuer);
  const events = await bridge.store.read((query) => readEvents(query, 0, size));
  return events
    .filter(({ type }) => type === 'admin.token_created')
    .map(({ data }) => (data as { name?: unknown }).name);
}

describe('a synchronous standby', () => {
  it('is what a change waits for: while it is away none is answered as stored', async () => {
    await start(true);
    expect(await makeToken('before')).toBe(true);
    const restore = await pair.cutReplication();
    expect(await makeToken('meanwhile')).toBe(false);
    await restore();
    await vi.waitFor(async () => expect(await makeToken('after')).toBe(true), soon);
  });

  it('that is promoted has everything that was answered, and the bridge goes on with it', async () => {
    await start(true);
    const auditor = await openAuditor({
      ...{ bridge: bridge.issuer, state: join(stage.folder, 'auditor'), clock: bridge.clock },
      request: boundedRequest(stage.fetch),
    });
    stage.onClose(() => auditor.close());
    const made: string[] = [];
    let isEnough = false;
    const lanes = [0, 1, 2, 3].map((lane) => makeTokens(lane, made, () => isEnough));
    await vi.waitFor(() => expect(made.length).toBeGreaterThan(20), soon);
    await vi.waitFor(async () => expect(await auditor.run()).toMatchObject({ outcome: 'verified' }), soon);
    await pair.failOver();
    const before = made.length;
    await vi.waitFor(() => expect(made.length).toBeGreaterThan(before + 20), soon);
    isEnough = true;
    await Promise.all(lanes);
    await vi.waitFor(async () => expect(await reportedTokens()).toEqual(expect.arrayContaining(made)), soon);
    expect(await auditor.run()).toMatchObject({ outcome: 'verified' });
    await vi.waitFor(
      async () => expect(await bridge.administrator.get('/health/ready')).toMatchObject({ status: 'ready' }),
      soon,
    );
  });
});

describe('an asynchronous standby that is promoted without the last commits', () => {
  /** Every head that is signed, as `size root`. */
  const signedHeads = () =>
    bridge.store.read(async (query) => {
      const rows = await query
        .selectFrom('log_checkpoints')
        .select(['size', 'root'])
        .where('log', '=', 'keys')
        .where('log_signature', 'is not', null)
        .orderBy('size')
        .execute();
      return rows.map(({ size, root }) => `${size} ${root}`);
    });

  /** How far the log goes that the public is shown: what witnesses must cosign, they have. */
  async function publishedSize(): Promise<number> {
    const response = await stage.fetch(`${bridge.issuer}/log/checkpoint`);
    const note = await response.text();
    return response.ok ? parseCheckpoint(parseNote(note).text).size : 0;
  }

  /** Answers the heads that were signed until the primary died. */
  async function loseSignedEntries(): Promise<string[]> {
    await vi.waitFor(async () => expect(await publishedSize()).toBeGreaterThan(0), soon);
    await pair.cutReplication();
    const kept = await publishedSize();
    expect(await makeToken('lost')).toBe(true);
    await vi.waitFor(async () => expect(await publishedSize()).toBeGreaterThan(kept), soon);
    const signed = await signedHeads();
    await pair.failOver();
    await vi.waitFor(async () => expect(await makeToken('after')).toBe(true), soon);
    return signed;
  }

  /** What the bridge that runs says of itself once it has found out. */
  const untilRefusing = () =>
    vi.waitFor(async () => {
      const said = await bridge.administrator.get('/health/ready');
      expect(said).toMatchObject({
        ...{ status: 'degraded', reasons: [expect.stringMatching(/were signed before/)] },
      });
    }, soon);

  it('is not signed from by the bridge that runs, nor by one that starts: the head file is ahead', async () => {
    await start(false, { key_log: { head_file: './log-head.json' } });
    const signed = await loseSignedEntries();
    await untilRefusing();
    await expect(bridge.restart()).rejects.toMatchObject({ code: 'state_refused' });
    expect(signed).toEqual(expect.arrayContaining(await signedHeads()));
  });

  it('is not signed from where there is no head file, as a witness has seen more', async () => {
    await start(false);
    await restartWith(await startWitness());
    const signed = await loseSignedEntries();
    await untilRefusing();
    await expect(restartWith({})).rejects.toMatchObject({ code: 'state_refused' });
    expect(signed).toEqual(expect.arrayContaining(await signedHeads()));
  });
});

/** Another company’s bridge, which cosigns our log: what `key_log` says of it. */
async function startWitness(): Promise<object> {
  const { config, store, clock, issuer } = bridge;
  const keyEncryptionKey = decodeBase64url(config.signer.key_encryption_key.reveal(), 32);
  const signer = await openLocalSigner({ database: store, keyEncryptionKey, iss: issuer, clock });
  const logs = [formatVerifierKey(currentLogKey(signer, logOrigin(issuer)))];
  const globex = await startWholeBridge(stage, 'bridge.globex.localhost', { witness: { logs } });
  const token = await (await stage.fetch(`${globex.issuer}/.well-known/openid-federation`)).text();
  const { metadata } = decodeClaims(token, 'entity-statement+jwt', entityConfigurationSchema);
  return { witnesses: [metadata.key_bridge.witness], quorum: 1 };
}

/** Runs the bridge on what it has stored, with these keys of `key_log` beside its own. */
async function restartWith(keyLog: object): Promise<void> {
  await running?.stop();
  await bridge.running.stop();
  await amendConfiguration(bridge.configPath, 'key_log', { ...keyLog });
  const config = loadConfig({ path: bridge.configPath, env: {} });
  const logger = createLogger({ level: 'silent' });
  const given = { resolver: stage.names, clock: bridge.clock, engine: stage.engine, logger };
  const started = await startBridge(config, given);
  stage.onClose(() => started.stop());
  running = started;
}
