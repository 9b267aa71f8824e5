import { connect, createServer, type Socket } from 'node:net';

/** Leads to a PostgreSQL server as pgbouncer does with `ignore_startup_parameters`. */
export interface ForgetfulPooler {
  readonly port: number;
  /** Ends the connections, and listens no more. */
  close(): Promise<void>;
}

/** @param forgets - parameters that it takes out of the first message of each connection */
export async function startForgetfulPooler(
  serverPort: number,
  forgets: readonly string[],
): Promise<ForgetfulPooler> {
  const sockets = new Set<Socket>();
  const keep = (socket: Socket, other: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => other.destroy());
  };
  const pooler = createServer((client) => {
    const server = connect(serverPort, '127.0.0.1');
    keep(client, server);
    keep(server, client);
    client.once('data', (startup) => {
      server.write(without(startup, forgets));
      client.pipe(server);
    });
    server.pipe(client);
  });
  await new Promise<void>((resolve) => pooler.listen(0, '127.0.0.1', resolve));
  const address = pooler.address();
  if (address === null || typeof address === 'string') throw new Error('it listens on no port');
  return {
    port: address.port,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => pooler.close(resolve));
    },
  };
}

/** StartupMessage: its length and the protocol's version, 4 bytes each, then names and values that end in 0. */
function without(startup: Buffer, names: readonly string[]): Buffer {
  const texts = startup.subarray(8).toString('latin1').split('\0');
  const kept: string[] = [];
  for (let at = 0; at + 1 < texts.length; at += 2) {
    const [name = '', value = ''] = texts.slice(at, at + 2);
    if (name !== '' && !names.includes(name)) kept.push(name, value);
  }
  const parameters = Buffer.from(`${kept.map((text) => `${text}\0`).join('')}\0`, 'latin1');
  const head = Buffer.from(startup.subarray(0, 8));
  head.writeUInt32BE(head.length + parameters.length);
  return Buffer.concat([head, parameters]);
}
