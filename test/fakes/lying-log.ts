import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createPrefixReplay } from '../../bridge/keylog/audit/prefix-replay.ts';
import { sha256 } from '../../bridge/lib/hash.ts';
import { decodeBase64url } from '../../protocol/base64url.ts';
import { generateSigningKey, type SigningKey, signBytes } from '../../protocol/ed25519.ts';
import { signJws } from '../../protocol/jws.ts';
import { encodeLogEntry } from '../../protocol/keytrans/log-entry.ts';
import { signOnlineKeys } from '../../protocol/online-keys.ts';
import {
  checkpointNote,
  logOrigin,
  type NoteSigner,
  signCheckpoint,
} from '../../protocol/tlog/checkpoint.ts';
import { hashLeaf } from '../../protocol/tlog/merkle.ts';
import { type NodeId, rootNodes, rootOf } from '../../protocol/tlog/merkle-proof.ts';
import {
  encodeEntryBundle,
  hashInTile,
  parseTilePath,
  placeOf,
  TILE_WIDTH,
} from '../../protocol/tlog/tile.ts';
import { createNamedFetch } from './named-fetch.ts';
import { createNames } from './names.ts';
import { createThrowawayCa } from './throwaway-ca.ts';

const HOST = 'bridge.acme.example';
const LIFE_S = 86_400;

/** What a closed epoch says instead of the truth. */
export interface EpochLie {
  readonly epoch?: number;
  readonly time?: number;
  readonly leaves?: number;
  readonly prefixRoot?: Uint8Array;
}

/** What is answered for a path below the log: bytes, a status, or nothing that ever ends. */
export type Answer = Uint8Array | string | number | 'hang';

/**
 * A bridge's key log over real HTTPS with real keys, all of it in memory. It is honest until told otherwise: its
 * entries can be changed under it (the tree follows), an epoch can lie, and any answer can be replaced.
 */
export interface LyingLog {
  readonly url: string;
  /** Reaches this log and nothing else. */
  readonly fetch: typeof fetch;
  readonly certificatePem: string;
  /** Thumbprint of the root. */
  readonly root: string;
  readonly origin: string;
  readonly logSigner: NoteSigner;
  /** The log as it is: changed at will; then `publish`. */
  entries: Uint8Array[];
  /** Paths that were asked for, below the host. */
  readonly asked: string[];
  /** Bodies that were posted. */
  readonly posted: string[];
  /** Replaces what is answered under a path below `/log/`. */
  answer: (path: string) => Answer | undefined;
  /** Hears of every request before it is answered. */
  onRequest: () => void;
  /** The status of a posted cosignature. */
  postStatus: number;
  /** Adds so many versions with random outputs and commitments. */
  addVersions(count: number): void;
  /** Closes an epoch over everything added since the last one that the log remembers. */
  closeEpoch(lie?: EpochLie): void;
  /** Adds versions, closes the epoch and publishes. */
  grow(...versions: number[]): Promise<void>;
  /** Signs the newest checkpoint, of all entries or of the first `size`. */
  publish(size?: number): Promise<string>;
  /** Signs a checkpoint of a size that the log does not have. */
  publishClaim(size: number): Promise<string>;
  /** Signs online keys with another root from now on. */
  changeRoot(): Promise<void>;
  /** Signs with another log key from now on, under the same root. */
  changeLogKey(): Promise<void>;
  close(): Promise<void>;
}

