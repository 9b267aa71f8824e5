import { createSocket } from 'node:dgram';

/** What a name server says to a question: records, `NXDOMAIN` or `SERVFAIL`. */
type Reply = { a?: string; aaaa?: Buffer; txt?: string[][] } | 'NXDOMAIN' | 'SERVFAIL';

const TYPES = { a: 1, txt: 16, aaaa: 28 };

/** A real, very small name server (RFC 1035) on a port of loopback. Unknown names do not exist. */
export async function startDnsServer(zone: Record<string, Reply>) {
  const socket = createSocket('udp4');
  socket.on('message', (query, from) => socket.send(replyTo(query, zone), from.port, from.address));
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  return {
    server: `127.0.0.1:${socket.address().port}`,
    stop: () => new Promise<void>((resolve) => socket.close(() => resolve())),
  };
}

function replyTo(query: Buffer, zone: Record<string, Reply>): Buffer {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.subarray(at + 1, at + 1 + length).toString());
    at += length + 1;
  }
  const type = query.readUInt16BE(at + 1);
  const question = query.subarray(12, at + 5);
  const known = zone[labels.join('.').toLowerCase()] ?? 'NXDOMAIN';
  const records = typeof known === 'string' ? [] : recordsOf(known, type);

  const header = Buffer.alloc(12);
  query.copy(header, 0, 0, 2);
  header.writeUInt16BE(0x8180 | (known === 'NXDOMAIN' ? 3 : known === 'SERVFAIL' ? 2 : 0), 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(records.length, 6);
  return Buffer.concat([header, question, ...records.map((data) => record(type, data))]);
}

function recordsOf(known: Exclude<Reply, string>, type: number): Buffer[] {
  if (type === TYPES.a && known.a !== undefined) return [Buffer.from(known.a.split('.').map(Number))];
  if (type === TYPES.aaaa && known.aaaa !== undefined) return [known.aaaa];
  if (type !== TYPES.txt) return [];
  return (known.txt ?? []).map((strings) =>
    Buffer.concat(strings.map((text) => Buffer.concat([Buffer.from([text.length]), Buffer.from(text)]))),
  );
}

function record(type: number, data: Buffer): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt16BE(0xc00c, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}
