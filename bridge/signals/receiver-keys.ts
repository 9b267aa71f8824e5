import { CompactSign, type CryptoKey, calculateJwkThumbprint, importPKCS8, type JWK } from 'jose';
import * as z from 'zod';
import { utf8 } from '../../protocol/bytes.ts';
import type { Json } from '../../protocol/canonical-json.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import { type SealedColumn, textOf } from '../signer/sealed-columns.ts';
import type { SealContext, Signer } from '../signer/signer.ts';
import type { Database, Query } from '../storage/database.ts';

/** What the CAEP interoperability profile demands; 3,072 bits match the strength of our other keys. */
const RSA = {
  name: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-256',
  modulusLength: 3072,
  publicExponent: new Uint8Array([1, 0, 1]),
};

const publicKeySchema = z.strictObject({ kty: z.literal('RSA'), n: z.string(), e: z.string() });

/** The keys that sign tokens for registered receivers, and nothing else. */
export interface ReceiverKeys {
  /** Makes the first key unless there is one: it takes a second or more, and a receiver’s first signal should not. */
  prepare(): Promise<void>;
  /** `secevent+jwt` over `claims`, RS256, by the newest key. */
  sign(claims: { readonly [name: string]: Json }): Promise<string>;
  /** RFC 7517: all of them, the newest first, so that what an older one signed can still be verified. */
  jwks(): Promise<{ readonly keys: readonly JWK[] }>;
  /** Makes another key, which signs from now on; answers its id. */
  rotate(): Promise<string>;
}

export function createReceiverKeys(deps: {
  readonly database: Database;
  readonly signer: Pick<Signer, 'seal' | 'open'>;
  readonly clock: Clock;
}): ReceiverKeys {
  const { database, signer, clock } = deps;
  let opened: { readonly kid: string; readonly key: CryptoKey } | undefined;

  /** Generated before the transaction: it takes up to a second. Of two processes that make the first, one does. */
  async function make(unlessThereIsOne: boolean): Promise<string> {
    const pair = await crypto.subtle.generateKey(RSA, true, ['sign', 'verify']);
    const { kty, n, e } = await crypto.subtle.exportKey('jwk', pair.publicKey);
    const jwk = publicKeySchema.parse({ kty, n, e });
    const kid = await calculateJwkThumbprint(jwk);
    const sealed = await signer.seal(sealContext(kid), await pkcs8Of(pair.privateKey));
    return database.transaction(async (tx) => {
      const newest = await newestKey(tx);
      if (unlessThereIsOne && newest !== undefined) return newest.kid;
      // Two of one second would have no order.
      const created = Math.max(seconds(clock), (newest?.created ?? 0) + 1);
      await tx
        .insertInto('signal_keys')
        .values({ kid, jwk: JSON.stringify(jwk), sealed, created })
        .execute();
      return kid;
    });
  }

  async function signingKey(): Promise<{ kid: string; key: CryptoKey }> {
    const row = await database.read(newestKey);
    if (row === undefined) {
      await make(true);
      return signingKey();
    }
    if (opened?.kid === row.kid) return opened;
    const pem = new TextDecoder().decode(await signer.open(sealContext(row.kid), row.sealed));
    opened = { kid: row.kid, key: await importPKCS8(pem, 'RS256') };
    return opened;
  }

  return {
    async prepare() {
      await signingKey();
    },
    async sign(claims) {
      const { kid, key } = await signingKey();
      return new CompactSign(utf8(JSON.stringify(claims)))
        .setProtectedHeader({ alg: 'RS256', typ: 'secevent+jwt', kid })
        .sign(key);
    },
    async jwks() {
      const rows = await database.read((query) =>
        query.selectFrom('signal_keys').select(['kid', 'jwk']).orderBy('created', 'desc').execute(),
      );
      const keys = rows.map(({ kid, jwk }) => ({
        ...publicKeySchema.parse(JSON.parse(jwk)),
        ...{ kid, use: 'sig', alg: 'RS256' },
      }));
      return { keys };
    },
    rotate: () => make(false),
  };
}

function newestKey(query: Pick<Query, 'selectFrom'>) {
  return query.selectFrom('signal_keys').selectAll().orderBy('created', 'desc').limit(1).executeTakeFirst();
}

async function pkcs8Of(key: globalThis.CryptoKey): Promise<Uint8Array> {
  const bytes = Buffer.from(await crypto.subtle.exportKey('pkcs8', key)).toString('base64');
  if (bytes === '') throw new CountersignError('internal');
  return utf8(`-----BEGIN PRIVATE KEY-----\n${bytes}\n-----END PRIVATE KEY-----\n`);
}

/** The private halves. */
export const RECEIVER_KEYS: SealedColumn = {
  ...{ table: 'signal_keys', column: 'sealed', key: ['kid'] },
  context: (row) => sealContext(textOf(row, 'kid')),
};

function sealContext(kid: string): SealContext {
  return { kind: 'signal-key', kid };
}
