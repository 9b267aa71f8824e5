import { once } from 'node:events';
import type { Socket } from 'node:net';

/** A connection to a receiver that never says anything. */
export interface SyslogConnection {
  /** Since when it takes nothing more, though we did not end it, and why; milliseconds of `performance.now()`. */
  readonly ended: { readonly at: number; readonly error: Error | undefined } | undefined;
  /** Resolves when the operating system has all of it. If it fails, part of it may have been sent: nothing may follow. */
  write(bytes: Uint8Array, signal: AbortSignal): Promise<void>;
  /**
   * Says that nothing more comes, and waits for the receiver to close its side in turn: it does so when it has read
   * everything, up to the end. Rejects if it does not, or had closed before.
   */
  finish(): Promise<void>;
  destroy(): void;
}

export interface SyslogConnectionTimes {
  /** For the next piece to go out. */
  readonly writeMs: number;
  /** For the receiver to read what is under way, and to close. */
  readonly finishMs: number;
}

/** As much as is written at a time: how far a receiver must come within `writeMs`. */
const PIECE_BYTES = 64 * 1024;

export function syslogConnection(socket: Socket, times: SyslogConnectionTimes): SyslogConnection {
  let ended: SyslogConnection['ended'];
  let finishing = false;

  function end(error?: Error): void {
    if (!finishing) ended ??= { at: performance.now(), error };
  }

  socket
    .on('error', end)
    .on('end', () => end())
    .on('close', () => end());
  // What receivers say is nothing to us, but what lies unread when a socket is closed makes the close a reset.
  socket.resume();

  function writePiece(piece: Uint8Array, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const late = () => socket.destroy(new Error('the receiver takes nothing more'));
      const timer = setTimeout(late, times.writeMs);
      const abort = () => socket.destroy(signal.reason);
      signal.addEventListener('abort', abort, { once: true });
      socket.write(piece, (error) => {
        clearTimeout(timer);
        signal.removeEventListener('abort', abort);
        if (error) reject(ended?.error ?? error);
        else resolve();
      });
    });
  }

  return {
    get ended() {
      return ended;
    },
    async write(bytes, signal) {
      for (let at = 0; at < bytes.byteLength; at += PIECE_BYTES) {
        signal.throwIfAborted();
        await writePiece(bytes.subarray(at, at + PIECE_BYTES), signal);
      }
    },
    async finish() {
      if (ended !== undefined) throw ended.error ?? new Error('the receiver closed the connection');
      finishing = true;
      const late = () => socket.destroy(new Error('the receiver does not close the connection'));
      const timer = setTimeout(late, times.finishMs);
      try {
        const closed = once(socket, 'close');
        socket.end();
        await closed;
      } finally {
        clearTimeout(timer);
      }
      if (!socket.readableEnded) throw new Error('the receiver cut the connection');
    },
    destroy: () => void socket.destroy(),
  };
}
