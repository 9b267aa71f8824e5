import { createServer, type Server } from 'node:http';
import request from 'supertest';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createApp } from '../../bridge/http/app.ts';
import { createEventStreams } from '../../bridge/http/event-streams.ts';
import { createRateLimit } from '../../bridge/http/rate-limit.ts';
import { logRoutes } from '../../bridge/http/routes/log.ts';
import type { Clock } from '../../bridge/lib/clock.ts';
import type { Database } from '../../bridge/storage/database.ts';
import { MemoryCache } from '../../bridge/storage/memory-cache.ts';
import type { Cosigner } from '../../bridge/tlog/cosignature-check.ts';
import { createLogPublication } from '../../bridge/tlog/log-publication.ts';
import { currentLogKey } from '../../bridge/tlog/note-signer.ts';
import { createQuorum } from '../../bridge/tlog/quorum.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { type NoteSigner, openCheckpoint, parseCheckpoint } from '../../protocol/tlog/checkpoint.ts';
import { cosign } from '../../protocol/tlog/cosignature.ts';
import { HASH_BYTES, hashLeaf } from '../../protocol/tlog/merkle.ts';
import { formatNote, parseNote } from '../../protocol/tlog/signed-note.ts';
import { decodeEntryBundle, tilesFor } from '../../protocol/tlog/tile.ts';
import { ED25519_COSIGNATURE, verifierKey } from '../../protocol/tlog/verifier-key.ts';
import { quiet } from '../events/events-fixture.ts';
import { ISS } from '../signer/signer-fixture.ts';
import { entryAt, type OwnLog, ownLog } from './own-log.ts';
import { noteSigner } from './small-log.ts';

let log: OwnLog;
let witness: NoteSigner;
let auditor: NoteSigner;
let server: Server;

const cosignerOf = ({ name, publicKey }: NoteSigner, kind: Cosigner['kind']): Cosigner => ({
  key: verifierKey(name, ED25519_COSIGNATURE, publicKey),
  kind,
});

beforeEach(async () => {
  log = await ownLog();
  witness = await noteSigner('witness.globex.example/w1');
  auditor = await noteSigner('audit.initech.example/a1');
  serve(1);
});
afterEach(() => log.store.remove());

/** The routes of the log, with so many witnesses needed. */
function serve(
  needed: number,
  witnesses = [witness],
  clock: Clock = log.clock,
  database: Database = log.store.database,
): void {
  const { checkpoints } = log;
  const cosigners = [...witnesses.map((each) => cosignerOf(each, 'witness')), cosignerOf(auditor, 'auditor')];
  const quorum = createQuorum({ log: 'keys', database, cosigners, quorum: needed, auditorQuorum: 1 });
  const publication = createLogPublication({ log: 'keys', database, clock, checkpoints, quorum });
  const nobody = async () => {
    throw new CountersignError('unauthenticated');
  };
  const app = createApp({
    ...{ issuer: ISS, trustedProxies: [], logger: quiet, pages: [] },
    events: { record: async () => undefined },
    rateLimit: createRateLimit(new MemoryCache({ clock })),
    authenticateDevice: nobody,
    authenticateAdministrator: nobody,
    isAllowedOrigin: async () => false,
    routes: logRoutes({ publication }),
    streams: createEventStreams({ logger: quiet }),
  });
  server = createServer(app.callback());
}

/** The signed note of this size with the cosignature of `by`. */
async function cosigned(by: NoteSigner, size: number, seconds = 0): Promise<string> {
  const row = await log.store.database.read((query) => log.checkpoints.at(query, size));
  if (row === undefined) throw new Error(`there is no checkpoint of ${size}`);
  const { text } = parseNote(log.checkpoints.noteOf(row));
  const time = Math.floor(log.clock.now() / 1000) + seconds;
  return formatNote({ text, signatures: [await cosign(by, text, time)] });
}

const bring = (note: string) => request(server).post('/log/cosignature').type('text/plain').send(note);
const servedSize = async () => {
  const { text } = await request(server).get('/log/checkpoint').expect(200);
  return parseCheckpoint(parseNote(text).text).size;
};

