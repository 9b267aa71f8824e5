import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** A way to a Redis server on which wake-ups can be lost: commands pass, and what is published does not arrive. */
export interface DeafPath {
  readonly port: number;
  /** Pieces that were published and did not arrive. */
  readonly lost: number;
  /** From now on nothing arrives on connections that have subscribed; they stay open, and nobody is told. */
  deafen(): void;
  close(): Promise<void>;
}

export async function openDeafPath(to: number): Promise<DeafPath> {
  const sockets = new Set<Socket>();
  let deaf = false;
  let lost = 0;

  const server = createServer((near) => {
    const far = connect(to, '127.0.0.1');
    let subscribed = false;
    near.on('data', (bytes) => {
      subscribed ||= /subscribe/i.test(bytes.toString('latin1'));
      far.write(bytes);
    });
    far.on('data', (bytes) => {
      if (subscribed && deaf) lost += 1;
      else near.write(bytes);
    });
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('it listens on no port');
  return {
    port: address.port,
    get lost() {
      return lost;
    },
    deafen: () => {
      deaf = true;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
