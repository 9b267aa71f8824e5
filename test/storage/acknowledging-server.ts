/**
 * A process to kill: a web server that commits one row per request and answers when the transaction has resolved.
 * Prints its port when it is ready; stops when its standard input ends.
 *
 * usage: node --import tsx acknowledging-server.ts <database file>
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock } from '../../bridge/lib/clock.ts';
import { openSqlite } from '../../bridge/storage/sqlite/open.ts';

const database = await openSqlite({ path: process.argv[2] ?? '', clock: systemClock });
await database.migrate();

const server = createServer(async (request, response) => {
  const key = (request.url ?? '').slice(1);
  await database.transaction((transaction) =>
    transaction.insertInto('meta').values({ key, value: 'acknowledged' }).execute(),
  );
  response.end(key);
});

server.listen(0, '127.0.0.1', () => {
  console.log((server.address() as AddressInfo).port);
});

process.stdin.resume().on('end', () => {
  server.close(() => database.close());
  server.closeAllConnections();
});
