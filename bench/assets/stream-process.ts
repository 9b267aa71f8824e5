import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { generateSigningKey } from '../../protocol/ed25519.ts';
import { ASSET_CHUNK_BYTES, newAssetHeader } from '../../protocol/groups/asset.ts';
import { createAssetOpener, createAssetSealer, readAssetHeader } from '../../protocol/groups/asset-chunks.ts';
import { preToJwk } from '../../recrypt/encoding.ts';
import { loadTransformEngine } from '../../recrypt/load-node.ts';
import { answerParent } from '../processes/child.ts';

/** One file is sealed and opened on its way through a process that holds no more of it than the streams do. */
export interface PassedFile {
  readonly bytes: number;
  readonly seconds: number;
  /** The most resident memory of this process so far, MB. */
  readonly peakMb: number;
}

/** What a source hands over at once: as a file that is read, or a body that arrives. */
const PIECE_BYTES = 2 ** 20;
const KEY_BYTES = 32;
const NONCE_BYTES = 12;

const handlers = {
  async pass(total: number): Promise<PassedFile> {
    const started = performance.now();
    const key = randomBytes(KEY_BYTES);
    const { sig, signer } = await makeDevice();
    const header = newAssetHeader({ iss: 'https://bridge.acme.example', sub: 'sub-alice' }, 'key-1');
    const sealed = contentOf(total).pipeThrough(await createAssetSealer(key, header, sig));
    const begun = await readAssetHeader(sealed);
    const opener = await createAssetOpener(key, begun.header, signer);
    let bytes = 0;
    for await (const piece of begun.chunks.pipeThrough(opener)) bytes += piece.length;
    return { bytes, seconds: (performance.now() - started) / 1000, peakMb: peakMb() };
  },

  /** AES-256-GCM and SHA-256 of every piece, twice, with nothing around them: one thread, nothing waited for. */
  primitives(total: number): PassedFile {
    const begun = performance.now();
    const key = randomBytes(KEY_BYTES);
    const piece = randomBytes(ASSET_CHUNK_BYTES);
    const digests = [createHash('sha256'), createHash('sha256')] as const;
    let bytes = 0;
    for (; bytes < total; bytes += piece.length) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', key, nonce);
      digests[0].update(piece);
      const sealed = Buffer.concat([cipher.update(piece), cipher.final()]);
      const decipher = createDecipheriv('aes-256-gcm', key, nonce).setAuthTag(cipher.getAuthTag());
      digests[1].update(Buffer.concat([decipher.update(sealed), decipher.final()]));
    }
    return { bytes, seconds: (performance.now() - begun) / 1000, peakMb: peakMb() };
  },
};
export type StreamProcess = typeof handlers;

async function makeDevice() {
  const { generateKeyPair } = await loadTransformEngine();
  const sig = await generateSigningKey(false);
  const pre = preToJwk(generateKeyPair().publicKey);
  return {
    sig,
    signer: { device_id: sig.kid, keys: [pre, sig.publicKey] as [typeof pre, typeof sig.publicKey] },
  };
}

/** So many bytes that no source has to hold. */
function contentOf(total: number): ReadableStream<Uint8Array> {
  const piece = randomBytes(PIECE_BYTES);
  let sent = 0;
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      if (sent >= total) return controller.close();
      const next = piece.subarray(0, Math.min(piece.length, total - sent));
      sent += next.length;
      controller.enqueue(next);
    },
  });
}

/** `maxRSS` is in KiB. */
function peakMb(): number {
  return (process.resourceUsage().maxRSS * 1024) / 1e6;
}

answerParent(handlers);