describe('the served checkpoint', () => {
  it('is a signed note, never cached without asking, with all cosignatures', async () => {
    await log.grow(5);
    await bring(await cosigned(witness, 5)).expect(204);
    await bring(await cosigned(auditor, 5)).expect(204);
    const { text, headers } = await request(server).get('/log/checkpoint').expect(200);
    expect(headers).toMatchObject({
      'content-type': 'text/plain; charset=utf-8',
      'cache-control': 'no-cache',
      'access-control-allow-origin': '*',
    });
    const opened = await openCheckpoint(text, {
      origin: log.origin,
      logKeys: [currentLogKey(log.signer, log.origin)],
      cosigners: [cosignerOf(witness, 'witness').key, cosignerOf(auditor, 'auditor').key],
    });
    expect(opened.checkpoint.size).toBe(5);
    expect(opened.verified.map(({ key }) => key.name)).toEqual([log.origin, witness.name, auditor.name]);
  });

  it('is not there before the first, and never one that is not signed', async () => {
    const { body } = await request(server).get('/log/checkpoint').expect(404);
    expect(body).toMatchObject({ code: 'checkpoint_unknown' });
    serve(0);
    await log.grow(3);
    await log.grow(5, { publish: false });
    expect(await servedSize()).toBe(3);
  });

  it('waits for the witnesses for a minute, and never goes back', async () => {
    await log.grow(3);
    await bring(await cosigned(witness, 3)).expect(204);
    log.clock.advance(1_000);
    await log.grow(5);
    expect(await servedSize()).toBe(3);
    log.clock.advance(60_000);
    expect(await servedSize()).toBe(5);
    await log.grow(7);
    expect(await servedSize()).toBe(5);
    await bring(await cosigned(witness, 7)).expect(204);
    expect(await servedSize()).toBe(7);
  });

  it('never goes back where other witnesses and a larger quorum are configured', async () => {
    await log.grow(3);
    log.clock.advance(120_000);
    await log.grow(9);
    await bring(await cosigned(witness, 9)).expect(204);
    expect(await servedSize()).toBe(9);
    serve(2, [witness, await noteSigner('w2.example/w'), await noteSigner('w3.example/w')]);
    expect(await servedSize()).toBe(9);
  });

  it('never goes back at a replica whose clock is behind', async () => {
    await log.grow(3);
    await bring(await cosigned(witness, 3)).expect(204);
    await log.grow(5);
    log.clock.advance(60_000);
    expect(await servedSize()).toBe(5);
    serve(1, [witness], { now: () => log.clock.now() - 10_000 });
    expect(await servedSize()).toBe(5);
    serve(1);
    log.clock.advance(-30_000);
    expect(await servedSize()).toBe(5);
  });

  it('stays the largest that was shown while the disk is full, and nothing can be remembered', async () => {
    await log.grow(3);
    await bring(await cosigned(witness, 3)).expect(204);
    expect(await servedSize()).toBe(3);
    await log.grow(5);
    await bring(await cosigned(witness, 5)).expect(204);
    const { database } = log.store;
    const full: Database = {
      ...database,
      read: (work) => database.read(work),
      transaction: async () => {
        throw new CountersignError('storage_full');
      },
    };
    serve(1, [witness], log.clock, full);
    expect(await servedSize()).toBe(3);
    serve(1);
    expect(await servedSize()).toBe(5);
  });

  it('does not wait for auditors', async () => {
    await log.grow(3);
    await bring(await cosigned(witness, 3)).expect(204);
    await log.grow(5);
    await bring(await cosigned(auditor, 5)).expect(204);
    expect(await servedSize()).toBe(3);
  });
});

