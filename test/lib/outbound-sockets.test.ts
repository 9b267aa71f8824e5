import { once } from 'node:events';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket, type TlsOptions } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  createOutboundSockets,
  type OutboundSockets,
  type OutboundSocketsOptions,
  type SocketTarget,
} from '../../bridge/lib/outbound-sockets.ts';
import type { Resolver } from '../../bridge/lib/resolver.ts';
import { createNames } from '../fakes/names.ts';
import { createThrowawayCa, type ThrowawayCa } from '../fakes/throwaway-ca.ts';

const HOST = 'siem.acme.example';
const names = createNames();
names.addHost(HOST, '127.0.0.1');

let ca: ThrowawayCa;
const servers: Server[] = [];
const sockets = new Set<Socket>();

function keep(socket: Socket): void {
  sockets.add(socket);
  socket.on('error', () => {});
}

async function listen(server: Server, address = '127.0.0.1'): Promise<number> {
  servers.push(server);
  server.on('connection', keep);
  server.listen(0, address);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** Says on each connection which certificate it was shown, and at which address. */
function greet(socket: TLSSocket | Socket): void {
  const shown = 'getPeerCertificate' in socket ? socket.getPeerCertificate().subject?.CN : undefined;
  socket.on('error', () => {}).end(`${socket.localAddress} ${shown ?? 'nobody'}`);
}

async function tlsServer(hosts: readonly string[], options: TlsOptions = {}): Promise<number> {
  return listen(createTlsServer({ ...(await ca.issue(hosts)), ...options }, greet));
}

function door(options: Partial<OutboundSocketsOptions> = {}): OutboundSockets {
  return createOutboundSockets({
    ...{ resolver: names, allowedNetworks: ['127.0.0.0/8'], caCertificates: [ca.certificatePem] },
    ...options,
  });
}

async function greeting(target: SocketTarget, through = door()): Promise<string> {
  const socket = await through.connect(target);
  keep(socket);
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  await once(socket, 'close');
  return text;
}

beforeAll(async () => {
  ca = await createThrowawayCa();
});

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
});

afterAll(() => {
  expect(servers).toEqual([]);
});

describe('an outbound socket', () => {
  it('leads over verified TLS to an allowed network', async () => {
    const port = await tlsServer([HOST]);
    expect(await greeting({ host: HOST, port, tls: {} })).toBe('127.0.0.1 nobody');
  });

  it('leads over plain TCP where no TLS is asked for', async () => {
    const port = await listen(createTcpServer(greet));
    expect(await greeting({ host: HOST, port })).toBe('127.0.0.1 nobody');
  });

  it('shows its certificate to a server that asks for one', async () => {
    const port = await tlsServer([HOST], { requestCert: true, ca: ca.certificatePem });
    const { key, cert: certificate } = await ca.issue(['bridge.acme.example']);
    const shown = await greeting({ host: HOST, port, tls: { key, certificate } });
    expect(shown).toBe('127.0.0.1 bridge.acme.example');
  });

  it('trusts the root of the target in the place of all others', async () => {
    const port = await tlsServer([HOST]);
    const untrusting = door({ caCertificates: [] });
    const tls = { ca: ca.certificatePem };
    expect(await greeting({ host: HOST, port, tls }, untrusting)).toBe('127.0.0.1 nobody');
    const other = { ca: (await createThrowawayCa()).certificatePem };
    await expect(door().connect({ host: HOST, port, tls: other })).rejects.toMatchObject({
      code: 'outbound_failed',
    });
  });

  it('finds a server by its address, whose certificate has the name that is said', async () => {
    const port = await tlsServer([HOST]);
    const found = await greeting({ host: '127.0.0.1', port, tls: { serverName: HOST } });
    expect(found).toBe('127.0.0.1 nobody');
    await expect(door().connect({ host: '127.0.0.1', port, tls: {} })).rejects.toMatchObject({
      code: 'outbound_failed',
      cause: { code: 'ERR_TLS_CERT_ALTNAME_INVALID' },
    });
  });

  it('connects to the very address that was checked, however the name answers next (DNS rebinding)', async () => {
    const port = await listen(createTcpServer(greet), '127.0.0.2');
    const asked: string[] = [];
    const resolver: Resolver = {
      ...names,
      async lookup(host) {
        asked.push(host);
        return asked.length === 1 ? ['127.0.0.2'] : ['127.0.0.1'];
      },
    };
    const pinned = door({ resolver, allowedNetworks: ['127.0.0.2/32'] });
    expect(await greeting({ host: HOST, port }, pinned)).toBe('127.0.0.2 nobody');
    expect(asked).toHaveLength(1);
    await expect(pinned.connect({ host: HOST, port })).rejects.toMatchObject({ code: 'outbound_refused' });
  });
});

