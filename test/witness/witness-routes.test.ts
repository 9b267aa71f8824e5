import { createServer, type Server } from 'node:http';
import request from 'supertest';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { composeWitness } from '../../bridge/http/compose-witness.ts';
import { witnessKey } from '../../bridge/tlog/witness-key.ts';
import { createWitness } from '../../bridge/tlog/witness-server.ts';
import { originHash } from '../../bridge/tlog/witness-store.ts';
import { generateSigningKey } from '../../protocol/ed25519.ts';
import { parseNote, parseSignatureLines } from '../../protocol/tlog/signed-note.ts';
import type { VerifierKey } from '../../protocol/tlog/verifier-key.ts';
import { verifyNote } from '../../protocol/tlog/verify-note.ts';
import { formatAddCheckpoint } from '../../protocol/tlog/witness-protocol.ts';
import { quiet } from '../events/events-fixture.ts';
import { movableClock, type TemporaryStore, temporaryStore } from '../signer/signer-fixture.ts';
import { type SmallLog, smallLog } from './small-log.ts';

let store: TemporaryStore;
let log: SmallLog;
let key: VerifierKey;
let server: Server;

beforeEach(async () => {
  const clock = movableClock();
  store = await temporaryStore(clock);
  log = await smallLog('log.globex.example/log', 5);
  const signing = witnessKey('witness.example/w1', await generateSigningKey(false));
  key = signing.verifier;
  const witness = createWitness({
    ...{ database: store.database, clock, key: signing },
    findLogKeys: async (origin) => ({ keys: origin === log.origin ? [log.key] : [] }),
  });
  server = createServer(composeWitness({ witness, clock, logger: quiet, trustedProxies: [] }));
});
afterEach(() => store.remove());

const add = (body: string) => request(server).post('/add-checkpoint').type('text/plain').send(body);

/** Every answer of C2SP tlog-witness, as it leaves the process. */
describe('add-checkpoint', () => {
  it('is answered 200 with cosignature lines and nothing else', async () => {
    const { text, headers } = await add(await log.request(0)).expect(200);
    expect(headers['content-type']).toBe('text/plain; charset=utf-8');
    const note = { text: parseNote(await log.note()).text, signatures: parseSignatureLines(text) };
    expect(await verifyNote(note, [key])).toHaveLength(1);
  });

  it.each(['application/octet-stream', 'text/x-whatever', undefined])(
    'is taken whatever its media type is said to be: %s',
    async (type) => {
      const sent = request(server).post('/add-checkpoint').buffer(true);
      if (type !== undefined) sent.type(type);
      else sent.unset('content-type');
      sent.write(await log.request(0));
      await sent.expect(200);
    },
  );

  it('is answered 400 when it is malformed, or the old size is above the new one', async () => {
    await add('old x\n\n').expect(400);
    const { body } = await add(await log.request(6)).expect(400);
    expect(body).toMatchObject({ code: 'witness_size' });
  });

  it('is answered 403 when the log has not signed', async () => {
    const { body } = await add(await (await smallLog(log.origin, 5)).request(0)).expect(403);
    expect(body).toMatchObject({ code: 'witness_signature' });
  });

  it('is answered 404 for an unknown origin', async () => {
    const { body } = await add(await (await smallLog('other.example/log', 5)).request(0)).expect(404);
    expect(body).toMatchObject({ code: 'witness_log_unknown' });
  });

  it('is answered 409 with the size that it must be proved from, and that alone', async () => {
    await add(await log.request(0)).expect(200);
    log.append('a', 'b');
    const { headers, body } = await add(await log.request(3))
      .buffer(true)
      .parse((response, done) => {
        let text = '';
        response.on('data', (piece: Buffer) => {
          text += piece.toString();
        });
        response.on('end', () => done(null, text));
      })
      .expect(409);
    expect(headers['content-type']).toBe('text/x.tlog.size');
    expect(body).toBe('5\n');
  });

  it('is answered 422 for a wrong proof, and for another root of the same size', async () => {
    await add(await log.request(0)).expect(200);
    const fork = log.fork(4, 'other');
    expect((await add(await fork.request(5)).expect(422)).body).toMatchObject({ code: 'witness_proof' });
    log.append('a');
    const checkpoint = await log.note();
    await add(formatAddCheckpoint({ oldSize: 5, proof: [], checkpoint })).expect(422);
    await add(await log.request(5)).expect(200);
  });

  it('is answered 413 when it is larger than any request can be, and 405 for GET', async () => {
    await add('x'.repeat(40_000)).expect(413);
    await request(server).get('/add-checkpoint').expect(405);
  });
});

describe('what a witness has cosigned', () => {
  it('anybody can read, by the hash of the origin', async () => {
    await request(server)
      .get(`/${originHash(log.origin)}/checkpoint`)
      .expect(404);
    await add(await log.request(0)).expect(200);
    const { text, headers } = await request(server)
      .get(`/${originHash(log.origin)}/checkpoint`)
      .expect(200);
    expect(headers).toMatchObject({
      'content-type': 'text/plain; charset=utf-8',
      'cache-control': 'no-cache',
    });
    expect(await verifyNote(parseNote(text), [key, log.key])).toHaveLength(2);
  });
});
