import type { RequestListener } from 'node:http';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WITNESS_RETRY_MAX_MS } from '../../bridge/lib/limits.ts';
import { readCosignatures } from '../../bridge/tlog/cosignature-store.ts';
import { headWitnesses } from '../../bridge/tlog/head-witness.ts';
import { createQuorum, type Quorum } from '../../bridge/tlog/quorum.ts';
import { WitnessClient, type WitnessState } from '../../bridge/tlog/witness-client.ts';
import { createWitnessClients } from '../../bridge/tlog/witness-clients.ts';
import { sizeAtWitness } from '../../bridge/tlog/witness-store.ts';
import { cosign } from '../../protocol/tlog/cosignature.ts';
import { formatSignatureLine, parseNote, parseSignatureLines } from '../../protocol/tlog/signed-note.ts';
import { ED25519_COSIGNATURE, verifierKey } from '../../protocol/tlog/verifier-key.ts';
import { verifyNote } from '../../protocol/tlog/verify-note.ts';
import { quiet } from '../events/events-fixture.ts';
import { SOON } from '../fakes/soon.ts';
import {
  type MovableClock,
  movableClock,
  type TemporaryStore,
  temporaryStore,
} from '../signer/signer-fixture.ts';
import { noteSigner, type SmallLog, shownSmallLog, smallLog } from './small-log.ts';
import { type WitnessHost, witnessHost } from './witness-host.ts';

const ORIGIN = 'bridge.acme.example/log';
const never = new AbortController().signal;

let clock: MovableClock;
let store: TemporaryStore;
let log: SmallLog;
let host: WitnessHost;
let client: WitnessClient;
let changes: WitnessState['state'][];
let times: number[];
let quorum: Quorum;

function clientOf({ key, url, outbound }: Pick<WitnessHost, 'key' | 'url' | 'outbound'>): WitnessClient {
  return new WitnessClient(depsFor({ key, url }, outbound));
}

function depsFor(witness: { key: WitnessHost['key']; url: string }, outbound: WitnessHost['outbound']) {
  return {
    ...{ witness, outbound, clock, database: store.database, logger: quiet, refreshSeconds: 3_600 },
    shown: shownSmallLog(() => log),
    onCosigned: () => quorum.noteCosigned(),
    onChange: ({ state }: WitnessState) => void changes.push(state),
    onTime: (_: string, time: number) => void times.push(time),
  };
}

beforeEach(async () => {
  clock = movableClock();
  store = await temporaryStore(clock);
  log = await smallLog(ORIGIN, 5);
  host = await witnessHost('witness.globex.example/w1', [log.key], clock);
  client = clientOf(host);
  changes = [];
  times = [];
  quorum = createQuorum({
    ...{ log: 'keys', database: store.database, quorum: 1, auditorQuorum: 0 },
    cosigners: [{ key: host.key, kind: 'witness' }],
  });
});
afterEach(async () => {
  await host.close();
  await store.remove();
});

const nowInSeconds = () => Math.floor(clock.now() / 1_000);
const cosignatures = (size = log.size) =>
  store.database.read((query) => readCosignatures(query, 'keys', size));

/** Says what the other side answers from now on. */
function answering(status: number, text: string, type = 'text/plain'): void {
  const listener: RequestListener = (request, response) => {
    request.resume();
    response.writeHead(status, { 'content-type': type }).end(text);
  };
  host.answerWith(listener);
}

