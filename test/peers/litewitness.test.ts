import { afterAll, beforeAll, expect, it } from 'vitest';
import { systemClock } from '../../bridge/lib/clock.ts';
import { createOutbound, type Outbound } from '../../bridge/lib/outbound.ts';
import { readCosignatures } from '../../bridge/tlog/cosignature-store.ts';
import { headWitnesses } from '../../bridge/tlog/head-witness.ts';
import { currentLogKey } from '../../bridge/tlog/note-signer.ts';
import { type ShownLog, WitnessClient } from '../../bridge/tlog/witness-client.ts';
import { shownLog } from '../../bridge/tlog/witness-clients.ts';
import { parseNote, parseSignatureLines } from '../../protocol/tlog/signed-note.ts';
import { formatVerifierKey } from '../../protocol/tlog/verifier-key.ts';
import { verifyNote } from '../../protocol/tlog/verify-note.ts';
import { quiet } from '../events/events-fixture.ts';
import { createNames } from '../fakes/names.ts';
import { createThrowawayCa } from '../fakes/throwaway-ca.ts';
import { type OwnLog, ownLog } from '../witness/own-log.ts';
import { type SmallLog, shownSmallLog, smallLog } from '../witness/small-log.ts';
import { describeWithTorchwood } from './describe-with-torchwood.ts';
import { type Litewitness, startLitewitness } from './litewitness.ts';
import { startTlsFront, type TlsFront } from './tls-front.ts';

const HOST = 'litewitness.test';
const NAME = `${HOST}/w1`;
const never = new AbortController().signal;

/** litewitness as the witness of one log, behind TLS, and how it is asked. */
interface Witnessed {
  readonly litewitness: Litewitness;
  readonly url: string;
  readonly outbound: Outbound;
  stop(): Promise<void>;
}

async function witnessed(log: { origin: string; vkey: string }): Promise<Witnessed> {
  const ca = await createThrowawayCa();
  const litewitness = await startLitewitness(NAME, log);
  const tls = { ...(await ca.issue([HOST])), ca: ca.certificatePem };
  const front: TlsFront = await startTlsFront(tls, litewitness.port);
  const names = createNames();
  names.addHost(HOST, '127.0.0.1');
  const outbound = createOutbound({
    resolver: names,
    allowedNetworks: ['127.0.0.1/32'],
    caCertificates: [ca.certificatePem],
  });
  return {
    litewitness,
    url: `https://${HOST}:${front.port}`,
    outbound,
    async stop() {
      await outbound.close();
      await front.stop();
      await litewitness.stop();
    },
  };
}

function clientOf({ litewitness, url, outbound }: Witnessed, own: OwnLog, shown: ShownLog): WitnessClient {
  return new WitnessClient({
    ...{ shown, outbound, clock: systemClock, database: own.store.database, logger: quiet },
    witness: { key: litewitness.key, url },
    refreshSeconds: 0,
    onCosigned: () => undefined,
    onChange: () => undefined,
  });
}

await describeWithTorchwood('litewitness, as a witness of our log', () => {
  let own: OwnLog;
  let peer: Witnessed;
  let client: WitnessClient;
  beforeAll(async () => {
    own = await ownLog();
    const vkey = formatVerifierKey(currentLogKey(own.signer, own.origin));
    peer = await witnessed({ origin: own.origin, vkey });
    client = clientOf(peer, own, shownLog('keys', own.checkpoints, own));
  });
  afterAll(async () => {
    await peer?.stop();
    await own?.store.remove();
  });

  it('cosigns it as it grows, tile by tile, and again while it stands still', async () => {
    for (const size of [1, 2, 7, 256, 300, 1_025]) {
      await own.grow(size);
      expect(await client.ask(never), `${size} entries`).toMatchObject({ state: 'cosigning', size });
    }
    expect(await client.ask(never)).toMatchObject({ state: 'cosigning', size: 1_025 });
    const { database } = own.store;
    const [row] = await database.read((query) => readCosignatures(query, 'keys', 1_025));
    const newest = await database.read((query) => own.checkpoints.newest(query));
    if (newest === undefined || row === undefined) throw new Error('nothing is cosigned');
    const note = own.checkpoints.noteOf(newest, [row]);
    const keys = [currentLogKey(own.signer, own.origin), peer.litewitness.key];
    expect((await verifyNote(parseNote(note), keys)).map(({ key }) => key.name)).toEqual([own.origin, NAME]);
    expect(parseSignatureLines(row.line)).toHaveLength(1);
  });

  it('says to a client that has forgotten where to go on', async () => {
    const shown = shownLog('keys', own.checkpoints, own);
    const forgetful = { ...own, store: (await ownLog()).store };
    const again = clientOf(peer, forgetful, {
      ...shown,
      newest: () => own.store.database.read((query) => shown.newest(query)),
      consistencyProof: (_, from, to) =>
        own.store.database.read((query) => shown.consistencyProof(query, from, to)),
    });
    await own.grow(1_100);
    expect(await again.ask(never)).toMatchObject({ state: 'cosigning', size: 1_100 });
    await forgetful.store.remove();
  });

  it('is no answer at the start where it says that it has seen more: it shows no checkpoint to prove it', async () => {
    const [head] = headWitnesses(peer.outbound, [{ key: peer.litewitness.key, url: peer.url }], own);
    const { database } = own.store;
    const older = await database.read((query) => own.checkpoints.at(query, 300));
    if (older === undefined || head === undefined) throw new Error('there is no such checkpoint');
    const asked = head.ask({ size: 300, note: own.checkpoints.noteOf(older) });
    await expect(asked).rejects.toMatchObject({ code: 'witness_unproven' });
    const newest = await database.read((query) => own.checkpoints.newest(query));
    if (newest === undefined) throw new Error('nothing is signed');
    expect(await head.ask({ size: newest.size, note: own.checkpoints.noteOf(newest) })).toEqual({
      ...{ kind: 'says', size: 1_100 },
    });
  });
});

await describeWithTorchwood('litewitness, when a log forks', () => {
  let own: OwnLog;
  let log: SmallLog;
  let peer: Witnessed;
  let client: WitnessClient;
  beforeAll(async () => {
    own = await ownLog();
    log = await smallLog('bridge.acme.example/log', 8);
    peer = await witnessed(log);
    client = clientOf(
      peer,
      own,
      shownSmallLog(() => log),
    );
    expect(await client.ask(never)).toMatchObject({ state: 'cosigning', size: 8 });
  });
  afterAll(async () => {
    await peer?.stop();
    await own?.store.remove();
  });

  it('cosigns no other history from before, and no other root of the same size', async () => {
    const honest = log;
    for (const fork of [honest.fork(6, 'x', 'y', 'z'), honest.fork(7, 'x')]) {
      log = fork;
      expect(await client.ask(never)).toMatchObject({ state: 'failing', error: 'witness_unproven' });
    }
    log = honest;
    expect(await client.ask(never)).toMatchObject({ state: 'cosigning' });
  });

  it('cosigns nothing of a restored backup', async () => {
    const whole = log;
    log = whole.fork(5);
    expect(await client.ask(never)).toMatchObject({ state: 'failing', error: 'witness_unproven' });
    log = whole;
  });
});
