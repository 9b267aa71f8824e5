import { ed25519 } from '@noble/curves/ed25519.js';
import { decodeBase64url } from '../../../protocol/base64url.ts';
import { utf8 } from '../../../protocol/bytes.ts';
import { type SigningKey, signBytes } from '../../../protocol/ed25519.ts';
import { commit } from '../../../protocol/keytrans/commitment.ts';
import { type LoggedKind, label, vrfInput } from '../../../protocol/keytrans/label.ts';
import { ladderVersions } from '../../../protocol/keytrans/ladder.ts';
import { encodeLogEntry, parseLogEntry } from '../../../protocol/keytrans/log-entry.ts';
import { encodeLogStaple, type LogStaple } from '../../../protocol/keytrans/log-staple.ts';
import { proveFromTree } from '../../../protocol/keytrans/prefix-tree.ts';
import { encodeVersionProof, type VersionProof } from '../../../protocol/keytrans/version-proof-format.ts';
import { type VrfSecret, vrfKeyPair, vrfProve } from '../../../protocol/keytrans/vrf-prove.ts';
import {
  checkpointNote,
  formatCheckpoint,
  type NoteSigner,
  signCheckpoint,
} from '../../../protocol/tlog/checkpoint.ts';
import { cosign } from '../../../protocol/tlog/cosignature.ts';
import { hashLeaf } from '../../../protocol/tlog/merkle.ts';
import { buildProof, inclusionNodes } from '../../../protocol/tlog/merkle-proof.ts';
import { ED25519_COSIGNATURE, formatVerifierKey, verifierKey } from '../../../protocol/tlog/verifier-key.ts';
import { nodeOf, rootOfLeaves } from '../tlog/small-tree.ts';
import { NaiveMap } from './naive-map.ts';

interface LoggedVersion {
  readonly kind: LoggedKind;
  readonly name: string;
  readonly version: number;
  readonly value: Uint8Array;
  readonly opening: Uint8Array;
}

/** Who cosigned, and when. */
export interface Cosignature {
  readonly signer: NoteSigner;
  readonly time: number;
}

/**
 * A key log in memory with real keys, as a bridge keeps one. What it may do wrong is said by each method's parameters:
 * a test lies in one point and in no other.
 */
export class SmallKeyLog {
  readonly origin: string;
  readonly vrf: VrfSecret;
  readonly map = new NaiveMap();
  readonly entries: Uint8Array[] = [];
  readonly #versions: LoggedVersion[] = [];
  #epoch = 0;

  constructor(origin: string, vrf = vrfKeyPair(new Uint8Array(32).fill(7))) {
    this.origin = origin;
    this.vrf = vrf;
    this.entries.push(encodeLogEntry({ kind: 'start', vrfPublicKey: vrf.publicKey }));
  }

  /** Logs a version of a name in the epoch that is open. */
  add(name: string, version: number, value: Uint8Array, kind: LoggedKind = 'address'): void {
    const opening = new Uint8Array(16).fill(version + 1);
    const { output } = vrfProve(this.vrf, vrfInput(label(kind, name), version));
    const commitment = commit({ opening, label: label(kind, name), version, value });
    this.map.add(output, commitment);
    this.entries.push(encodeLogEntry({ kind: 'version', output, commitment }));
    this.#versions.push({ kind, name, version, value, opening });
  }

  /** The same log so far, which can go on otherwise. */
  fork(): SmallKeyLog {
    const other = new SmallKeyLog(this.origin, this.vrf);
    other.entries.splice(0, 1, ...this.entries);
    for (const { output, commitment } of this.map.leaves) other.map.add(output, commitment);
    other.#versions.push(...this.#versions);
    other.#epoch = this.#epoch;
    return other;
  }