describe('an outbound socket fails', () => {
  it.each([
    ['loopback', '127.0.0.1'],
    ['the metadata service', '169.254.169.254'],
    ['a private address', '10.1.2.3'],
    ['IPv6 loopback', '::1'],
    ['IPv4 loopback mapped into IPv6', '::ffff:127.0.0.1'],
    ['a unique-local address', 'fd00::1'],
  ])('with outbound_refused at %s', async (_, host) => {
    const strict = door({ allowedNetworks: [] });
    await expect(strict.connect({ host, port: 6514 })).rejects.toMatchObject({ code: 'outbound_refused' });
    await expect(strict.connect({ host, port: 6514, tls: {} })).rejects.toMatchObject({
      code: 'outbound_refused',
    });
  });

  it('with outbound_refused for a name that leads inside, whose address it does not tell', async () => {
    const refusal = door({ allowedNetworks: [] }).connect({ host: HOST, port: 6514, tls: {} });
    await expect(refusal).rejects.toMatchObject({
      code: 'outbound_refused',
      detail: expect.not.stringContaining('127.0.0.1'),
    });
  });

  it('with name_not_found for a name that is none', async () => {
    await expect(door().connect({ host: 'nowhere.example', port: 6514 })).rejects.toMatchObject({
      code: 'name_not_found',
    });
  });

  it('with outbound_failed where nobody listens', async () => {
    const port = await listen(createTcpServer(greet));
    await new Promise((resolve) => servers.pop()?.close(resolve));
    await expect(door().connect({ host: HOST, port })).rejects.toMatchObject({
      code: 'outbound_failed',
      cause: { code: 'ECONNREFUSED' },
    });
  });

  it('with outbound_failed where the certificate is for another name', async () => {
    const port = await tlsServer(['other.example']);
    await expect(door().connect({ host: HOST, port, tls: {} })).rejects.toMatchObject({
      code: 'outbound_failed',
      cause: { code: 'ERR_TLS_CERT_ALTNAME_INVALID' },
    });
  });

  it('with outbound_failed for an unknown authority, whatever the environment says', async () => {
    const port = await tlsServer([HOST]);
    const before = process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
    try {
      await expect(door({ caCertificates: [] }).connect({ host: HOST, port, tls: {} })).rejects.toMatchObject(
        {
          code: 'outbound_failed',
          cause: { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' },
        },
      );
    } finally {
      if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
      else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before;
    }
  });

  it('with outbound_failed where a connection is closed, or no TLS spoken, in the handshake', async () => {
    const closing = await listen(createTcpServer((socket) => socket.destroy()));
    const plain = await listen(createTcpServer((socket) => socket.end('220 mail.example ESMTP\r\n')));
    for (const port of [closing, plain]) {
      await expect(door().connect({ host: HOST, port, tls: {} })).rejects.toMatchObject({
        code: 'outbound_failed',
      });
    }
  });

  it('with outbound_failed for a key that is none', async () => {
    const tls = { certificate: 'no certificate', key: 'no key' };
    await expect(door().connect({ host: HOST, port: 1, tls })).rejects.toMatchObject({
      code: 'outbound_failed',
    });
  });

  it('with outbound_timeout where a handshake is never answered', async () => {
    const port = await listen(createTcpServer());
    await expect(
      door({ connectTimeoutMs: 100 }).connect({ host: HOST, port, tls: {} }),
    ).rejects.toMatchObject({ code: 'outbound_timeout' });
  });

  it('when its caller gives up, before it and while it waits', async () => {
    const port = await listen(createTcpServer());
    const target = { host: HOST, port, tls: {} };
    await expect(door().connect({ ...target, signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'outbound_failed',
    });
    await expect(door().connect({ ...target, signal: AbortSignal.timeout(50) })).rejects.toMatchObject({
      code: 'outbound_failed',
    });
  });
});
