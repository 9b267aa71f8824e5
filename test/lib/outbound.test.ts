import type { RequestListener } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createOutbound, type Outbound, type OutboundOptions } from '../../bridge/lib/outbound.ts';
import type { Resolver } from '../../bridge/lib/resolver.ts';
import { createNames } from '../fakes/names.ts';
import { createThrowawayCa, type ThrowawayCa } from '../fakes/throwaway-ca.ts';

const HOST = 'idp.acme.example';
const names = createNames();
names.addHost(HOST, '127.0.0.1');

let ca: ThrowawayCa;
let server: Server;
let base: string;
const opened: Outbound[] = [];
const servers: Server[] = [];

const answer: RequestListener = (request, response) => {
  const url = new URL(request.url ?? '/', 'https://any');
  switch (url.pathname) {
    case '/redirect':
      response.writeHead(302, { location: 'https://169.254.169.254/latest/meta-data/' }).end();
      return;
    case '/large':
      response.end(Buffer.alloc(200_000, 0x61));
      return;
    case '/endless':
      response.writeHead(200, { 'content-type': 'text/plain' });
      response.write('it begins');
      return;
    case '/silent':
      return;
    case '/compressed':
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(Buffer.alloc(8));
      return;
    case '/binary':
      response.end(Buffer.from([0xff, 0xfe, 0x00]));
      return;
    case '/error':
      response.writeHead(500).end('broken');
      return;
    case '/echo': {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const { method, headers } = request;
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify({ method, headers, body: Buffer.concat(chunks).toString() }));
      });
      return;
    }
    default:
      response.end(`hello from ${request.socket.localAddress}`);
  }
};

async function listen(address: string, hosts: string[], port = 0): Promise<Server> {
  const started = createServer(await ca.issue(hosts), answer);
  await new Promise<void>((resolve) => started.listen(port, address, resolve));
  servers.push(started);
  return started;
}

const portOf = (started: Server) => (started.address() as AddressInfo).port;

function outbound(options: Partial<OutboundOptions> = {}): Outbound {
  const made = createOutbound({
    resolver: names,
    allowedNetworks: ['127.0.0.0/8'],
    caCertificates: [ca.certificatePem],
    ...options,
  });
  opened.push(made);
  return made;
}

const strict = () => outbound({ allowedNetworks: [] });

beforeAll(async () => {
  ca = await createThrowawayCa();
  server = await listen('127.0.0.1', [HOST]);
  base = `https://${HOST}:${portOf(server)}`;
});

afterAll(async () => {
  for (const started of servers) started.closeAllConnections();
  await Promise.all(servers.map((started) => new Promise((resolve) => started.close(resolve))));
  await Promise.all(opened.map((made) => made.close()));
});