  /** Closes the epoch, at `time` in seconds. */
  closeEpoch(time: number, prefixRoot = this.map.root()): void {
    this.#epoch += 1;
    const leaves = this.map.leaves.length;
    const entry = { kind: 'epoch', epoch: this.#epoch, time: time * 1000, leaves, prefixRoot } as const;
    this.entries.push(encodeLogEntry(entry));
  }

  /** The note of the log as it is, or was at `size`. */
  async note(
    signer: NoteSigner,
    cosignatures: readonly Cosignature[] = [],
    size = this.entries.length,
  ): Promise<string> {
    const checkpoint = { origin: this.origin, size, root: rootOfLeaves(this.#leaves().slice(0, size)) };
    const own = await signCheckpoint(signer, checkpoint);
    const text = formatCheckpoint(checkpoint);
    const others = cosignatures.map(({ signer: by, time }) => cosign(by, text, time));
    return checkpointNote(checkpoint, [own, ...(await Promise.all(others))]);
  }

  inclusion(index: number, size = this.entries.length): Uint8Array[] {
    const leaves = this.#leaves();
    return buildProof(inclusionNodes(index, size), (node) => nodeOf(leaves, node));
  }

  /** The parts of the honest proof for `version` as the newest of `name`. */
  parts(checkpoint: string, name: string, version: number, kind: LoggedKind = 'address'): LogStaple {
    const index = this.entries.length - 1;
    const proofs = ladderVersions(version).map((rung) =>
      vrfProve(this.vrf, vrfInput(label(kind, name), rung)),
    );
    const rungs = ladderVersions(version).map((rung, at) => ({
      proof: proofs[at]?.proof ?? new Uint8Array(),
      commitment: rung < version ? this.#commitmentOf(proofs[at]?.output) : undefined,
    }));
    return {
      index,
      epochEntry: this.entries[index] ?? new Uint8Array(),
      epochInclusion: this.inclusion(index),
      checkpoint,
      vrfPublicKey: this.vrf.publicKey,
      startInclusion: this.inclusion(0),
      opening: this.#openingOf(name, version, kind),
      rungs,
      prefixProof: proveFromTree(
        this.map,
        proofs.map(({ output }) => output),
      ),
    };
  }

  staple(checkpoint: string, name: string, version: number, kind: LoggedKind = 'address'): string {
    return encodeLogStaple(this.parts(checkpoint, name, version, kind));
  }

  /** The parts of the honest proof that `version` of `name` has its entry. */
  entryParts(checkpoint: string, name: string, version: number, kind: LoggedKind = 'address'): VersionProof {
    const epoch = this.entries.length - 1;
    const { proof, output } = vrfProve(this.vrf, vrfInput(label(kind, name), version));
    const index = this.entries.findIndex((entry) => {
      const parsed = parseLogEntry(entry);
      return parsed.kind === 'version' && parsed.output.join() === output.join();
    });
    return {
      ...{ index, inclusion: this.inclusion(Math.max(index, 0)), checkpoint },
      ...{ epochEntry: this.entries[epoch] ?? new Uint8Array(), epochInclusion: this.inclusion(epoch) },
      ...{ vrfPublicKey: this.vrf.publicKey, startInclusion: this.inclusion(0) },
      ...{ opening: this.#openingOf(name, version, kind), vrfProof: proof },
    };
  }

  entryProof(checkpoint: string, name: string, version: number, kind: LoggedKind = 'address'): string {
    return encodeVersionProof(this.entryParts(checkpoint, name, version, kind));
  }

  #leaves(): Uint8Array[] {
    return this.entries.map((entry) => hashLeaf(entry));
  }

  #commitmentOf(output: Uint8Array | undefined): Uint8Array | undefined {
    return this.map.leaves.find((leaf) => leaf.output.join() === output?.join())?.commitment;
  }

  #openingOf(name: string, version: number, kind: LoggedKind): Uint8Array {
    const found = this.#versions.find((logged) => {
      return logged.name === name && logged.version === version && logged.kind === kind;
    });
    return found?.opening ?? new Uint8Array(16);
  }
}

/** A note key of this name, the same in every run; the seed may be given, to have one key under two names. */
export function noteSigner(name: string, seed = name): NoteSigner {
  const secret = ed25519.utils.randomSecretKey(seedOf(seed));
  const publicKey = ed25519.getPublicKey(secret);
  return { name, publicKey, sign: async (message) => ed25519.sign(message, secret) };
}

/** The note key that an online key is. */
export function rawSigner(name: string, key: SigningKey): NoteSigner {
  const publicKey = decodeBase64url(key.publicKey.x, 32);
  return { name, publicKey, sign: async (message) => decodeBase64url(await signBytes(key, message), 64) };
}

/** The vkey under which a cosigner is trusted. */
export function cosignerKey({ name, publicKey }: NoteSigner): string {
  return formatVerifierKey(verifierKey(name, ED25519_COSIGNATURE, publicKey));
}

function seedOf(text: string): Uint8Array {
  const seed = new Uint8Array(32);
  seed.set(utf8(text).subarray(0, 32));
  return seed;
}
