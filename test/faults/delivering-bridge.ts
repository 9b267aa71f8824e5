/**
 * A process to kill: a bridge as far as its events go. It appends as many events as standard input says, line by line, a
 * transaction at a time, says how many are on disk, and delivers them; at `stop` it says `stopped` once all have their
 * number, and goes on delivering. Of each socket that it ends by itself it says `ends` and the port that it came from.
 *
 * usage: node --import tsx delivering-bridge.ts <what openReachable takes> <file: CA, PEM> <sinks, JSON>
 */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { createEventLog } from '../../bridge/events/database-event-log.ts';
import type { SinkDefinition } from '../../bridge/events/delivery/sink-definition.ts';
import { createDelivery } from '../../bridge/events/delivery.ts';
import { pause } from '../../bridge/lib/abortable.ts';
import { systemClock } from '../../bridge/lib/clock.ts';
import { createOutbound } from '../../bridge/lib/outbound.ts';
import { createOutboundSockets, type OutboundSockets } from '../../bridge/lib/outbound-sockets.ts';
import { sinkKind } from '../../connectors/siem/kinds.ts';
import { httpSinkDeps } from '../contract/http-sink-fixture.ts';
import { closed, quiet } from '../events/events-fixture.ts';
import { createNames } from '../fakes/names.ts';
import { openReachable } from '../fakes/open-reachable.ts';
import type { ChaosSink } from './chaos-receivers.ts';

const ISS = 'https://bridge.acme.example';
const AT_ONCE = 200;
/** Delivery needs its share of the process. */
const PAUSE_MS = 10;
/** Whoever follows one that was killed need not wait long. */
const LEASE_MS = 400;
/** Nor does a sink, for what is back. */
const RETRY_MS = 500;

const [reach = '', caFile = '', sinks = '[]'] = process.argv.slice(2);
const names = createNames();
const rules = {
  resolver: names,
  allowedNetworks: ['127.0.0.0/8'],
  caCertificates: [readFileSync(caFile, 'utf8')],
};
const outbound = createOutbound(rules);
const sockets = tellingEnds(createOutboundSockets(rules));
const database = await openReachable(reach, systemClock);
const log = createEventLog({ database, clock: systemClock, logger: quiet, iss: ISS });
const definitions = (JSON.parse(sinks) as ChaosSink[]).map(definitionOf);
log.start();
createDelivery({
  ...{ database, log, clock: systemClock, logger: quiet, leaseMs: LEASE_MS },
  pause: (ms, signal) => pause(Math.min(ms, RETRY_MS), signal),
  definitions: { builtin: definitions.map(({ id }) => id), list: async () => definitions },
}).start();

let round = 0;
for await (const line of createInterface(process.stdin)) {
  if (line === 'stop') break;
  for (let left = Number(line); left > 0; left -= AT_ONCE) await append(Math.min(left, AT_ONCE));
}
await log.settled();
process.stdout.write('stopped\n');

async function append(count: number): Promise<void> {
  round += 1;
  await database.transaction(async (tx) => {
    for (let nth = 0; nth < count; nth += 1) await log.append(tx, closed(`${process.pid}-${round}-${nth}`));
  });
  process.stdout.write(`${count}\n`);
  await pause(PAUSE_MS);
}

function definitionOf({ kind, format, host, settings }: ChaosSink): SinkDefinition {
  names.addHost(host, '127.0.0.1');
  const open = async () => {
    const found = sinkKind(kind);
    if (found === undefined) throw new Error(`no kind ${kind}`);
    const deps = { ...httpSinkDeps({ outbound }, format), sockets };
    return { sink: found.open(settings, deps), redactionKey: new Uint8Array(32) };
  };
  return {
    ...{ id: kind, name: kind, revision: 1, status: 'enabled', redaction: 'none', open },
    filter: { types: ['person.*'] },
  };
}

function tellingEnds({ connect }: OutboundSockets): OutboundSockets {
  return {
    async connect(target) {
      const socket = await connect(target);
      socket.end = new Proxy(socket.end, {
        apply(end, self, args) {
          if (!socket.readableEnded) process.stdout.write(`ends ${socket.localPort}\n`);
          return Reflect.apply(end, self, args);
        },
      });
      return socket;
    },
  };
}
