import { utf8 } from '../../protocol/bytes.ts';
import { signOnlineKeys } from '../../protocol/online-keys.ts';
import {
  checkpointNote,
  formatCheckpoint,
  logOrigin,
  signCheckpoint,
} from '../../protocol/tlog/checkpoint.ts';
import { hashLeaf } from '../../protocol/tlog/merkle.ts';
import { parseTilePath, placeOf, TILE_WIDTH } from '../../protocol/tlog/tile.ts';
import {
  ED25519_NOTE,
  formatVerifierKey,
  type VerifierKey,
  verifierKey,
} from '../../protocol/tlog/verifier-key.ts';
import { NOW, testKey } from '../protocol/company.ts';
import { rawSigner } from '../protocol/keytrans/small-key-log.ts';
import { nodeOf, rootOfLeaves } from '../protocol/tlog/small-tree.ts';

export const ISSUER = 'https://bridge.acme.example';
export const ORIGIN = logOrigin(ISSUER);
const DAY = 86_400;

export const logKey = await testKey('acme log');
const rootKey = await testKey('acme root');
export const ROOT = rootKey.kid;
export const signer = rawSigner(ORIGIN, logKey);
export const verifier: VerifierKey = verifierKey(ORIGIN, ED25519_NOTE, signer.publicKey);
export const VKEY = formatVerifierKey(verifier);

/** The log's keys, vouched for by the root. */
export function onlineKeys(keys = [logKey], root = rootKey): Promise<string> {
  return signOnlineKeys(root, {
    ...{ iss: ISSUER, serial: 1, iat: NOW, exp: NOW + DAY, compromised: [] },
    keys: keys.map(({ publicKey: jwk }) => ({
      jwk,
      purpose: 'log' as const,
      nbf: NOW - DAY,
      exp: NOW + DAY,
    })),
  });
}

/** One view of a log: all views begin alike, and go on as they are named from entry `from` on. */
export class View {
  readonly leaves: Uint8Array[];

  constructor(size: number, { name = 'honest', from = size } = {}) {
    this.leaves = Array.from({ length: size }, (_, index) =>
      hashLeaf(utf8(index < from ? `entry ${index}` : `${name} ${index}`)),
    );
  }

  root(size = this.leaves.length): Uint8Array {
    return rootOfLeaves(this.leaves.slice(0, size));
  }

  checkpoint(size = this.leaves.length) {
    return { origin: ORIGIN, size, root: this.root(size) };
  }

  async note(size?: number, by = signer): Promise<string> {
    const checkpoint = this.checkpoint(size);
    return checkpointNote(checkpoint, [await signCheckpoint(by, checkpoint)]);
  }

  text(size?: number): string {
    return formatCheckpoint(this.checkpoint(size));
  }

  /** As the log serves it under a path (C2SP tlog-tiles). */
  readonly tile = async (path: string): Promise<Uint8Array | null> => {
    const tile = parseTilePath(path);
    if (tile === undefined || tile.level === 'entries') return null;
    const first = tile.index * TILE_WIDTH;
    const span = TILE_WIDTH ** tile.level;
    if ((first + tile.width) * span > this.leaves.length) return null;
    const level = tile.level * 8;
    const hashes = Array.from({ length: tile.width }, (_, at) =>
      nodeOf(this.leaves, { level, index: first + at }),
    );
    if (placeOf({ level, index: first }).level !== tile.level) throw new Error('unreachable');
    return new Uint8Array(Buffer.concat(hashes));
  };
}
