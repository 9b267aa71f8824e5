/**
 * A process to kill: a web server that commits one row per request and answers when the transaction has resolved. A PUT
 * lets the row be seen before it is durable. Prints its port when it is ready; stops when its standard input ends.
 *
 * usage: node --import tsx acknowledging-server.ts <database file>
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock } from '../../bridge/lib/clock.ts';
import { openSqlite } from '../../bridge/storage/sqlite/open.ts';
import { isCountersignError } from '../../protocol/errors.ts';

const database = await openSqlite({ path: process.argv[2] ?? '', clock: systemClock });
await database.migrate();

const server = createServer(async (request, response) => {
  const key = (request.url ?? '').slice(1);
  try {
    await database.transaction(
      (transaction) => transaction.insertInto('meta').values({ key, value: 'acknowledged' }).execute(),
      { seenBeforeDurable: request.method === 'PUT' },
    );
    response.end(key);
  } catch (error) {
    response.statusCode = 503;
    response.end(isCountersignError(error) ? error.code : String(error));
  }
});

server.listen(0, '127.0.0.1', () => {
  console.log((server.address() as AddressInfo).port);
});

process.stdin.resume().on('end', () => {
  // What a store that is not believed any more says of its end, it has said before.
  server.close(() => database.close().catch(() => {}));
  server.closeAllConnections();
});