describe('the client of a witness', () => {
  it('stores a cosignature of the newest checkpoint that verifies', async () => {
    expect(await client.ask(never)).toMatchObject({ state: 'cosigning', size: 5, error: null });
    const [stored, ...others] = await cosignatures();
    expect(others).toEqual([]);
    expect(stored).toMatchObject({ kind: 'witness', key_name: host.key.name });
    const { text } = parseNote(await log.note());
    const signatures = parseSignatureLines(stored?.line ?? '');
    expect(await verifyNote({ text, signatures }, [host.key])).toMatchObject([{ time: stored?.time }]);
  });

  it('proves from where the witness stands, and asks nothing while nothing is due', async () => {
    await client.ask(never);
    await client.ask(never);
    expect(host.asked).toHaveLength(1);
    log.append('a', 'b', 'c');
    await client.ask(never);
    expect(host.asked.map((body) => body.split('\n')[0])).toEqual(['old 0', 'old 5']);
    expect(await cosignatures(8)).toHaveLength(1);
  });

  it('asks nothing before there is a checkpoint', async () => {
    log = await smallLog(ORIGIN);
    expect(await client.ask(never)).toMatchObject({ state: 'unknown' });
    expect(host.asked).toEqual([]);
  });

  it('learns from 409 where the witness stands', async () => {
    await host.witness.addCheckpoint(await log.request(0));
    log.append('a', 'b');
    expect(await client.ask(never)).toMatchObject({ state: 'cosigning', size: 7 });
    expect(host.asked.map((body) => body.split('\n')[0])).toEqual(['old 0', 'old 5']);
    expect(await store.database.read((query) => sizeAtWitness(query, 'keys', host.key))).toBe(7);
  });

  it('renews the cosignature of a checkpoint that stays the newest', async () => {
    await client.ask(never);
    const [before] = await cosignatures();
    clock.advance(3_599_000);
    await client.ask(never);
    expect(await cosignatures()).toEqual([before]);
    clock.advance(1_000);
    await client.ask(never);
    const [after, ...others] = await cosignatures();
    expect(others).toEqual([]);
    expect(after?.time).toBe((before?.time ?? 0) + 3_600);
  });

  it('tells what the witness’s clock shows, also where ours is so wrong that nothing is stored', async () => {
    const right = nowInSeconds();
    await client.ask(never);
    expect(times).toEqual([right]);
    host.answerWith(undefined);
    const wrong = movableClock(clock.now() + 30 * 86_400_000);
    client = new WitnessClient({ ...depsFor(host, host.outbound), clock: wrong });
    expect(await client.ask(never)).toMatchObject({ state: 'failing', error: 'note_signature' });
    expect(times).toEqual([right, right]);
  });

  it('never asks twice at once', async () => {
    await Promise.all([client.ask(never), client.ask(never)]);
    expect(host.asked).toHaveLength(1);
  });
});

describe('what a witness answers is not stored', () => {
  const lineBy = async (name: string, time: number, text?: string) => {
    const signer = await noteSigner(name);
    const note = text ?? parseNote(await log.note()).text;
    return { signer, line: formatSignatureLine(await cosign(signer, note, time)) };
  };

  async function expectRefused(code: string): Promise<void> {
    expect(await client.ask(never)).toMatchObject({ state: 'failing', error: code });
    expect(await cosignatures()).toEqual([]);
    expect(await store.database.read((query) => sizeAtWitness(query, 'keys', host.key))).toBe(0);
  }

  it('by another key of the same name', async () => {
    answering(200, (await lineBy(host.key.name, nowInSeconds())).line);
    await expectRefused('note_signature');
  });

  it('under the name and id of its key, but wrong', async () => {
    const bytes = new Uint8Array(72).fill(1);
    answering(200, formatSignatureLine({ name: host.key.name, keyId: host.key.keyId, bytes }));
    await expectRefused('note_signature');
  });

  it.each([
    ['in the future', 61],
    ['of long ago', -3_601],
    ['zero', -Number.POSITIVE_INFINITY],
  ])('at a time that cannot be: %s', async (_what, offset) => {
    const time = Math.max(0, nowInSeconds() + offset);
    const { signer, line } = await lineBy('witness.clock.example/w', time);
    const key = verifierKey(signer.name, ED25519_COSIGNATURE, signer.publicKey);
    answering(200, line);
    client = clientOf({ ...host, key });
    await expectRefused('note_signature');
  });

  it('over another checkpoint', async () => {
    const text = parseNote(await log.note(4)).text;
    const { signer, line } = await lineBy('witness.other.example/w', nowInSeconds(), text);
    const key = verifierKey(signer.name, ED25519_COSIGNATURE, signer.publicKey);
    answering(200, line);
    client = clientOf({ ...host, key });
    await expectRefused('note_signature');
  });

  it.each([
    ['no line', 200, '', 'note_malformed'],
    ['words', 200, 'signed, yours faithfully\n', 'note_malformed'],
    ['too much', 200, 'x'.repeat(20_000), 'outbound_too_large'],
    ['an error', 500, 'out of order', 'outbound_failed'],
    ['that it does not know the log', 404, '', 'outbound_failed'],
    ['that it does not know the key', 403, '', 'outbound_failed'],
  ])('%s', async (_what, status, text, code) => {
    answering(status, text);
    await expectRefused(code);
  });
});

