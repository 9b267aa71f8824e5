import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CountersignError } from '../protocol/errors.ts';
import type { Client } from './client.ts';

export interface LoopbackOptions {
  /** Shows the URL to the person, usually in their browser. */
  readonly open: (url: string) => unknown;
  readonly loginHint?: string;
  /** Ends the wait. */
  readonly signal?: AbortSignal;
}

/**
 * Signs in through the system's browser (RFC 8252 §7.3): it comes back to http://127.0.0.1 on a free port, path
 * /callback, which the app must have registered (with any port). Throws what the sign-in throws, and `aborted`.
 */
export async function signInWithLoopback(client: Client, options: LoopbackOptions): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    const { url, pending } = await client.beginSignIn({
      redirectUri: `${origin}/callback`,
      ...(options.loginHint === undefined ? {} : { loginHint: options.loginHint }),
    });
    const callback = callbackOf(server, { origin, state: pending.state, signal: options.signal });
    const [callbackUrl] = await Promise.all([callback, options.open(url)]);
    await client.completeSignIn(callbackUrl, pending);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

const DONE = '<!doctype html><meta charset="utf-8"><title>Sign-in</title><p>You can close this page.';
const HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': "default-src 'none'",
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
  connection: 'close',
};

/** Anything on this machine can call here: what does not know the state is not listened to. */
function callbackOf(
  server: ReturnType<typeof createServer>,
  expected: { origin: string; state: string; signal: AbortSignal | undefined },
): Promise<string> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(new CountersignError('aborted'));
    if (expected.signal?.aborted) abort();
    expected.signal?.addEventListener('abort', abort, { once: true });
    server.on('request', (request, response) => {
      const path = request.url ?? '';
      const url = URL.canParse(path, expected.origin) ? new URL(path, expected.origin) : null;
      const ours = url?.pathname === '/callback' && url.searchParams.get('state') === expected.state;
      if (request.method !== 'GET' || !ours) {
        response.writeHead(404).end();
        return;
      }
      expected.signal?.removeEventListener('abort', abort);
      response.writeHead(200, HEADERS).end(DONE, () => resolve(url.href));
    });
  });
}
