/**
 * A process to kill: a bridge as far as its events go. It appends events without pause, a transaction at a time, says
 * how many are on disk, and delivers them; told to stop on standard input, it goes on delivering alone.
 *
 * usage: node --import tsx delivering-bridge.ts <what openReachable takes> <file: CA, PEM> <sinks, JSON>
 */
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { createEventLog } from '../../bridge/events/database-event-log.ts';
import type { SinkDefinition } from '../../bridge/events/delivery/sink-definition.ts';
import { createDelivery } from '../../bridge/events/delivery.ts';
import { systemClock } from '../../bridge/lib/clock.ts';
import { createOutbound } from '../../bridge/lib/outbound.ts';
import { sinkKind } from '../../connectors/siem/kinds.ts';
import { httpSinkDeps } from '../contract/http-sink-fixture.ts';
import { closed, quiet } from '../events/events-fixture.ts';
import { createNames } from '../fakes/names.ts';
import { openReachable } from '../fakes/open-reachable.ts';
import type { ChaosSink } from './delivery-chaos-sinks.ts';

const ISS = 'https://bridge.acme.example';
const AT_ONCE = 200;
/** Delivery needs its share of the process. */
const PAUSE_MS = 20;
/** Whoever follows one that was killed need not wait long. */
const LEASE_MS = 400;

const [reach = '', caFile = '', sinks = '[]'] = process.argv.slice(2);
const names = createNames();
const outbound = createOutbound({
  resolver: names,
  allowedNetworks: ['127.0.0.0/8'],
  caCertificates: [readFileSync(caFile, 'utf8')],
});
const database = await openReachable(reach, systemClock);
const log = createEventLog({ database, clock: systemClock, logger: quiet, iss: ISS });
const definitions = (JSON.parse(sinks) as ChaosSink[]).map(definitionOf);
log.start();
createDelivery({
  ...{ database, log, clock: systemClock, logger: quiet, leaseMs: LEASE_MS },
  definitions: { builtin: definitions.map(({ id }) => id), list: async () => definitions },
}).start();

let appending = true;
process.stdin.once('data', () => {
  appending = false;
});
for (let round = 0; appending; round += 1) {
  await database.transaction(async (tx) => {
    for (let nth = 0; nth < AT_ONCE; nth += 1) await log.append(tx, closed(`${process.pid}-${round}-${nth}`));
  });
  process.stdout.write(`${AT_ONCE}\n`);
  await pause(PAUSE_MS);
}
await log.settled();
process.stdout.write('stopped\n');

function definitionOf({ kind, format, host, settings }: ChaosSink): SinkDefinition {
  names.addHost(host, '127.0.0.1');
  const open = async () => {
    const found = sinkKind(kind);
    if (found === undefined) throw new Error(`no kind ${kind}`);
    const network = { outbound };
    return { sink: found.open(settings, httpSinkDeps(network, format)), redactionKey: new Uint8Array(32) };
  };
  return {
    ...{ id: kind, name: kind, revision: 1, status: 'enabled', redaction: 'none', open },
    filter: { types: ['person.*'] },
  };
}
