import { formatVerifierKey } from '../../protocol/tlog/verifier-key.ts';
import { makeKeyserverKeys, startAgeKeyserver } from '../../test/peers/age-keyserver.ts';
import { startLitewitness } from '../../test/peers/litewitness.ts';
import { torchwoodMissing } from '../../test/peers/torchwood-package.ts';
import type { Peer } from '../look-up/kept-connection.ts';

const ORIGIN = 'keyserver.bench/log';
/** As the documentation of age shows one. */
const PUBLIC_KEY = 'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p';

/** age-keyserver, with litewitness as the one witness of its log. */
export interface KeyServer {
  /** Without TLS, of which it has none. */
  readonly peer: Peer;
  /** Requests that set the keys of new addresses, one each: all of its steps before are done. */
  settings(count: number): Promise<Buffer[]>;
  /** A request that looks a key up, of each address that was among the settings. */
  lookUps(): Buffer[];
  stop(): Promise<void>;
}

/** Answers a sentence that says why where there is none here. */
export async function startKeyServer(): Promise<KeyServer | string> {
  const missing = await torchwoodMissing();
  if (missing !== null) return missing;
  const keys = makeKeyserverKeys(ORIGIN);
  const witness = await startLitewitness('litewitness.bench/w1', { origin: ORIGIN, vkey: keys.vkey });
  try {
    const url = `http://127.0.0.1:${witness.port}`;
    const server = await startAgeKeyserver(keys, { vkey: formatVerifierKey(witness.key), url });
    const addresses: string[] = [];
    return {
      peer: { host: '127.0.0.1', port: Number(new URL(server.url).port), ca: null },
      async settings(count) {
        const requests: Buffer[] = [];
        for (let index = 0; index < count; index += 1) {
          const address = `person-${addresses.length}@bench.example`;
          addresses.push(address);
          const form = { ...(await server.askLink(address)), pubkey: PUBLIC_KEY };
          requests.push(post('/setkey', String(new URLSearchParams(form))));
        }
        return requests;
      },
      lookUps: () => addresses.map((address) => get(`/api/lookup?email=${encodeURIComponent(address)}`)),
      async stop() {
        await server.stop();
        await witness.stop();
      },
    };
  } catch (error) {
    await witness.stop();
    throw error;
  }
}

function get(path: string): Buffer {
  return Buffer.from(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
}

function post(path: string, form: string): Buffer {
  const type = 'application/x-www-form-urlencoded';
  return Buffer.from(
    `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: ${type}\r\nContent-Length: ${form.length}\r\n\r\n${form}`,
  );
}
