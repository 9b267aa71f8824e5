import { request } from 'node:https';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readEvents } from '../../bridge/events/event-store.ts';
import { createLogger } from '../../bridge/lib/logger.ts';
import { startBridge } from '../../bridge/main.ts';
import { type BridgeFixture, bridgeFixture } from './bridge-fixture.ts';

let bridge: BridgeFixture;

beforeEach(async () => {
  bridge = await bridgeFixture();
});
afterEach(() => bridge.remove());

/** A request whose body is only begun; `finish` sends the rest and answers the status. */
async function beginRequest(token: string): Promise<{ finish(): Promise<number> }> {
  const { hostname } = new URL(bridge.issuer);
  const body = JSON.stringify({ domain: 'acme.example' });
  const asked = request({
    ...{ host: '127.0.0.1', port: bridge.running.port, servername: hostname, ca: bridge.ca.certificatePem },
    ...{ method: 'POST', path: '/admin/v1/domains' },
    headers: {
      ...{ host: hostname, 'content-type': 'application/json', 'content-length': body.length },
      authorization: `Bearer ${token}`,
    },
  });
  const answered = new Promise<number>((resolve, reject) => {
    asked.on('error', reject);
    asked.on('response', (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
    });
  });
  await new Promise<void>((resolve, reject) => {
    asked.write(body.slice(0, 5), (error) => (error ? reject(error) : resolve()));
  });
  // The server has it once it has answered something that was sent later.
  await bridge.ask('GET', '/health/live');
  return {
    finish: () => {
      asked.end(body.slice(5));
      return answered;
    },
  };
}

describe('stopping', () => {
  it('finishes a request under way, takes no new one, and then ends', async () => {
    const token = await bridge.administrator();
    const running = await beginRequest(token);
    let stopped = false;
    const stopping = bridge.running.stop().then(() => {
      stopped = true;
    });
    await expect(bridge.ask('GET', '/health/live')).rejects.toThrow();
    expect(stopped).toBe(false);
    expect(await running.finish()).toBe(201);
    await stopping;
    const domains = await bridge.inStore((database) =>
      database.read((query) => query.selectFrom('domains').select('domain').execute()),
    );
    expect(domains).toEqual([{ domain: 'acme.example' }]);
  });

  it('leaves an event as the last one, with its place in the log', async () => {
    await bridge.running.stop();
    const events = await bridge.inStore((database) => database.read((query) => readEvents(query, 0, 100)));
    expect(events.map(({ type }) => type)).toEqual(['policy.activated', 'bridge.started', 'bridge.stopped']);
  });

  it('happens once, however often it is asked for', async () => {
    await Promise.all([bridge.running.stop(), bridge.running.stop()]);
    await bridge.running.stop();
  });

  it('can be followed by a start on the same store', async () => {
    const token = await bridge.administrator();
    await bridge.restart();
    expect((await bridge.ask('GET', '/admin/v1/tokens', undefined, token)).status).toBe(200);
    const versions = await bridge.inStore((database) =>
      database.read((query) =>
        query
          .selectFrom('logged_versions')
          .select(['name', 'version'])
          .where('kind', '=', 'policy')
          .execute(),
      ),
    );
    expect(versions).toEqual([{ name: 'policy', version: 0 }]);
  });
});

describe('a start that cannot be', () => {
  it('says everything that is wrong at once, and leaves nothing open', async () => {
    await bridge.running.stop();
    const { config } = bridge;
    const broken = {
      ...config,
      issuer: 'https://other.example',
      listen: { ...config.listen, tls: { certificate_file: '/nowhere.crt', key_file: '/nowhere.key' } },
      outbound: { ...config.outbound, ca_file: '/nowhere.pem' },
    };
    const starting = startBridge(broken, {
      clock: bridge.clock,
      resolver: bridge.names,
      logger: createLogger({ level: 'silent' }),
    });
    await expect(starting).rejects.toMatchObject({
      code: expect.stringMatching(/config_invalid|state_refused/),
      detail: expect.stringMatching(/those of https:\/\/bridge[\s\S]*nowhere\.crt[\s\S]*nowhere\.pem/),
    });
    await bridge.restart();
    expect((await bridge.ask('GET', '/health/ready')).status).toBe(200);
  });

  it('says which port is taken', async () => {
    const { config, running } = bridge;
    const taken = { ...config, listen: { ...config.listen, port: running.port } };
    const starting = startBridge(taken, {
      clock: bridge.clock,
      resolver: bridge.names,
      logger: createLogger({ level: 'silent' }),
    });
    await expect(starting).rejects.toMatchObject({
      code: 'config_invalid',
      detail: expect.stringContaining(`port ${running.port} (EADDRINUSE)`),
    });
  });
});