describe('the tiles', () => {
  const tile = (path: string) =>
    request(server)
      .get(`/log/tile/${path}`)
      .buffer(true)
      .parse((response, done) => {
        const pieces: Buffer[] = [];
        response.on('data', (piece: Buffer) => pieces.push(piece));
        response.on('end', () => done(null, Buffer.concat(pieces)));
      });

  it('are those of the tree, at the paths of C2SP tlog-tiles, for ever', async () => {
    await log.grow(300);
    const { body, headers } = await tile('0/000').expect(200);
    expect(headers).toMatchObject({
      'content-type': 'application/octet-stream',
      'cache-control': 'public, max-age=31536000, immutable',
      'access-control-allow-origin': '*',
    });
    expect(body).toHaveLength(256 * HASH_BYTES);
    expect(new Uint8Array(body.subarray(HASH_BYTES, 2 * HASH_BYTES))).toEqual(hashLeaf(entryAt(1)));
    expect([...tilesFor(300)]).toHaveLength(3);
    expect((await tile('0/001.p/44').expect(200)).body).toHaveLength(44 * HASH_BYTES);
    expect((await tile('1/000.p/1').expect(200)).body).toHaveLength(HASH_BYTES);
  });

  it('are as wide as asked for, up to what there is', async () => {
    await log.grow(300);
    expect((await tile('0/000.p/7').expect(200)).body).toHaveLength(7 * HASH_BYTES);
    expect((await tile('0/001.p/3').expect(200)).body).toHaveLength(3 * HASH_BYTES);
    const { body } = await tile('entries/001.p/2').expect(200);
    expect(decodeEntryBundle(new Uint8Array(body)).map((each) => new TextDecoder().decode(each))).toEqual([
      'entry 256',
      'entry 257',
    ]);
    expect(decodeEntryBundle(new Uint8Array((await tile('entries/000').expect(200)).body))).toHaveLength(256);
  });

  it('end with the signed checkpoint', async () => {
    await log.grow(300);
    await log.grow(310, { publish: false });
    for (const path of [
      '0/001',
      '0/001.p/45',
      '0/002.p/1',
      '1/000.p/2',
      '1/000',
      'entries/001.p/45',
      '2/000.p/1',
    ]) {
      expect((await tile(path).expect(404)).headers, path).toMatchObject({
        'cache-control': 'no-store',
        'access-control-allow-origin': '*',
      });
    }
    await log.checkpoints.publish();
    await tile('0/001.p/54').expect(200);
  });

  it.each([
    ...['0/0', '0/00', '0/0000', '00/000', '0/x000/000', '0/000.p/0', '0/000.p/01', '0/000.p/256'],
    ...['0/000.p/', '0/-01', '64/000', 'entries/1', '0/000/', '0', 'entries', '0/000.p/5/6', '../checkpoint'],
    ...['0%2F000', '0/x001/x002', '0/001/002', 'x/000', '0/000.q/5'],
  ])('have no other names: %s', async (path) => {
    await log.grow(5);
    await tile(path).expect(404);
  });
});

describe('a cosignature that is brought', () => {
  const refusal = async (note: string) => {
    const { status, body } = await bring(note);
    return { status, code: body.code };
  };

  beforeEach(() => log.grow(5));

  it('is refused unless we signed exactly this checkpoint', async () => {
    const { text } = parseNote(await cosigned(auditor, 5));
    const other = text.replace(/\n5\n/, '\n4\n');
    const fork = text.replace(/\n[^\n]+\n$/, `\n${'A'.repeat(43)}=\n`);
    const foreign = text.replace(log.origin, 'bridge.globex.example/log');
    const time = Math.floor(log.clock.now() / 1000);
    for (const wrong of [other, fork, foreign]) {
      const note = formatNote({ text: wrong, signatures: [await cosign(auditor, wrong, time)] });
      expect(await refusal(note)).toEqual({ status: 404, code: 'checkpoint_unknown' });
    }
  });

  it('is refused when its maker is not configured', async () => {
    const stranger = await noteSigner(auditor.name);
    expect(await refusal(await cosigned(stranger, 5))).toEqual({ status: 403, code: 'cosigner_unknown' });
  });

  it('is refused when it is wrong, or dated wrongly', async () => {
    const { text, signatures } = parseNote(await cosigned(auditor, 5));
    const broken = signatures.map(({ bytes, ...rest }) => ({
      ...rest,
      bytes: bytes.map((byte) => byte ^ 1),
    }));
    const refused = { status: 400, code: 'note_signature' };
    expect(await refusal(formatNote({ text, signatures: broken }))).toEqual(refused);
    expect(await refusal(await cosigned(auditor, 5, 61))).toEqual(refused);
    expect(await refusal(await cosigned(auditor, 5, -3_601))).toEqual(refused);
  });

  it('is refused in any other form', async () => {
    for (const body of ['', 'x', '— a b\n', `${'x'.repeat(20_000)}`]) {
      expect((await refusal(body)).status).toBeGreaterThanOrEqual(400);
    }
    expect(await refusal('hello\n\n— a b\n')).toEqual({ status: 400, code: 'note_malformed' });
  });

  it('takes the place of an older one of the same key, and never of a newer one', async () => {
    const [later, now] = [await cosigned(witness, 5, 30), await cosigned(witness, 5)];
    for (const note of [now, later, now]) await bring(note).expect(204);
    const { text } = await request(server).get('/log/checkpoint').expect(200);
    const lines = parseNote(text).signatures.filter(({ name }) => name === witness.name);
    expect(lines).toEqual(parseNote(later).signatures);
  });
});
