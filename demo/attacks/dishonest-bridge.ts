import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { text } from 'node:stream/consumers';
import { ENTITY_CONFIGURATION_PATH, LOOK_UP_PATH } from '../../bridge/federation/entity-configuration.ts';
import { systemClock } from '../../bridge/lib/clock.ts';
import { openLocalSigner } from '../../bridge/signer/local-signer.ts';
import type { Signer } from '../../bridge/signer/signer.ts';
import { openDatabase } from '../../bridge/storage/open-storage.ts';
import {
  type Credential,
  decodeClaims,
  type Json,
  lookUpRequestSchema,
  sha256Base64url,
  thumbprint,
} from '../../protocol/index.ts';
import type { Company } from '../stage/company.ts';
import { readConfig } from '../stage/start-company.ts';

/** What the dishonest bridge says; where nothing is set, it answers that there is nothing. */
export interface Lies {
  /** For every address that it is asked for. */
  credential?: Credential;
  /** The domains that it claims to speak for. */
  domains?: readonly string[];
}

/** A bridge whose operator has turned dishonest: it has the company's real address, certificate and online keys. */
export interface DishonestBridge {
  /** The stolen keys. */
  readonly signer: Signer;
  lies: Lies;
  close(): Promise<void>;
}

const MINUTE = 60;

/** Takes the place of the company's bridge, which must be stopped. */
export async function startDishonestBridge(company: Company): Promise<DishonestBridge> {
  const config = readConfig(company.configPath);
  const database = await openDatabase(config.storage, systemClock);
  const kek = new Uint8Array(Buffer.from(config.signer.key_encryption_key.reveal(), 'base64url'));
  const signer = await openLocalSigner({
    ...{ database, keyEncryptionKey: kek, iss: company.issuer, clock: systemClock },
  });
  const server = createServer(await readTls(config.listen.tls));
  const bridge: DishonestBridge = {
    signer,
    lies: {},
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await database.close();
    },
  };
  server.on('request', (request, response) => {
    answer(bridge, request, response).catch(() => response.destroy());
  });
  await listen(server, company.port);
  return bridge;
}

async function answer(
  bridge: DishonestBridge,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method === 'POST' && request.url === LOOK_UP_PATH) {
    response.end(await answerLookUp(bridge, await text(request)));
  } else if (request.url === ENTITY_CONFIGURATION_PATH) {
    response.end(await describeItself(bridge));
  } else {
    response.writeHead(404).end();
  }
}

/** In everything but the content, the answer is as an honest bridge gives it: to this request, fresh, signed. */
async function answerLookUp({ signer, lies }: DishonestBridge, request: string): Promise<string> {
  const { iss, jti, addresses } = decodeClaims(request.trim(), 'key-lookup-request+jwt', lookUpRequestSchema);
  const now = Math.floor(systemClock.now() / 1000);
  const results = addresses.map((address) => {
    const head = { address, source: 'own' as const, iss: signer.iss, as_of: now };
    return lies.credential === undefined
      ? { ...head, status: 'not_found' as const }
      : { ...head, status: 'credential' as const, credential: { ...lies.credential } };
  });
  const claims = { iss: signer.iss, aud: iss, jti, request_hash: sha256Base64url(request), results };
  const times = { iat: now, exp: now + MINUTE };
  return signer.sign('federation', 'key-lookup-response+jwt', asJson({ ...claims, ...times }));
}

/** Without the members that are absent. */
function asJson(claims: object): Json {
  return JSON.parse(JSON.stringify(claims));
}

async function describeItself({ signer, lies }: DishonestBridge): Promise<string> {
  const now = Math.floor(systemClock.now() / 1000);
  const key = signer.currentKey('federation');
  return signer.sign('federation', 'entity-statement+jwt', {
    iss: signer.iss,
    sub: signer.iss,
    iat: now,
    exp: now + MINUTE,
    jwks: { keys: [{ ...key, kid: thumbprint(key) }] },
    metadata: {
      key_bridge: {
        organization_name: 'Globex',
        domains: [...(lies.domains ?? [])],
        lookup_endpoint: signer.iss + LOOK_UP_PATH,
        online_keys: signer.onlineKeysToken(),
      },
    },
  });
}

async function readTls(files: { certificate_file: string; key_file: string } | undefined) {
  if (files === undefined) throw new TypeError('the bridges of the story end TLS themselves');
  return { cert: await readFile(files.certificate_file), key: await readFile(files.key_file) };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', resolve);
  });
}