describe('a witness that has seen more or else', () => {
  it('is ahead: the sign of a restored backup', async () => {
    const whole = log.fork(5, 'lost 1', 'lost 2');
    await host.witness.addCheckpoint(await whole.request(0));
    expect(await client.ask(never)).toMatchObject({ state: 'ahead', size: 7 });
    expect(changes).toEqual(['ahead']);
    expect(await cosignatures()).toEqual([]);
  });

  it('contradicts: the sign of a fork', async () => {
    await host.witness.addCheckpoint(await log.fork(4, 'other').request(0));
    log.append('a');
    expect(await client.ask(never)).toMatchObject({ state: 'contradicted' });
    expect(changes).toEqual(['contradicted']);
  });

  it('contradicts with 409 and no size too, as version 1.0.0 of the protocol has it', async () => {
    const note = await log.fork(4, 'other').note();
    host.answerWith((request, response) => {
      request.resume();
      if (request.method === 'GET') response.end(note);
      else response.writeHead(409).end('another root');
    });
    expect(await client.ask(never)).toMatchObject({ state: 'contradicted', size: 5 });
  });

  const hostile: [string, number, string, string][] = [
    ['another history, by 422', 422, '', 'text/plain'],
    ['another history, by 409', 409, 'another root', 'text/plain'],
    ['more, by 409', 409, '7\n', 'text/x.tlog.size'],
  ];
  it.each(hostile)(
    'is only failing where it claims %s, and shows no checkpoint',
    async (_, status, text, type) => {
      host.answerWith((request, response) => {
        request.resume();
        const post = request.method === 'POST';
        response.writeHead(post ? status : 404, { 'content-type': type }).end(post ? text : '');
      });
      expect(await client.ask(never)).toMatchObject({ state: 'failing', error: 'witness_unproven' });
      expect(changes).toEqual(['failing']);
    },
  );

  it.each(hostile)(
    'is only failing where it claims %s, and shows what we have',
    async (_, status, text, type) => {
      const note = await log.note(3);
      host.answerWith((request, response) => {
        request.resume();
        const post = request.method === 'POST';
        response.writeHead(post ? status : 200, { 'content-type': type }).end(post ? text : note);
      });
      expect(await client.ask(never)).toMatchObject({ state: 'failing', error: 'witness_unproven' });
    },
  );

  it.each(hostile)(
    'is only failing where it claims %s, and has signed that itself',
    async (_, status, text, type) => {
      const note = await (await smallLog(ORIGIN, 7)).note();
      host.answerWith((request, response) => {
        request.resume();
        const post = request.method === 'POST';
        response.writeHead(post ? status : 200, { 'content-type': type }).end(post ? text : note);
      });
      expect(await client.ask(never)).toMatchObject({ state: 'failing', error: 'note_signature' });
      expect(changes).toEqual(['failing']);
    },
  );

  it('and names another size each time is given up', async () => {
    let size = 0;
    host.answerWith((request, response) => {
      request.resume();
      size = (size % 4) + 1;
      response.writeHead(409, { 'content-type': 'text/x.tlog.size' }).end(`${size}\n`);
    });
    expect(await client.ask(never)).toMatchObject({ state: 'failing', error: 'outbound_failed' });
    expect(host.asked).toHaveLength(3);
  });

  it('is asked again after its pause although the clock was put back by a day', async () => {
    answering(500, '');
    client.start();
    try {
      await vi.waitUntil(() => client.state.state === 'failing', SOON);
      host.answerWith(undefined);
      clock.set(clock.now() - 86_400_000);
      clock.advance(WITNESS_RETRY_MAX_MS);
      client.wake();
      await vi.waitUntil(() => client.state.state === 'cosigning', SOON);
    } finally {
      await client.stop();
    }
  });

  it('is told of once, and again when it cosigns', async () => {
    answering(500, '');
    await client.ask(never);
    await client.ask(never);
    host.answerWith(undefined);
    await client.ask(never);
    expect(changes).toEqual(['failing', 'cosigning']);
  });
});

