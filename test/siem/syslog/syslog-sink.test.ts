import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Sink } from '../../../connectors/siem/sink.ts';
import { SYSLOG } from '../../../connectors/siem/syslog.ts';
import { deliverAll } from '../../contract/reference-driver.ts';
import { makeEvents } from '../../contract/sink-events.ts';
import { SOON } from '../../fakes/soon.ts';
import { openSyslogReceiver, type SyslogReceiver } from '../../fakes/syslog/syslog-receiver.ts';
import { createThrowawayCa } from '../../fakes/throwaway-ca.ts';
import { HOST, openTestSink, paramOf, syslogDeps } from './syslog-fixture.ts';

const { signal } = new AbortController();
const receivers: SyslogReceiver[] = [];
const sinks: Sink[] = [];

async function receive(...given: Parameters<typeof openSyslogReceiver>): Promise<SyslogReceiver> {
  const receiver = await openSyslogReceiver(...given);
  receivers.push(receiver);
  return receiver;
}

function open(...given: Parameters<typeof openTestSink>): Sink {
  const sink = openTestSink(...given);
  sinks.push(sink);
  return sink;
}

const overTcp = ({ port }: SyslogReceiver, given: Record<string, unknown> = {}) => ({
  ...{ transport: 'tcp', port },
  ...given,
});

const held = ({ messages }: SyslogReceiver) => messages.map((message) => Number(paramOf(message, 'seq')));

afterEach(async () => {
  for (const sink of sinks.splice(0)) await sink.close();
  for (const receiver of receivers.splice(0)) {
    expect(receiver.breaches).toEqual([]);
    await receiver.close();
  }
});

describe('a syslog sink', () => {
  it('counts events as sent at once, and as settled only when they are confirmed', async () => {
    for (const confirmation of ['close', 'linger']) {
      const receiver = await receive();
      const sink = open(overTcp(receiver, { confirmation }));
      expect(await sink.deliver(makeEvents(3, 5), signal)).toEqual({ sent: 7, settled: 4, refused: [] });
      expect(await sink.settle?.(signal)).toBe(7);
      expect(held(receiver)).toEqual([5, 6, 7]);
    }
  });

  it('sends batch after batch over one connection', async () => {
    const receiver = await receive();
    const sink = open(overTcp(receiver));
    for (const from of [1, 4, 7]) await sink.deliver(makeEvents(3, from), signal);
    expect(await sink.settle?.(signal)).toBe(9);
    expect(receiver.connections).toBe(1);
  });

  it('confirms a stream that never falls quiet, too', async () => {
    const receiver = await receive();
    const sink = open(overTcp(receiver), syslogDeps(), { confirmMs: 0 });
    await sink.deliver(makeEvents(2, 1), signal);
    expect(await sink.deliver(makeEvents(2, 3), signal)).toMatchObject({ sent: 4, settled: 2 });
    expect(receiver.connections).toBe(2);
  });

  it('tells of events that went down with a connection, and settles them when they are sent again', async () => {
    for (const confirmation of ['close', 'linger']) {
      const receiver = await receive();
      const sink = open(overTcp(receiver, { confirmation }));
      receiver.failWith('reset-unread');
      await sink.deliver(makeEvents(2, 1), signal);
      await expect(sink.settle?.(signal)).rejects.toMatchObject({
        code: 'sink_unavailable',
        detail: expect.stringContaining(HOST),
      });
      expect((await deliverAll(sink, makeEvents(2, 1))).faults).toEqual([]);
      expect(held(receiver)).toEqual([1, 2]);
    }
  });

  it('does not take it for a confirmation that the receiver closes without being asked', async () => {
    const receiver = await receive();
    const sink = open(overTcp(receiver));
    receiver.failWith('close-unread');
    await sink.deliver(makeEvents(1, 1), signal);
    let next = 2;
    const goOn = async () => {
      next += 1;
      await expect(sink.deliver(makeEvents(1, next), signal)).rejects.toMatchObject({
        code: 'sink_unavailable',
      });
    };
    await vi.waitFor(goOn, SOON);
    expect(held(receiver)).not.toContain(1);
  });

  it('loses nothing at a receiver that hangs for longer than a linger, and dies', async () => {
    const receiver = await receive();
    const sink = open(overTcp(receiver), syslogDeps(), { finishMs: 100 });
    // by as many tries as it takes: a machine that stalls may be slower to close than the sink waits
    await deliverAll(sink, makeEvents(1, 1));
    receiver.hang();
    await sink.deliver(makeEvents(2, 2), signal);
    await expect(sink.settle?.(signal)).rejects.toMatchObject({
      code: 'sink_unavailable',
      detail: expect.stringContaining('does not close'),
    });
    await receiver.die();
    await receiver.revive();
    await deliverAll(sink, makeEvents(2, 2));
    expect([...new Set(held(receiver))]).toEqual([1, 2, 3]);
  });

  it('has less under way at a receiver that is too slow to confirm it', async () => {
    const receiver = await receive();
    const sink = open(overTcp(receiver), syslogDeps(), { restMs: 0, finishMs: 10 });
    receiver.hang();
    for (let round = 0; round < 8; round += 1) {
      await sink.deliver(makeEvents(1, 1), signal);
      await expect(sink.settle?.(signal)).rejects.toMatchObject({ code: 'sink_unavailable' });
    }
    await receiver.revive();
    const confirmed = async () => {
      expect(await sink.deliver(makeEvents(200, 1), signal)).toMatchObject({ settled: 0 });
      await vi.waitFor(() => expect(new Set(held(receiver)).size).toBeGreaterThanOrEqual(200), SOON);
      expect(await sink.deliver(makeEvents(1, 201), signal)).toMatchObject({ sent: 201, settled: 200 });
    };
    // again, where a machine that stalls is slower to close than this sink waits
    await vi.waitFor(confirmed, { timeout: 20_000 });
  });

  it('does not listen to a receiver that talks', async () => {
    const receiver = await receive();
    const sink = open(overTcp(receiver));
    await sink.deliver(makeEvents(1, 1), signal);
    await vi.waitFor(() => expect(held(receiver)).toEqual([1]), SOON);
    receiver.say('x'.repeat(1_000_000));
    expect(await sink.settle?.(signal)).toBe(1);
  });

  it('gives a receiver up that takes nothing more, and heeds who tells it to stop', async () => {
    const receiver = await receive();
    receiver.hang();
    const large = makeEvents(500, 1, 'x'.repeat(60_000));
    const settings = overTcp(receiver, { max_bytes: 65_536 });
    const impatient = open(settings, syslogDeps(), { writeMs: 100, finishMs: 100 });
    await expect(impatient.deliver(large, signal)).rejects.toMatchObject({
      code: 'sink_unavailable',
      detail: expect.stringContaining('takes nothing more'),
    });
    const told = open(settings, syslogDeps(), { finishMs: 100 });
    await expect(told.deliver(large, AbortSignal.timeout(100))).rejects.toThrow();
  });

  it('answers what has settled, and goes on, when there is news while it waits', async () => {
    const receiver = await receive();
    const sink = open(overTcp(receiver, { confirmation: 'linger' }), syslogDeps(), { lingerMs: 60_000 });
    await sink.deliver(makeEvents(2, 1), signal);
    expect(await sink.settle?.(AbortSignal.timeout(20))).toBe(0);
    expect(await sink.deliver(makeEvents(2, 3), signal)).toMatchObject({ sent: 4 });
    expect(receiver.connections).toBe(1);
  });

  it('delivers its tail when it is closed at once', async () => {
    const ca = await createThrowawayCa();
    const receiver = await receive(await ca.issue([HOST]));
    const sink = open({ port: receiver.port, ca: ca.certificatePem });
    await sink.deliver(makeEvents(500, 1), signal);
    await sink.close();
    expect(held(receiver)).toHaveLength(500);
  });

  it('opens a new connection where the receiver has closed one that was done with', async () => {
    const receiver = await receive();
    const sink = open(overTcp(receiver, { confirmation: 'linger' }));
    await deliverAll(sink, makeEvents(2, 1));
    await receiver.die();
    await receiver.revive();
    await deliverAll(sink, makeEvents(2, 3));
    expect(held(receiver)).toEqual([1, 2, 3, 4]);
  });
});

