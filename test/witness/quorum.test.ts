import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Query } from '../../bridge/storage/database.ts';
import { storeCosignature } from '../../bridge/tlog/cosignature-store.ts';
import {
  type CosignerSettings,
  createQuorum,
  parseCosigners,
  type Quorum,
} from '../../bridge/tlog/quorum.ts';
import {
  ED25519_COSIGNATURE,
  ED25519_NOTE,
  formatVerifierKey,
  verifierKey,
} from '../../protocol/tlog/verifier-key.ts';
import { movableClock, type TemporaryStore, temporaryStore } from '../signer/signer-fixture.ts';
import { noteSigner } from './small-log.ts';

let store: TemporaryStore;
let vkeys: string[];

beforeEach(async () => {
  store = await temporaryStore(movableClock());
  vkeys = await Promise.all(['w1', 'w2', 'w3', 'a1'].map((name) => vkeyOf(`${name}.example/c`)));
});
afterEach(() => store.remove());

async function vkeyOf(name: string, type: 1 | 4 = ED25519_COSIGNATURE): Promise<string> {
  return formatVerifierKey(verifierKey(name, type, (await noteSigner(name)).publicKey));
}

const settings = (changes: Partial<CosignerSettings> = {}): CosignerSettings => ({
  ...{ witnesses: vkeys.slice(0, 3), quorum: 2, auditors: vkeys.slice(3), auditorQuorum: 1 },
  ...changes,
});

const quorumOf = (given: CosignerSettings): Quorum =>
  createQuorum({ ...given, log: 'keys', database: store.database, cosigners: parseCosigners(given) });

/** The cosigner of this place in `vkeys` cosigns the checkpoint of this size. */
async function cosigned(place: number, size: number): Promise<void> {
  const cosigner = parseCosigners(settings())[place];
  if (cosigner === undefined) throw new Error('there is no such cosigner');
  const cosignature = { ...cosigner, time: 1_000 + size, line: `line of ${place}\n` };
  await store.database.transaction((tx) => storeCosignature(tx, 'keys', size, cosignature));
}

const newest = (quorum: Quorum, kind?: 'witness' | 'auditor') =>
  store.database.read((query) => quorum.newestQuorate(query, kind));

describe('the quorum of a log', () => {
  it('is met by so many different witnesses, and by no auditor', async () => {
    const quorum = quorumOf(settings());
    await cosigned(0, 5);
    await cosigned(0, 5);
    await cosigned(3, 5);
    expect(await newest(quorum)).toBeUndefined();
    expect(await newest(quorum, 'auditor')).toBe(5);
    await cosigned(1, 5);
    expect(await newest(quorum)).toBe(5);
  });

  it('is that of the newest checkpoint that meets it, not of the newest', async () => {
    for (const [place, size] of [
      [0, 5],
      [1, 5],
      [1, 7],
      [2, 7],
      [0, 9],
    ] as const)
      await cosigned(place, size);
    expect(await newest(quorumOf(settings()))).toBe(7);
  });

  it('counts only who is configured now', async () => {
    await cosigned(0, 5);
    await cosigned(1, 5);
    const [one, , three] = vkeys;
    expect(await newest(quorumOf(settings({ witnesses: [one ?? '', three ?? ''] })))).toBeUndefined();
  });

  it('is none where none is demanded', async () => {
    const quorum = quorumOf(settings({ witnesses: [], quorum: 0 }));
    expect(quorum.demands('witness')).toBe(false);
    expect(await newest(quorum)).toBeUndefined();
    expect(await quorum.reached(5, 0)).toBe(true);
  });

  it('is waited for: a later checkpoint stands for the earlier one', async () => {
    const quorum = quorumOf(settings());
    const reached = quorum.reached(5, 5_000);
    for (const place of [0, 1]) {
      await cosigned(place, 7);
      quorum.noteCosigned();
    }
    expect(await reached).toBe(true);
    expect(await quorum.reached(8, 20)).toBe(false);
    expect(await quorum.reached(8, 60_000, AbortSignal.abort())).toBe(false);
  });

  it('is looked up once for all who wait at once, and not again for what has it', async () => {
    let reads = 0;
    const database = {
      ...store.database,
      read: <T>(work: (query: Query) => Promise<T>) => {
        reads += 1;
        return store.database.read(work);
      },
    };
    const given = settings();
    const quorum = createQuorum({ ...given, log: 'keys', database, cosigners: parseCosigners(given) });
    const all = Promise.all(Array.from({ length: 64 }, () => quorum.reached(5, 5_000)));
    for (const place of [0, 1]) await cosigned(place, 5);
    quorum.noteCosigned();
    expect(await all).not.toContain(false);
    expect(reads).toBeLessThanOrEqual(2);
    const before = reads;
    expect(await quorum.reached(4, 5_000)).toBe(true);
    expect(reads).toBe(before);
  });
});

describe('cosigners as configured', () => {
  it.each<[string, (keys: string[]) => Partial<CosignerSettings>]>([
    ['one key twice', ([one = '']) => ({ witnesses: [one, one] })],
    ['a witness that is an auditor too', ([one = '']) => ({ witnesses: [one], quorum: 1, auditors: [one] })],
    ['a quorum above the number of witnesses', () => ({ quorum: 4 })],
    ['a quorum of auditors without any', () => ({ auditors: [] })],
    ['what is no key', () => ({ witnesses: ['w1.example+00000000+AAAA'], quorum: 1 })],
  ])('are refused: %s', (_what, changed) => {
    expect(() => parseCosigners(settings(changed(vkeys)))).toThrow(
      expect.objectContaining({ code: 'config_invalid' }),
    );
  });

  it('are refused: one key under two names', async () => {
    const { publicKey } = await noteSigner('x');
    const twice = ['x.example/a', 'x.example/b'].map((name) =>
      formatVerifierKey(verifierKey(name, ED25519_COSIGNATURE, publicKey)),
    );
    expect(() => parseCosigners(settings({ witnesses: twice }))).toThrow(
      expect.objectContaining({ code: 'config_invalid' }),
    );
  });

  it('are refused: the key of a log', async () => {
    const log = await vkeyOf('bridge.acme.example/log', ED25519_NOTE);
    expect(() => parseCosigners(settings({ witnesses: [log], quorum: 1 }))).toThrow(
      expect.objectContaining({ code: 'config_invalid' }),
    );
  });
});
