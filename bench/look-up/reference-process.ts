import { CompactSign } from 'jose';
import Koa from 'koa';
import { readBody } from '../../bridge/http/request-body.ts';
import { type ListeningServer, startServer } from '../../bridge/http/server.ts';
import { LOOKUP_BODY_BYTES } from '../../bridge/lib/limits.ts';
import { verifyDpopProof } from '../../protocol/dpop.ts';
import { generateSigningKey } from '../../protocol/ed25519.ts';
import { answerParent } from '../processes/child.ts';
import { countCrypto } from '../processes/counted-crypto.ts';
import { cpuMs } from '../processes/cpu.ts';

/** What the reference server answers, and to whom. */
export interface Reference {
  readonly port: number;
  readonly tls: { readonly cert: string; readonly key: string };
  /** Of the look-up, by path: the payload of the bridge's own answer to the same request. */
  readonly answers: Readonly<Record<string, Uint8Array>>;
  readonly origin: string;
  readonly accessToken: string;
}

/**
 * The fastest server that there could be on this stack: it reads the request, verifies the proof, signs the bytes that
 * the bridge answered, and sends them. It parses, looks up, decides and stores nothing.
 */
const counts = countCrypto();
let server: ListeningServer | undefined;

const handlers = {
  start: async ({ port, tls, answers, origin, accessToken }: Reference) => {
    const key = await generateSigningKey(false);
    const header = { alg: 'Ed25519', typ: 'key-lookup-response+jwt', kid: key.kid };
    const app = new Koa();
    app.use(async (ctx) => {
      const proof = String(ctx.req.headers.dpop);
      const expected = { method: 'POST', url: origin + ctx.path, accessToken };
      await verifyDpopProof(proof, expected, Math.floor(Date.now() / 1000));
      await readBody(ctx.req, LOOKUP_BODY_BYTES);
      const payload = answers[ctx.path];
      if (payload === undefined) return;
      ctx.body = await new CompactSign(payload).setProtectedHeader(header).sign(key.privateKey);
      ctx.set('Content-Type', 'application/key-lookup-response+jwt');
    });
    server = await startServer({ address: '127.0.0.1', port, tls, answer: app.callback() });
  },
  usage: () => ({ cpuMs: cpuMs(), ...counts }),
};
export type ReferenceProcess = typeof handlers;

answerParent(handlers, () => server?.stop(0));