describe('a syslog sink says that it is misconfigured where', () => {
  it('the receiver wants a certificate', async () => {
    const ca = await createThrowawayCa();
    const demanding = { ca: ca.certificatePem, requestCert: true, maxVersion: 'TLSv1.2' } as const;
    const receiver = await receive({ ...(await ca.issue([HOST])), ...demanding });
    const sink = open({ port: receiver.port, ca: ca.certificatePem });
    await expect(sink.deliver(makeEvents(1), signal)).rejects.toMatchObject({ code: 'sink_misconfigured' });
  });

  it('its address is inside, and nobody allowed that', async () => {
    const deps = syslogDeps({ allowed: [] });
    for (const host of ['127.0.0.1', HOST, '169.254.169.254']) {
      const sink = open({ host, transport: 'tcp', port: 601 }, deps);
      await expect(sink.deliver(makeEvents(1), signal)).rejects.toMatchObject({ code: 'sink_misconfigured' });
    }
  });
});

describe('the settings of a syslog sink', () => {
  it('are refused where they contradict each other', async () => {
    const ca = await createThrowawayCa();
    const [one, other] = [await ca.issue(['one.example']), await ca.issue(['other.example'])];
    for (const given of [
      { transport: 'tcp', ca: ca.certificatePem },
      { certificate: one.cert },
      { key: one.key },
      { certificate: one.cert, key: other.key },
      { ca: '-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n' },
    ]) {
      expect(() => openTestSink(given)).toThrow(expect.objectContaining({ code: 'config_invalid' }));
    }
    expect(() => openTestSink({ certificate: one.cert, key: one.key })).not.toThrow();
  });

  it.each([
    ['a host that is none', { host: 'siem.example/path' }],
    ['a host with a line end', { host: 'siem.example\n' }],
    ['no host', {}],
    ['a port that is none', { host: HOST, port: 65_536 }],
    ['fewer octets than receivers must take', { host: HOST, max_bytes: 2_047 }],
    ['a name that is not known', { host: HOST, framing: 'newline' }],
    ['a certificate that is none', { host: HOST, ca: 'certificate' }],
  ])('do not have %s', (_, given) => {
    expect(SYSLOG.settings.safeParse(given).success).toBe(false);
  });

  it.each(['siem.acme.example', '10.1.2.3', '2001:db8::1', '::1', 'siem'])('may have the host %s', (host) => {
    expect(SYSLOG.settings.safeParse({ host }).success).toBe(true);
  });
});
