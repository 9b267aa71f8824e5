import { decodeBase64url, encodeBase64url } from '../base64url.ts';
import type { SigningKey } from '../ed25519.ts';
import { CountersignError, type ErrorCode, isCountersignError } from '../errors.ts';
import { sha256Base64url } from '../hash.ts';
import type { Placement } from './api.ts';
import { type Encapsulation, encapsulate } from './hpke.ts';
import { CHALLENGES_KEPT, REKEY_DEPARTURES, REKEY_JOINS } from './limits.ts';
import { placementHash, sealPlacement } from './placement.ts';
import { type Joined, type Rekey, type RekeyMessage, signRekey } from './rekey-message.ts';
import { type Device, Roster, type RosterDraft } from './roster.ts';
import { type ChangedKeys, changeTree } from './tree-change.ts';
import { type Derivation, deriveKey, randomKey, wrapKey } from './tree-keys.ts';
import { ancestorOf, levelsFor, lowestFreeLeaves, rootOf, type TreeNode } from './tree-shape.ts';
import { encodeWraps } from './wrap-list.ts';

/** Who hosts which meeting, and what went before. */
export interface HostOptions {
  readonly group: string;
  readonly iss: string;
  readonly sub: string;
  /** The host's device. */
  readonly device: SigningKey;
  /** The newest message, verified, for a take-over (also of one's own meeting, after a restart); null for the first. */
  readonly after: RekeyMessage | null;
}

/** A device whose presence the host has verified. */
export interface Newcomer extends Device {
  /** `ephemeral.x` of its presence proof. */
  readonly ephemeral: string;
}

/** A new epoch's key that is derived from a plaintext sealed to the group under this id. */
export interface SealedSecret {
  /** 32 bytes. */
  readonly key: Uint8Array;
  readonly keyId: string;
  readonly commitment: string;
}

/** One that only those with a place get: whom the host admits under the statement of this hash. */
export interface AdmittedSecret {
  /** 32 bytes. */
  readonly key: Uint8Array;
  readonly admission: string;
}

export type EpochSecret = SealedSecret | AdmittedSecret;

export interface MembersChange {
  /** At most 200. */
  readonly joined: readonly Newcomer[];
  /** Device ids, at most 200; one without a place has nothing to lose here. Who is in both lists has left. */
  readonly left: readonly string[];
}

/** A message that is ready to be sent. It is the host's state once it was accepted: `commit`. */
export interface PreparedRekey {
  readonly token: string;
  readonly claims: Rekey;
  /** sha256 of the token. */
  readonly hash: string;
  readonly placements: readonly Placement[];
  /** Newcomers who get no place, with the reason: they prove their presence anew, or never get one. */
  readonly refused: readonly { readonly newcomer: Newcomer; readonly code: ErrorCode }[];
}

interface Draft {
  readonly base: string | null;
  readonly keys: ChangedKeys;
  readonly roster: RosterDraft;
  readonly ephemerals: readonly string[];
}

interface Admitted {
  readonly newcomer: Newcomer;
  readonly encapsulation: Encapsulation;
}

/**
 * A meeting's key server in one term (PROTOCOL §11): the tree of keys, and who has which place in it. It begins empty: a
 * take-over restores nothing, and everybody is placed anew.
 */
export class MeetingHost {
  readonly term: number;
  readonly #options: HostOptions;
  readonly #roster = new Roster();
  readonly #keys = new Map<TreeNode, Uint8Array>();
  readonly #challenges = new Map<number, string>();
  /** Of everybody who ever got a place: a presence proof places its device once, however often it is relayed. */
  readonly #ephemerals = new Set<string>();
  readonly #drafts = new WeakMap<PreparedRekey, Draft>();
  #epoch: number;
  #head: string | null;

  private constructor(options: HostOptions) {
    this.#options = options;
    this.term = (options.after?.claims.term ?? 0) + 1;
    this.#epoch = options.after?.claims.epoch ?? 0;
    this.#head = options.after?.hash ?? null;
  }

