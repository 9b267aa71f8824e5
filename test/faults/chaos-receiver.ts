/**
 * A process to kill: a receiver that has on its disk what it acknowledged, and appends to what it finds there. It says
 * `listening`, and whatever came against the specifications.
 *
 * HEC: an event is on disk (fsync) before its request is told to be indexed. Syslog, which acknowledges nothing: what
 * was read is handed to the operating system before more is read, and so before the end of a connection is answered.
 *
 * usage: node --import tsx chaos-receiver.ts <syslog|splunk-hec> <port> <file: ids> <file: certificate and key, JSON>
 */
import { fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { eventIdIn } from '../fakes/receivers/receiver.ts';
import { openHecReceiver } from '../fakes/receivers/splunk-hec.ts';
import { openSyslogReceiver } from '../fakes/syslog/syslog-receiver.ts';
import { endAtWholeLine } from './kept-ids.ts';

/** Until then an event is in memory alone, and lost with the process. */
const INDEXING_MS = 300;

const [kind = '', portText = '', file = '', tlsFile = ''] = process.argv.slice(2);
const port = Number(portText);
const tls: { key: string; cert: string } = JSON.parse(readFileSync(tlsFile, 'utf8'));
endAtWholeLine(file);
const kept = openSync(file, 'a');
const breaches = await (kind === 'syslog' ? openSyslog() : openHec());
say('listening');
setInterval(() => {
  for (const breach of breaches.splice(0)) say(breach);
}, 1_000);

async function openSyslog(): Promise<string[]> {
  const receiver = await openSyslogReceiver(tls, {
    port,
    keep: (messages) => write(messages.map(({ message }) => eventIdIn(JSON.parse(message)))),
  });
  return receiver.breaches as string[];
}

async function openHec(): Promise<string[]> {
  const place = { ca: { issue: async () => tls }, names: { addHost: () => {} } };
  const collector = await openHecReceiver(place, { token: 'token', acknowledgement: true, port });
  collector.index(false);
  let indexed = 0;
  setInterval(() => {
    // in one turn: nobody is told of it before it is on disk
    collector.index(true);
    const ids = collector.held.slice(indexed);
    if (ids.length > 0) {
      write(ids);
      fsyncSync(kept);
    }
    indexed = collector.held.length;
    collector.index(false);
  }, INDEXING_MS);
  return collector.breaches as string[];
}

function write(ids: readonly string[]): void {
  const bytes = Buffer.from(ids.map((id) => `${id}\n`).join(''));
  for (let at = 0; at < bytes.length; ) at += writeSync(kept, bytes, at);
}

function say(line: string): void {
  process.stdout.write(`${line.replaceAll('\n', ' ')}\n`);
}