describe('a witness at the start', () => {
  it('says what it has seen, and cosigns nothing new', async () => {
    const { owned } = shownSmallLog(() => log);
    const [head] = headWitnesses(host.outbound, [host], owned);
    expect(await head?.ask(undefined)).toEqual({ kind: 'says', size: 0 });
    expect(await head?.ask({ size: 5, note: await log.note() })).toEqual({ kind: 'says', size: 0 });
    await host.witness.addCheckpoint(await log.request(0));
    const shown = { kind: 'shows', checkpoint: { origin: ORIGIN, size: 5, cosigned: true } };
    expect(await head?.ask(undefined)).toMatchObject(shown);
    expect(await head?.ask({ size: 3, note: await log.note(3) })).toMatchObject(shown);
    expect(await cosignatures()).toEqual([]);
  });

  it('vouches by itself for what a log key signed that was compromised since, and proves nothing by it', async () => {
    await host.witness.addCheckpoint(await log.request(0));
    const successor = (await smallLog(ORIGIN)).key;
    const owned = { origin: ORIGIN, logKeys: () => [successor] };
    const [head] = headWitnesses(host.outbound, [host], owned);
    const checkpoint = { size: 5, signed: false, cosigned: true };
    expect(await head?.ask(undefined)).toMatchObject({ kind: 'shows', checkpoint });
    const shown = { ...shownSmallLog(() => log.fork(3, 'other')), owned };
    const asking = new WitnessClient({ ...depsFor(host, host.outbound), shown });
    expect(await asking.ask(never)).toMatchObject({ state: 'failing', error: 'witness_unproven' });
  });

  it('is not taken at its word against us, and what another one cosigned is not its answer', async () => {
    const { owned } = shownSmallLog(() => log);
    const [head] = headWitnesses(host.outbound, [host], owned);
    const ask = async () => head?.ask({ size: 5, note: await log.note() });
    const note = await log.note();
    const answerToGet = (status: number, text: string, post: [number, string, string]) =>
      host.answerWith((request, response) => {
        request.resume();
        if (request.method === 'GET') response.writeHead(status).end(text);
        else response.writeHead(post[0], { 'content-type': post[2] }).end(post[1]);
      });
    const unproven = { code: 'witness_unproven' };
    answerToGet(404, '', [422, '', 'text/plain']);
    await expect(ask()).rejects.toMatchObject(unproven);
    answerToGet(404, '', [409, '6\n', 'text/x.tlog.size']);
    await expect(ask()).rejects.toMatchObject(unproven);
    answerToGet(200, await (await smallLog(ORIGIN, 9)).note(), [500, '', 'text/plain']);
    await expect(ask()).rejects.toMatchObject({ code: 'note_signature' });
    answerToGet(200, note, [500, '', 'text/plain']);
    expect(await ask()).toMatchObject({ kind: 'shows', checkpoint: { size: 5, cosigned: false } });
  });
});

describe('several witnesses', () => {
  it('are asked by themselves: one that never answers, and one that fails, delay nobody', async () => {
    const hosts = [host];
    for (const name of ['witness.initech.example/w1', 'witness.umbrella.example/w1']) {
      hosts.unshift(await witnessHost(name, [log.key], clock));
    }
    const [failing, silent] = hosts;
    failing?.answerWith((request, response) => {
      request.resume();
      response.writeHead(503).end();
    });
    silent?.answerWith((request) => void request.resume());
    const clients = createWitnessClients({
      ...depsFor(host, host.outbound),
      witnesses: hosts,
      outbound: {
        request: (url, options) =>
          (hosts.find((each) => String(url).startsWith(each.url)) ?? host).outbound.request(url, options),
      },
    });
    clients.start();
    try {
      expect(await quorum.reached(5, 5_000)).toBe(true);
      await vi.waitUntil(() => clients.states()[0]?.state === 'failing', SOON);
      expect(clients.states().map(({ state }) => state)).toEqual(['failing', 'unknown', 'cosigning']);
      expect(clients.warnings()).toEqual([expect.stringContaining('witness.umbrella.example/w1')]);
    } finally {
      await clients.stop();
      await failing?.close();
      await silent?.close();
    }
  });

  it('are woken by a new checkpoint, and stop in the middle of a request', async () => {
    const clients = createWitnessClients({ ...depsFor(host, host.outbound), witnesses: [host] });
    clients.start();
    try {
      expect(await quorum.reached(5, 5_000)).toBe(true);
      log.append('a');
      clients.wake();
      expect(await quorum.reached(6, 5_000)).toBe(true);
      const asked = new Promise<void>((resolve) => {
        host.answerWith((request) => {
          request.resume();
          resolve();
        });
      });
      log.append('b');
      clients.wake();
      await asked;
    } finally {
      await clients.stop();
    }
    expect(clients.states().map(({ state }) => state)).toEqual(['cosigning']);
  });
});