  /** Begins a term. Throws `rekey_mismatch` when the message before is of another meeting. */
  static begin(options: HostOptions): MeetingHost {
    const before = options.after?.claims;
    if (before !== undefined && (before.group !== options.group || before.iss !== options.iss)) {
      throw new CountersignError('rekey_mismatch', 'the message before is of another meeting');
    }
    return new MeetingHost(options);
  }

  /** The epoch of the newest message that was committed; of the term before, or 0, while there is none. */
  get epoch(): number {
    return this.#epoch;
  }

  /** sha256 of that message. */
  get head(): string | null {
    return this.#head;
  }

  /** Everybody with a place, with their leaves. */
  get roster(): Pick<Roster, 'size' | 'levels' | 'root' | 'members' | 'at' | 'leafOf'> {
    return this.#roster;
  }

  /** The challenge of a recent epoch of this term, for presence proofs that were made in it. */
  challenge(epoch: number): string | undefined {
    return this.#challenges.get(epoch);
  }

  /**
   * The message of the next epoch, with the places of newcomers. Nothing changes before `commit`; a draft that is never
   * committed may be made anew, and shares no derived key with the one before. Throws `claims_invalid` for lists that
   * are too long or a key that is not 32 bytes, and `tree_full`.
   */
  async prepare(change: MembersChange, secret: EpochSecret, now: number): Promise<PreparedRekey> {
    assertSizes(change, secret);
    const { admitted, refused } = await this.#admit(change);
    const base = this.#head;
    const left = this.#freedLeaves(change.left, admitted);
    const { members, levels } = this.#assignPlaces(admitted, left);
    const roster = this.#roster.draft({ left, joined: members, levels });
    const derivation = this.#nextDerivation();
    const joined = members.map(({ leaf }) => leaf);
    const leaves = { left, joined, oldLevels: this.#roster.levels, levels };
    const { keys, wraps } = await changeTree(this.#keys, leaves, derivation);
    const keyOf = (node: TreeNode) => (keys.has(node) ? keys.get(node) : this.#keys.get(node)) ?? undefined;
    const placed = await Promise.all(
      admitted.map(async ({ newcomer, encapsulation }, index) =>
        place(newcomer, encapsulation, joined[index] ?? 0, levels, derivation, keyOf),
      ),
    );
    const { group, term, epoch, challenge } = derivation;
    const { iss, sub } = this.#options;
    const before = { iss, sub, group, term, epoch, prev: base, members: roster.root, levels, challenge };
    const after = {
      change: { joined: placed.map(({ entry }) => entry), left },
      wraps: wraps.length === 0 ? null : encodeBase64url(encodeWraps(wraps)),
      epoch_key: await wrapEpochKey(keyOf(rootOf(levels)), levels, secret.key, derivation),
      iat: now,
    };
    const claims: Rekey =
      'admission' in secret
        ? { v: 2, ...before, key_id: null, commitment: null, admission: secret.admission, ...after }
        : { v: 1, ...before, key_id: secret.keyId, commitment: secret.commitment, ...after };
    const token = await signRekey(this.#options.device, claims);
    const placements = placed.map(({ placement }) => placement);
    const prepared = { token, claims, hash: sha256Base64url(token), placements, refused };
    const ephemerals = admitted.map(({ newcomer }) => newcomer.ephemeral);
    this.#drafts.set(prepared, { base, keys, roster, ephemerals });
    return prepared;
  }

  /** The message was accepted. Throws `conflict` for one that does not continue the newest. */
  commit(prepared: PreparedRekey): void {
    const draft = this.#drafts.get(prepared);
    if (draft === undefined || draft.base !== this.#head) throw new CountersignError('conflict');
    this.#drafts.delete(prepared);
    for (const [node, key] of draft.keys) {
      if (key === null) this.#keys.delete(node);
      else this.#keys.set(node, key);
    }
    this.#roster.apply(draft.roster);
    for (const ephemeral of draft.ephemerals) this.#ephemerals.add(ephemeral);
    const { epoch, challenge } = prepared.claims;
    this.#challenges.set(epoch, challenge);
    this.#challenges.delete(epoch - CHALLENGES_KEPT);
    this.#epoch = epoch;
    this.#head = prepared.hash;
  }

  #nextDerivation(): Derivation {
    return {
      group: this.#options.group,
      term: this.term,
      epoch: this.#epoch + 1,
      challenge: encodeBase64url(randomKey()),
    };
  }

  /** Who gets a place: one newcomer whose key cannot be used must not keep the others out. */
  async #admit({ joined, left }: MembersChange): Promise<{
    admitted: Admitted[];
    refused: { newcomer: Newcomer; code: ErrorCode }[];
  }> {
    const leaving = new Set(left);
    const seen = new Set<string>();
    const admitted: Admitted[] = [];
    const refused: { newcomer: Newcomer; code: ErrorCode }[] = [];
    let room = REKEY_DEPARTURES - left.filter((device) => this.#roster.leafOf(device) !== undefined).length;
    for (const newcomer of joined) {
      const { device_id, ephemeral } = newcomer;
      const isRepeat = this.#ephemerals.has(ephemeral) || seen.has(ephemeral) || seen.has(device_id);
      const isPlaced = this.#roster.leafOf(device_id) !== undefined;
      if (isRepeat || leaving.has(device_id) || (isPlaced && room === 0)) {
        refused.push({ newcomer, code: isRepeat ? 'replayed' : 'conflict' });
        continue;
      }
      seen.add(ephemeral).add(device_id);
      try {
        admitted.push({ newcomer, encapsulation: await encapsulate(decodeBase64url(ephemeral, 32)) });
        if (isPlaced) room -= 1;
      } catch (error) {
        if (!isCountersignError(error)) throw error;
        refused.push({ newcomer, code: error.code });
      }
    }
    return { admitted, refused };
  }

  /** Of those who leave, and of those who come again and so get a place anew. */
  #freedLeaves(left: readonly string[], admitted: readonly Admitted[]): number[] {
    const devices = new Set([...left, ...admitted.map(({ newcomer }) => newcomer.device_id)]);
    return [...devices].map((device) => this.#roster.leafOf(device)).filter((leaf) => leaf !== undefined);
  }

  #assignPlaces(admitted: readonly Admitted[], left: readonly number[]) {
    const freed = new Set(left);
    const isTaken = (leaf: number) => this.#roster.at(leaf) !== undefined && !freed.has(leaf);
    const leaves = lowestFreeLeaves(admitted.length, isTaken);
    const members = admitted.map(({ newcomer: { iss, sub, device_id } }, index) => ({
      ...{ leaf: leaves[index] ?? 0, iss, sub, device_id },
    }));
    return { members, levels: levelsFor((leaves.at(-1) ?? 0) + 1, this.#roster.levels) };
  }
}

function assertSizes({ joined, left }: MembersChange, { key }: EpochSecret): void {
  if (joined.length > REKEY_JOINS || left.length > REKEY_DEPARTURES) {
    throw new CountersignError('claims_invalid', 'more than one message takes');
  }
  if (key.length !== 32) throw new CountersignError('claims_invalid', 'the epoch’s key is not 32 bytes');
}

async function place(
  { iss, sub, device_id }: Newcomer,
  encapsulation: Encapsulation,
  leaf: number,
  levels: number,
  derivation: Derivation,
  keyOf: (node: TreeNode) => Uint8Array | undefined,
): Promise<{ entry: Joined; placement: Placement }> {
  const keys = Array.from({ length: levels + 1 }, (_, level) => {
    const key = keyOf(ancestorOf(leaf, level));
    if (key === undefined) throw new CountersignError('internal', 'a node above a newcomer has no key');
    return key;
  });
  const box = await sealPlacement(encapsulation, { ...derivation, leaf, iss, sub, device_id }, keys);
  return {
    entry: { leaf, iss, sub, device_id, placement: placementHash(box) },
    placement: { device_id, iss, box },
  };
}

async function wrapEpochKey(
  root: Uint8Array | undefined,
  levels: number,
  key: Uint8Array,
  derivation: Derivation,
): Promise<string | null> {
  if (root === undefined) return null;
  return encodeBase64url(await wrapKey(deriveKey(root, 'epoch', rootOf(levels), derivation), key));
}
