import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Below what systems give to connections and to who listens on port 0 (Linux: from 32768): nothing takes one by chance. */
const FIRST = 20_000;
const BEYOND = 32_000;

const given = new Set<number>();

/** A TCP port of 127.0.0.1 that nobody listens on, and that this process was not given before. */
export async function freePort(): Promise<number> {
  const port = randomInt(FIRST, BEYOND);
  if (given.has(port) || !(await isFree(port))) return freePort();
  given.add(port);
  return port;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
