import { request } from 'node:https';
import type { BridgeFixture } from './bridge-fixture.ts';

/** Announces a body of `bytes` and sends only its beginning: the answer must not wait for the rest. */
export function announceBody(
  bridge: BridgeFixture,
  call: { method: string; path: string; token: string; bytes: number },
): Promise<{ status: number; code: string }> {
  const { hostname } = new URL(bridge.issuer);
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        ...{
          host: '127.0.0.1',
          port: bridge.running.port,
          servername: hostname,
          ca: bridge.ca.certificatePem,
        },
        ...{ method: call.method, path: call.path, agent: false },
        headers: {
          host: hostname,
          'content-type': 'application/json',
          'content-length': call.bytes,
          authorization: `Bearer ${call.token}`,
        },
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('end', () => {
          asked.destroy();
          resolve({ status: response.statusCode ?? 0, code: JSON.parse(text).code });
        });
      },
    );
    asked.on('error', reject);
    asked.write('{');
  });
}
