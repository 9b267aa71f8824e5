import { newId } from '../../bridge/lib/ids.ts';
import { signDpopProof } from '../../protocol/dpop.ts';
import { importSigningKey, type SigningKey } from '../../protocol/ed25519.ts';
import type { Asker } from '../company/asker.ts';

/** Look-ups that one device asks for. */
export interface Asked {
  readonly origin: string;
  readonly asker: Pick<Asker, 'accessToken' | 'deviceKey'>;
  /** The addresses of each request; they begin over again. */
  readonly batches: readonly (readonly string[])[];
  readonly count: number;
}

const PATH = '/v1/lookups';
let key: Promise<SigningKey> | undefined;

/** The bytes of requests, each with a proof of its own, as if from thousands of clients behind one proxy. */
export async function makeLookUps({ origin, asker, batches, count }: Asked): Promise<Buffer[]> {
  key ??= importSigningKey(asker.deviceKey);
  const signer = await key;
  const { accessToken } = asker;
  const now = Math.floor(Date.now() / 1000);
  const requests: Buffer[] = [];
  for (let index = 0; index < count; index += 1) {
    const proof = await signDpopProof(signer, { method: 'POST', url: origin + PATH, accessToken }, now);
    const body = JSON.stringify({ request_id: newId(), addresses: batches[index % batches.length] });
    requests.push(
      Buffer.from(
        `POST ${PATH} HTTP/1.1\r\nHost: ${new URL(origin).host}\r\n` +
          `Authorization: DPoP ${accessToken}\r\nDPoP: ${proof}\r\n` +
          `X-Forwarded-For: 10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}\r\n` +
          `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
      ),
    );
  }
  return requests;
}
