import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  initializeWitnessFolder,
  openWitnessFolder,
  type WitnessFolder,
} from '../../bridge/cli/witness-folder.ts';
import { composeWitness } from '../../bridge/http/compose-witness.ts';
import { type ListeningServer, startServer } from '../../bridge/http/server.ts';
import { systemClock } from '../../bridge/lib/clock.ts';
import { createWitness, type Witness } from '../../bridge/tlog/witness-server.ts';
import { originHash } from '../../bridge/tlog/witness-store.ts';
import { openCheckpoint, parseCheckpoint } from '../../protocol/tlog/checkpoint.ts';
import { parseNote } from '../../protocol/tlog/signed-note.ts';
import { parseVerifierKey } from '../../protocol/tlog/verifier-key.ts';
import { quiet } from '../events/events-fixture.ts';
import { type AgeKeyserver, makeKeyserverKeys, startAgeKeyserver } from './age-keyserver.ts';
import { describeWithTorchwood } from './describe-with-torchwood.ts';

const ORIGIN = 'keyserver.test/log';
/** Recipients of the age format (C2SP age), as its documentation shows them. */
const KEYS = [
  'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p',
  'age1lggyhqrw2nlhcxprm67z43rta597azn8gknawjehu9d9dl0jq3yqqvfafg',
] as const;

await describeWithTorchwood('our witness, for age-keyserver', () => {
  let home: string;
  let folder: WitnessFolder;
  let witness: Witness;
  let server: ListeningServer;
  let keyserver: AgeKeyserver;
  let logKey: ReturnType<typeof parseVerifierKey>;

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'countersign-witness-'));
    await initializeWitnessFolder(home, 'witness.test/w1');
    folder = await openWitnessFolder(home);
    const keys = makeKeyserverKeys(ORIGIN);
    logKey = parseVerifierKey(keys.vkey);
    witness = createWitness({
      ...{ database: folder.database, key: folder.key, clock: systemClock },
      findLogKeys: async (origin) => ({ keys: origin === ORIGIN ? [logKey] : [] }),
    });
    const answer = composeWitness({ witness, clock: systemClock, logger: quiet, trustedProxies: [] });
    server = await startServer({ address: '127.0.0.1', port: 0, answer });
    const url = `http://127.0.0.1:${server.port}`;
    keyserver = await startAgeKeyserver(keys, { vkey: folder.key.vkey, url });
  });
  afterAll(async () => {
    await keyserver?.stop();
    await server?.stop(0);
    await folder?.database.close();
    await rm(home, { recursive: true, force: true });
  });

  it('cosigns every checkpoint that it publishes: each verifies, and the newest is the one that we remember', async () => {
    const sizes: number[] = [];
    for (const [index, key] of [...KEYS, ...KEYS].entries()) {
      await keyserver.setKey(`person${index % 3}@example.com`, key);
      const published = keyserver.checkpoint();
      const { checkpoint, verified } = await openCheckpoint(published, {
        origin: ORIGIN,
        logKeys: [logKey],
        cosigners: [folder.key.verifier],
      });
      expect(verified.map(({ key: { name } }) => name)).toEqual([ORIGIN, 'witness.test/w1']);
      sizes.push(checkpoint.size);
      const ours = parseNote((await witness.checkpoint(originHash(ORIGIN))) ?? '');
      expect(parseCheckpoint(ours.text).size).toBeGreaterThanOrEqual(checkpoint.size);
    }
    expect(sizes).toEqual([...new Set(sizes)].sort((one, other) => one - other));
    expect(sizes.at(-1)).toBeGreaterThanOrEqual(KEYS.length);
  });

  it('satisfies age-keylookup, which demands our cosignature', () => {
    expect(keyserver.lookUp('person1@example.com')).toContain(KEYS[1]);
  });
});