/** @param host - a made-up name, or `localhost` for other processes, which must trust `certificatePem` */
export async function startLyingLog(host = HOST): Promise<LyingLog> {
  const ca = await createThrowawayCa();
  const names = createNames();
  names.addHost(host, '127.0.0.1');
  const network = createNamedFetch(names, ca.certificatePem);
  const server = createServer(await ca.issue([host]), (request, response) => void handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `https://${host}:${(server.address() as AddressInfo).port}`;

  let root = await generateSigningKey(true);
  let serial = 1;
  const federation = await generateSigningKey(true);
  let logKey = await generateSigningKey(true);
  const mapOf = createMap();
  let epoch = 0;
  let time = Date.now() - LIFE_S * 1000;
  let checkpoint = '';
  const tiles = createTiles();

  const log: LyingLog = {
    url,
    fetch: network.fetch,
    certificatePem: ca.certificatePem,
    get root() {
      return root.kid;
    },
    origin: logOrigin(url),
    get logSigner() {
      return signerOf(logKey, logOrigin(url));
    },
    entries: [encodeLogEntry({ kind: 'start', vrfPublicKey: randomBytes(32) })],
    asked: [],
    posted: [],
    answer: () => undefined,
    onRequest: () => {},
    postStatus: 204,
    addVersions(count) {
      for (let index = 0; index < count; index++) {
        const [output, commitment] = [randomBytes(32), randomBytes(32)];
        log.entries.push(encodeLogEntry({ kind: 'version', output, commitment }));
      }
    },
    closeEpoch(lie = {}) {
      const map = mapOf(log.entries);
      epoch += 1;
      time += 1_000;
      const truth = { epoch, time, leaves: map.leaves, prefixRoot: map.root() };
      log.entries.push(encodeLogEntry({ kind: 'epoch', ...truth, ...lie }));
    },
    async grow(...versions) {
      for (const count of versions) {
        log.addVersions(count);
        log.closeEpoch();
      }
      await log.publish();
    },
    async publish(size = log.entries.length) {
      tiles.build(log.entries);
      return sign(size, tiles.root(size));
    },
    publishClaim: (size) => sign(size, randomBytes(32)),
    async changeRoot() {
      root = await generateSigningKey(true);
    },
    async changeLogKey() {
      logKey = await generateSigningKey(true);
      serial += 1;
    },
    async close() {
      await network.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };

  async function sign(size: number, treeRoot: Uint8Array): Promise<string> {
    const head = { origin: log.origin, size, root: treeRoot };
    checkpoint = checkpointNote(head, [await signCheckpoint(log.logSigner, head)]);
    return checkpoint;
  }

  async function entityConfiguration(): Promise<string> {
    const now = Math.floor(Date.now() / 1000);
    const life = { nbf: now - LIFE_S, exp: now + LIFE_S };
    const onlineKeys = await signOnlineKeys(root, {
      ...{ iss: url, serial, iat: now, exp: now + LIFE_S, compromised: [] },
      keys: [
        { jwk: federation.publicKey, purpose: 'federation', ...life },
        { jwk: logKey.publicKey, purpose: 'log', ...life },
      ],
    });
    return signJws(federation, 'entity-statement+jwt', {
      ...{ iss: url, sub: url, iat: now, exp: now + LIFE_S },
      jwks: { keys: [{ ...federation.publicKey, kid: federation.kid }] },
      metadata: {
        key_bridge: {
          ...{ organization_name: 'Acme', domains: ['acme.example'] },
          lookup_endpoint: `${url}/federation/v1/lookups`,
          online_keys: onlineKeys,
        },
      },
    });
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '';
    log.asked.push(path);
    log.onRequest();
    if (path === '/.well-known/openid-federation') {
      response.end(await entityConfiguration());
      return;
    }
    const below = path.replace(/^\/log\//, '');
    if (request.method === 'POST') {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      log.posted.push(Buffer.concat(chunks).toString());
      response.writeHead(log.postStatus).end();
      return;
    }
    const answer =
      log.answer(below) ?? (below === 'checkpoint' ? checkpoint : tiles.read(below, log.entries));
    if (answer === 'hang') {
      response.writeHead(200);
      response.write('it begins');
    } else if (typeof answer === 'number') response.writeHead(answer).end();
    else response.end(answer);
  }

  return log;
}

function signerOf(key: SigningKey, name: string): NoteSigner {
  return {
    name,
    publicKey: decodeBase64url(key.publicKey.x, 32),
    sign: async (message) => decodeBase64url(await signBytes(key, message)),
  };
}

/** The map that a list of entries builds: grown with the list, made anew where the list lost or moved entries. */
function createMap() {
  let map = createPrefixReplay();
  let taken = 0;
  let last: Uint8Array | undefined;
  return (entries: readonly Uint8Array[]) => {
    if (entries[taken - 1] !== last) {
      map = createPrefixReplay();
      taken = 0;
    }
    for (const entry of entries.slice(taken)) {
      if (entry[0] === 1 && entry.length === 65) map.add(entry.subarray(1, 33), entry.subarray(33));
    }
    taken = entries.length;
    last = entries.at(-1);
    return map;
  };
}

/** The tiles of hashes over a list of entries, level by level. */
function createTiles() {
  let levels: Uint8Array[][] = [];

  function build(entries: readonly Uint8Array[]): void {
    levels = [entries.map((entry) => hashLeaf(entry, sha256))];
    for (let below = levels[0]; below !== undefined && below.length >= TILE_WIDTH; below = levels.at(-1)) {
      const above: Uint8Array[] = [];
      for (let index = 0; index + TILE_WIDTH <= below.length; index += TILE_WIDTH) {
        const tile = Buffer.concat(below.slice(index, index + TILE_WIDTH));
        above.push(rootOfTile(tile));
      }
      levels.push(above);
    }
  }

  /** The root over a full tile: its two halves are nodes of level 7. */
  function rootOfTile(tile: Uint8Array): Uint8Array {
    const halves = [0, 1].map((index) => hashInTile(tile, { level: 7, index }, sha256));
    return rootOf(halves, sha256);
  }

  function tile(level: number, index: number, width: number): Uint8Array | undefined {
    const hashes = levels[level]?.slice(index * TILE_WIDTH, index * TILE_WIDTH + width) ?? [];
    return hashes.length === width ? Buffer.concat(hashes) : undefined;
  }

  function hashOf(node: NodeId): Uint8Array {
    const { level, index } = placeOf(node);
    const hashes = levels[level]?.slice(index * TILE_WIDTH, (index + 1) * TILE_WIDTH) ?? [];
    return hashInTile(Buffer.concat(hashes), node, sha256);
  }

  return {
    build,
    root: (size: number) => rootOf(rootNodes(size).map(hashOf), sha256),
    read(path: string, entries: readonly Uint8Array[]): Answer {
      const wanted = parseTilePath(path);
      if (wanted === undefined) return 404;
      const { level, index, width } = wanted;
      if (level !== 'entries') return tile(level, index, width) ?? 404;
      const bundle = entries.slice(index * TILE_WIDTH, index * TILE_WIDTH + width);
      return bundle.length === width ? encodeEntryBundle(bundle) : 404;
    },
  };
}
