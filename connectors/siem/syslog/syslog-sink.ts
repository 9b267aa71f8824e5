import { setImmediate } from 'node:timers/promises';
import { pause, unlessAborted } from '../../../bridge/lib/abortable.ts';
import type { SocketTarget } from '../../../bridge/lib/outbound-sockets.ts';
import type { CountersignError } from '../../../protocol/errors.ts';
import type { Sink, SinkDeps, SinkEvent } from '../sink.ts';
import { type SyslogConnection, syslogConnection } from './syslog-connection.ts';
import { connectFault, connectionFault } from './syslog-fault.ts';
import { createUnconfirmedEvents } from './unconfirmed-events.ts';

/**
 * How a sink knows that events arrived, which syslog itself never says.
 * - `close`: the sink ends the connection and the receiver closes its side: it has read everything.
 * - `linger`: half a second passes in which the connection does not break. What a receiver that hangs has not read
 *   counts as arrived, too.
 */
export type SyslogConfirmation = 'close' | 'linger';

/** Milliseconds. */
export interface SyslogTimes {
  /** A linger: so long must a connection hold after what was written to it. */
  readonly lingerMs: number;
  /** Before a connection is ended for its confirmation: a receiver that dies with what it has just read is noticed. */
  readonly restMs: number;
  /** A connection that never falls quiet is confirmed this often. */
  readonly confirmMs: number;
  /** For the operating system to take the next piece. */
  readonly writeMs: number;
  /** For the receiver to read what is under way, and to close. */
  readonly finishMs: number;
  /** The same, when the sink is closed: an orchestrator does not wait long. */
  readonly closeMs: number;
}

const TIMES: SyslogTimes = {
  ...{ lingerMs: 500, restMs: 100, confirmMs: 5_000, writeMs: 10_000, finishMs: 10_000, closeMs: 1_500 },
};

const BATCH = 500;

/** Written before a confirmation: half of it for a receiver that did not come to the end in time, then more again. */
const UNCONFIRMED_BYTES = { most: 8 * 1024 * 1024, least: 64 * 1024 };

export interface SyslogSinkOptions {
  readonly target: SocketTarget;
  readonly confirmation: SyslogConfirmation;
  readonly frame: (event: SinkEvent) => Buffer;
  readonly times?: Partial<SyslogTimes>;
}

interface OpenConnection extends SyslogConnection {
  readonly since: number;
  bytes: number;
}

/** Sends frames over one connection at a time, which is opened when there is something to send. */
export function syslogSink(options: SyslogSinkOptions, deps: Pick<SinkDeps, 'sockets'>): Sink {
  const times = { ...TIMES, ...options.times };
  const { host } = options.target;
  const closes = options.confirmation === 'close';
  const unconfirmed = createUnconfirmedEvents();
  let open: OpenConnection | undefined;
  let mostBytes = UNCONFIRMED_BYTES.most;
  /** While the receiver reads to the end. Never rejects. */
  let finishing: Promise<void> | undefined;
  /** Events were lost with their connection: whoever calls next is told, and sends them again. */
  let lost: CountersignError | undefined;

  async function connect(signal: AbortSignal): Promise<OpenConnection> {
    const socket = await deps.sockets.connect({ ...options.target, signal }).catch((error: unknown) => {
      throw connectFault(error, host);
    });
    return Object.assign(syslogConnection(socket, times), { since: performance.now(), bytes: 0 });
  }

  function giveUp(cause: unknown): void {
    open?.destroy();
    open = undefined;
    if (unconfirmed.drop()) lost = connectionFault(cause, host);
  }

  /** Goes on to its end although nobody waits: the next call learns what came of it. */
  async function finish(connection: SyslogConnection): Promise<void> {
    try {
      await connection.finish();
      unconfirmed.confirmUntil(performance.now());
      open = undefined;
      mostBytes = Math.min(UNCONFIRMED_BYTES.most, mostBytes + UNCONFIRMED_BYTES.least);
    } catch (error) {
      giveUp(error);
      mostBytes = Math.max(UNCONFIRMED_BYTES.least, mostBytes / 2);
    }
  }

  function confirm(connection: SyslogConnection): Promise<void> {
    finishing ??= finish(connection).finally(() => {
      finishing = undefined;
    });
    return finishing;
  }

  /** Waits for a connection that ends, and throws if one took events with it. */
  async function inspect(signal: AbortSignal): Promise<void> {
    if (finishing !== undefined) await unlessAborted(finishing, signal);
    const ended = open?.ended;
    if (ended !== undefined) {
      if (!closes) unconfirmed.confirmUntil(ended.at - times.lingerMs);
      giveUp(ended.error);
    }
    const fault = lost;
    lost = undefined;
    if (fault !== undefined) throw fault;
  }

  function isDue({ bytes, since }: OpenConnection): boolean {
    return closes && (bytes >= mostBytes || performance.now() - since >= times.confirmMs);
  }

  return {
    batch: BATCH,

    async deliver(events, signal) {
      signal.throwIfAborted();
      await inspect(signal);
      if (open !== undefined && isDue(open)) {
        void confirm(open);
        await inspect(signal);
      }
      const [first, last] = [events[0]?.seq ?? 0, events.at(-1)?.seq ?? 0];
      unconfirmed.beginAt(first);
      const connection = open ?? (await connect(signal));
      open = connection;
      const bytes = Buffer.concat(events.map(options.frame));
      unconfirmed.writing(last);
      try {
        await connection.write(bytes, signal);
      } catch (error) {
        giveUp(error);
        await inspect(signal);
      }
      unconfirmed.written();
      connection.bytes += bytes.byteLength;
      if (!closes) unconfirmed.confirmUntil(performance.now() - times.lingerMs);
      return { sent: last, settled: unconfirmed.settled, refused: [] };
    },

    // answers early, with what has settled by then, when it is told to stop
    async settle(signal) {
      await inspect(signal);
      const { lastWritten } = unconfirmed;
      if (lastWritten === undefined) return unconfirmed.settled;
      await pause(lastWritten + (closes ? times.restMs : times.lingerMs) - performance.now(), signal);
      // after a stall of this process: the connection may have said something that was not read yet
      await setImmediate();
      if (signal.aborted) return unconfirmed.settled;
      await inspect(signal);
      if (closes && open !== undefined) await unlessAborted(confirm(open), signal).catch(() => undefined);
      if (signal.aborted) return unconfirmed.settled;
      await inspect(signal);
      if (!closes) unconfirmed.confirmUntil(lastWritten);
      return unconfirmed.settled;
    },

    async close() {
      const left = open;
      if (left === undefined) return;
      const stop = new AbortController();
      await Promise.race([confirm(left), pause(times.closeMs, stop.signal)]);
      stop.abort();
      left.destroy();
    },
  };
}
