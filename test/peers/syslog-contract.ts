import { afterEach, expect, it, vi } from 'vitest';
import type { Sink, SinkEvent } from '../../connectors/siem/sink.ts';
import { openSyslog } from '../../connectors/siem/syslog.ts';
import { deliverAll } from '../contract/reference-driver.ts';
import { HOSTILE_TEXTS, makeEvents } from '../contract/sink-events.ts';
import { SOON } from '../fakes/soon.ts';
import { createThrowawayCa } from '../fakes/throwaway-ca.ts';
import { HOST, syslogDeps, syslogSettings } from '../siem/syslog/syslog-fixture.ts';
import type { TlsIdentity } from './peer.ts';
import type { SyslogPeer } from './syslog-peer.ts';

const CLIENT = 'bridge.acme.example';
const EVENTS = 20_000;
/** So many batches of 500 before the receiver is killed: fewer than after which a connection is confirmed. */
const BATCHES_BEFORE_CRASH = 10;

/** A peer as the contract looks at it. */
export interface SyslogPeerUnderTest {
  start(tls: TlsIdentity, client: string): Promise<SyslogPeer>;
  /** What the peer understood of one message. */
  read(received: Readonly<Record<string, unknown>>): {
    readonly eventId: unknown;
    readonly msgId: unknown;
    readonly actorAddress: unknown;
    readonly message: unknown;
  };
}

/** What must hold at every receiver of syslog. */
export function syslogContract({ start, read }: SyslogPeerUnderTest): void {
  let peer: SyslogPeer | undefined;
  let sink: Sink | undefined;
  afterEach(async () => {
    await sink?.close();
    await peer?.stop();
    [peer, sink] = [undefined, undefined];
  });

  async function begin(): Promise<{ peer: SyslogPeer; sink: Sink; ca: string }> {
    const ca = await createThrowawayCa();
    const { key, cert: certificate } = await ca.issue([CLIENT]);
    peer = await start({ ...(await ca.issue([HOST])), ca: ca.certificatePem }, CLIENT);
    const own = { ca: ca.certificatePem, certificate, key };
    sink = openSyslog(syslogSettings({ port: peer.port, ...own }), syslogDeps());
    return { peer, sink, ca: ca.certificatePem };
  }

  /** The id of each message; once as many different ones are written, for a receiver writes after it has read. */
  async function arrived(from: SyslogPeer, count: number): Promise<unknown[]> {
    const ids = () => from.received().map((one) => read(one).eventId);
    await vi.waitFor(() => expect(new Set(ids()).size).toBeGreaterThanOrEqual(count), {
      ...SOON,
      timeout: 20_000,
    });
    return ids();
  }
  const idsOf = (events: readonly SinkEvent[]) => events.map(({ event_id }) => event_id);

  it('takes each of 20,000 events once, in order, and understands it', async () => {
    const opened = await begin();
    const events = makeEvents(EVENTS);
    expect(await deliverAll(opened.sink, events)).toEqual({ refused: [], faults: [] });
    expect(await arrived(opened.peer, EVENTS)).toEqual(idsOf(events));
    expect(opened.peer.received().map(read)[0]).toEqual({
      ...{ eventId: events[0]?.event_id, msgId: 'device.added', actorAddress: 'alice@acme.example' },
      message: JSON.stringify(events[0]),
    });
  });

  it('has all of 20,000 events, and no others, when it was killed in between', async () => {
    const opened = await begin();
    const events = makeEvents(EVENTS);
    let batches = 0;
    const { faults } = await deliverAll(
      {
        ...opened.sink,
        async deliver(batch, signal) {
          const outcome = await opened.sink.deliver(batch, signal);
          batches += 1;
          if (batches === BATCHES_BEFORE_CRASH) await opened.peer.crash();
          return outcome;
        },
      },
      events,
    );
    expect(new Set(faults)).toEqual(new Set(['sink_unavailable']));
    const ids = new Set(await arrived(opened.peer, EVENTS));
    expect([...ids].toSorted()).toEqual(idsOf(events).toSorted());
  });

  it('takes hostile texts as one event each', async () => {
    const opened = await begin();
    const events = HOSTILE_TEXTS.flatMap((text, index) => makeEvents(1, index + 1, text));
    await deliverAll(opened.sink, events);
    expect(await arrived(opened.peer, events.length)).toEqual(idsOf(events));
  });

  it('has the tail of what was sent by a sink that is closed at once', async () => {
    const opened = await begin();
    const events = makeEvents(5_000);
    const { signal } = new AbortController();
    for (let at = 0; at < events.length; at += 500) {
      await opened.sink.deliver(events.slice(at, at + 500), signal);
    }
    await opened.sink.close();
    expect(await arrived(opened.peer, events.length)).toEqual(idsOf(events));
  });

  it('does not take events without a certificate', async () => {
    const opened = await begin();
    const foreign = await (await createThrowawayCa()).issue([CLIENT]);
    const { signal } = new AbortController();
    for (const own of [{}, { certificate: foreign.cert, key: foreign.key }]) {
      const settings = syslogSettings({ port: opened.peer.port, ca: opened.ca, ...own });
      const stranger = openSyslog(settings, syslogDeps());
      const events = makeEvents(3);
      await expect(
        stranger.deliver(events, signal).then(() => stranger.settle?.(signal)),
      ).rejects.toMatchObject({ code: expect.stringMatching(/^sink_(unavailable|misconfigured)$/) });
      await stranger.close();
    }
    expect(opened.peer.received()).toEqual([]);
  });
}