describe('an outbound request', () => {
  it('fetches text over verified TLS from an allowed network', async () => {
    expect(await outbound().text(`${base}/`)).toBe('hello from 127.0.0.1');
  });

  it('sends method, headers and body through fetch and gives a standard response', async () => {
    const response = await outbound().fetch(`${base}/echo`, {
      method: 'POST',
      headers: { 'x-tried': 'yes' },
      body: new URLSearchParams({ grant_type: 'authorization_code' }),
    });
    expect(response).toBeInstanceOf(Response);
    const echoed = await response.json();
    expect(echoed).toMatchObject({ method: 'POST', body: 'grant_type=authorization_code' });
    expect(echoed.headers).toMatchObject({
      'x-tried': 'yes',
      'content-type': 'application/x-www-form-urlencoded;charset=UTF-8',
      'accept-encoding': 'identity',
    });
  });

  it('gives a status other than 200 to the caller of fetch, and an error to the caller of text', async () => {
    expect((await outbound().fetch(`${base}/error`)).status).toBe(500);
    await expect(outbound().text(`${base}/error`)).rejects.toMatchObject({ code: 'outbound_failed' });
  });

  it('refuses text that is not UTF-8', async () => {
    await expect(outbound().text(`${base}/binary`)).rejects.toMatchObject({ code: 'outbound_failed' });
  });

  it('is refused for a name that resolves to loopback', async () => {
    await expect(strict().text(`${base}/`)).rejects.toMatchObject({ code: 'outbound_refused' });
  });

  it('does not tell the address that a refused name has', async () => {
    const refusal = await strict()
      .text(`${base}/`)
      .catch((error: unknown) => error);
    expect(refusal).toMatchObject({ detail: expect.not.stringContaining('127.0.0.1') });
  });

  it('is refused for a name of which one address among public ones is private', async () => {
    const resolver: Resolver = { ...names, lookup: async () => ['93.184.216.34', '10.0.0.7'] };
    const mixed = outbound({ resolver, allowedNetworks: [] });
    await expect(mixed.text('https://mixed.example/')).rejects.toMatchObject({ code: 'outbound_refused' });
  });

  it('is refused for a name whose answer is not an address in its plain form', async () => {
    const resolver: Resolver = { ...names, lookup: async () => ['0177.0.0.1'] };
    const odd = outbound({ resolver });
    await expect(odd.text('https://odd.example/')).rejects.toMatchObject({ code: 'outbound_refused' });
  });

  it('passes on that a name does not exist', async () => {
    await expect(outbound().text('https://nowhere.example/')).rejects.toMatchObject({
      code: 'name_not_found',
    });
  });

  it('connects to the very address that was checked, however the name answers next (DNS rebinding)', async () => {
    const other = await listen('127.0.0.2', ['rebind.example']);
    const asked: string[] = [];
    const resolver: Resolver = {
      ...names,
      async lookup(host) {
        asked.push(host);
        return asked.length === 1 ? ['127.0.0.2'] : ['127.0.0.1'];
      },
    };
    const pinned = outbound({ resolver, allowedNetworks: ['127.0.0.2/32'] });
    const url = `https://rebind.example:${portOf(other)}/`;

    expect(await pinned.text(url)).toBe('hello from 127.0.0.2');
    expect(asked).toHaveLength(1);

    // A second connection asks anew, and the new answer is checked as well.
    const later = outbound({ resolver, allowedNetworks: ['127.0.0.2/32'] });
    await expect(later.text(url)).rejects.toMatchObject({ code: 'outbound_refused' });
    expect(asked).toHaveLength(2);
  });

  it('does not follow a redirect', async () => {
    await expect(outbound().text(`${base}/redirect`)).rejects.toMatchObject({ code: 'outbound_redirect' });
    await expect(outbound().fetch(`${base}/redirect`, { redirect: 'follow' })).rejects.toMatchObject({
      code: 'outbound_redirect',
    });
  });

  it('stops reading a body that is too large', async () => {
    await expect(outbound().text(`${base}/large`, { maxBytes: 100_000 })).rejects.toMatchObject({
      code: 'outbound_too_large',
    });
    expect((await outbound().text(`${base}/large`, { maxBytes: 200_000 })).length).toBe(200_000);
  });

  it.each(['/silent', '/endless'])('gives up on %s when the time is over', async (path) => {
    await expect(outbound().text(base + path, { timeoutMs: 150 })).rejects.toMatchObject({
      code: 'outbound_timeout',
    });
  });

  it('gives up on a name server that never answers', async () => {
    const resolver: Resolver = { ...names, lookup: () => new Promise(() => {}) };
    await expect(
      outbound({ resolver, limits: { timeoutMs: 150 } }).text('https://slow.example/'),
    ).rejects.toMatchObject({ code: 'outbound_timeout' });
  });

  it('refuses a compressed answer, which it did not ask for', async () => {
    await expect(outbound().text(`${base}/compressed`)).rejects.toMatchObject({ code: 'outbound_failed' });
  });

  it('says that a port is closed', async () => {
    const closing = await listen('127.0.0.1', [HOST]);
    const port = portOf(closing);
    await new Promise((resolve) => closing.close(resolve));
    await expect(outbound().text(`https://${HOST}:${port}/`)).rejects.toMatchObject({
      code: 'outbound_failed',
      detail: `${HOST} could not be reached (ECONNREFUSED).`,
    });
  });

  it('fails when the certificate is for another name', async () => {
    names.addHost('other.example', '127.0.0.1');
    await expect(outbound().text(`https://other.example:${portOf(server)}/`)).rejects.toMatchObject({
      code: 'outbound_failed',
      cause: { code: 'ERR_TLS_CERT_ALTNAME_INVALID' },
    });
  });

  it('fails when the certificate is by an unknown authority, whatever the environment says', async () => {
    const before = process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
    try {
      const untrusting = outbound({ caCertificates: [] });
      await expect(untrusting.text(`${base}/`)).rejects.toMatchObject({
        code: 'outbound_failed',
        detail:
          `${HOST} has a certificate that is not accepted here (UNABLE_TO_VERIFY_LEAF_SIGNATURE); ` +
          'a certificate authority of your own goes into outbound.ca_file.',
        cause: { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' },
      });
    } finally {
      if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
      else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before;
    }
  });

  it('refuses to be made with an allowed network that is none', () => {
    expect(() => outbound({ allowedNetworks: ['10.0.0.0'] })).toThrow(
      expect.objectContaining({ code: 'config_invalid' }),
    );
  });
});

describe('an outbound URL is refused when it', () => {
  it.each([
    ['is plain http', 'http://idp.acme.example/'],
    ['is a file', 'file:///etc/passwd'],
    ['is a script', 'javascript:alert(1)'],
    ['is no URL', 'idp.acme.example'],
    ['carries credentials', 'https://user:secret@idp.acme.example/'],
    ['is overlong', `https://idp.acme.example/${'a'.repeat(3_000)}`],
    ['names loopback', 'https://127.0.0.1/'],
    ['names the metadata service', 'https://169.254.169.254/latest/meta-data/'],
    ['names a private address', 'https://10.1.2.3/'],
    ['names another private address', 'https://172.16.0.1/'],
    ['names a third private address', 'https://192.168.1.1/'],
    ['names a carrier-grade address', 'https://100.64.0.1/'],
    ['names the unspecified address', 'https://0.0.0.0/'],
    ['names a multicast address', 'https://224.0.0.1/'],
    ['names the broadcast address', 'https://255.255.255.255/'],
    ['names a reserved address', 'https://198.18.0.1/'],
    ['writes loopback as one decimal', 'https://2130706433/'],
    ['writes loopback in octal', 'https://0177.0.0.1/'],
    ['writes loopback in hexadecimal', 'https://0x7f000001/'],
    ['writes loopback short', 'https://127.1/'],
    ['writes loopback with a trailing dot', 'https://127.0.0.1./'],
    ['writes loopback in full-width digits', 'https://１２７.０.０.１/'],
    ['names IPv6 loopback', 'https://[::1]/'],
    ['names the IPv6 unspecified address', 'https://[::]/'],
    ['maps IPv4 loopback into IPv6', 'https://[::ffff:127.0.0.1]/'],
    ['maps the metadata service into IPv6', 'https://[::ffff:a9fe:a9fe]/'],
    ['is IPv4-compatible IPv6', 'https://[::127.0.0.1]/'],
    ['is a 6to4 address of loopback', 'https://[2002:7f00:1::]/'],
    ['is a NAT64 address of loopback', 'https://[64:ff9b::7f00:1]/'],
    ['is a local NAT64 address', 'https://[64:ff9b:1::7f00:1]/'],
    ['is a Teredo address', 'https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/'],
    ['names a unique-local address', 'https://[fd00::1]/'],
    ['names a link-local address', 'https://[fe80::1]/'],
    ['names an IPv6 multicast address', 'https://[ff02::1]/'],
    ['names a documentation address', 'https://[2001:db8::1]/'],
  ])('%s', async (_why, url) => {
    const door = strict();
    await expect(door.text(url)).rejects.toMatchObject({ code: 'outbound_refused' });
    await expect(door.fetch(url)).rejects.toMatchObject({ code: 'outbound_refused' });
  });
});
