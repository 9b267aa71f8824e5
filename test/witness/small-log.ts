import type { ShownLog } from '../../bridge/tlog/witness-client.ts';
import { decodeBase64url } from '../../protocol/base64url.ts';
import { equalBytes, utf8 } from '../../protocol/bytes.ts';
import { generateSigningKey, signBytes } from '../../protocol/ed25519.ts';
import {
  checkpointNote,
  type NoteSigner,
  parseCheckpoint,
  signCheckpoint,
} from '../../protocol/tlog/checkpoint.ts';
import { hashLeaf, hashNode } from '../../protocol/tlog/merkle.ts';
import {
  buildProof,
  consistencyNodes,
  type NodeId,
  rootNodes,
  rootOf,
} from '../../protocol/tlog/merkle-proof.ts';
import { parseNote } from '../../protocol/tlog/signed-note.ts';
import {
  ED25519_NOTE,
  formatVerifierKey,
  type VerifierKey,
  verifierKey,
} from '../../protocol/tlog/verifier-key.ts';
import { formatAddCheckpoint } from '../../protocol/tlog/witness-protocol.ts';

/** Some log, of anybody: entries in memory, real hashes and signatures. */
export interface SmallLog {
  readonly origin: string;
  readonly key: VerifierKey;
  readonly vkey: string;
  readonly size: number;
  append(...entries: string[]): void;
  /** The checkpoint of the first `size` entries, signed. */
  note(size?: number): Promise<string>;
  consistencyProof(oldSize: number, newSize?: number): Uint8Array[];
  /** The body of add-checkpoint for the log as it is now. */
  request(oldSize: number): Promise<string>;
  /** Another log with the same key, which went another way after the first `size` entries. */
  fork(size: number, ...entries: string[]): SmallLog;
}

/** A key of its own, as WebCrypto makes it. */
export async function noteSigner(name: string): Promise<NoteSigner> {
  const key = await generateSigningKey(false);
  return {
    name,
    publicKey: decodeBase64url(key.publicKey.x, 32),
    sign: async (message) => decodeBase64url(await signBytes(key, message), 64),
  };
}

/** A log with `size` entries. */
export async function smallLog(origin: string, size = 0): Promise<SmallLog> {
  return logOf(
    await noteSigner(origin),
    Array.from({ length: size }, (_, index) => `entry ${index}`),
  );
}

/** The log as witnesses are shown it; `log` says which it is now. */
export function shownSmallLog(log: () => SmallLog): ShownLog {
  return {
    log: 'keys',
    owned: {
      get origin() {
        return log().origin;
      },
      logKeys: () => [log().key],
    },
    newest: async () => (log().size === 0 ? undefined : { size: log().size, note: await log().note() }),
    consistencyProof: async (_query, oldSize, newSize) => log().consistencyProof(oldSize, newSize),
    async standingOf(_query, { size, root }) {
      if (size > log().size) return 'beyond';
      const ours = parseCheckpoint(parseNote(await log().note(size)).text);
      return equalBytes(ours.root, root) ? 'contained' : 'another';
    },
  };
}

function logOf(signer: NoteSigner, entries: string[]): SmallLog {
  const key = verifierKey(signer.name, ED25519_NOTE, signer.publicKey);
  const hashOf = ({ level, index }: NodeId): Uint8Array =>
    level === 0
      ? hashLeaf(utf8(entries[index] ?? ''))
      : hashNode(
          hashOf({ level: level - 1, index: 2 * index }),
          hashOf({ level: level - 1, index: 2 * index + 1 }),
        );
  const log: SmallLog = {
    origin: signer.name,
    key,
    vkey: formatVerifierKey(key),
    get size() {
      return entries.length;
    },
    append: (...added) => void entries.push(...added),
    async note(size = entries.length) {
      const checkpoint = { origin: signer.name, size, root: rootOf(rootNodes(size).map(hashOf)) };
      return checkpointNote(checkpoint, [await signCheckpoint(signer, checkpoint)]);
    },
    consistencyProof: (oldSize, newSize = entries.length) =>
      buildProof(consistencyNodes(oldSize, newSize), hashOf),
    async request(oldSize) {
      const proof = oldSize > entries.length ? [] : log.consistencyProof(oldSize);
      return formatAddCheckpoint({ oldSize, proof, checkpoint: await log.note() });
    },
    fork: (size, ...added) => logOf(signer, [...entries.slice(0, size), ...added]),
  };
  return log;
}
