import { CountersignError, isCountersignError } from '../errors.ts';
import type { Member } from './api.ts';
import type { EphemeralKey } from './hpke.ts';
import { UNPLACED_MESSAGES } from './limits.ts';
import { followRekey, type MemberPath, openEpochKey } from './member-path.ts';
import { checkOrder } from './message-order.ts';
import { openPlacement, placementHash } from './placement.ts';
import type { Joined, Rekey, RekeyMessage } from './rekey-message.ts';
import { type Device, Roster, type RosterDraft, rosterOf } from './roster.ts';

export interface MemberOptions {
  readonly group: string;
  /** The home of the group and so of its admins. */
  readonly iss: string;
  /** `sub`s of the admins in the newest verified `group-key+jwt`: only they may host. */
  readonly admins: readonly string[];
  readonly self: Device;
}

/**
 * `placed`: the tree gives each new key. `unplaced`: not yet, or the place was lost: the sealed key is for this.
 * `departed`: the host has taken this device out.
 */
export type MemberStatus = 'unplaced' | 'placed' | 'departed';

/** What a message brought. */
export interface ReceivedRekey {
  readonly term: number;
  readonly epoch: number;
  /** 32 bytes; null where this device has no place (yet): open the sealed key of this id, where there is one. */
  readonly key: Uint8Array | null;
  readonly keyId: string | null;
  readonly commitment: string | null;
  /** For presence proofs of this epoch. */
  readonly challenge: string;
  readonly joined: readonly Member[];
  /** Empty where this member does not know who was there. */
  readonly left: readonly Member[];
  /** Another host, or the same one anew: all places are gone, and everybody proves their presence again. */
  readonly isNewTerm: boolean;
}

/** A place of this device whose box has not come yet, and what was received since. */
interface AwaitedPlace {
  readonly hash: string;
  readonly claims: Rekey;
  readonly entry: Joined;
  readonly since: readonly Rekey[];
}

/** Everything that a message changes at once. */
interface MemberState {
  readonly head: RekeyMessage | undefined;
  readonly status: MemberStatus;
  readonly path: MemberPath | undefined;
  readonly awaited: AwaitedPlace | undefined;
}

/** Presence proofs that may be on the way at the same time. */
const EPHEMERALS_KEPT = 4;
/** Boxes that may come before their messages. */
const EARLY_BOXES_KEPT = 4;

/**
 * A participant's side of the tree (PROTOCOL §11). A message is checked whole before it changes anything: one that is
 * refused leaves the member as it was. Calls run one after another.
 */
export class MeetingMember {
  readonly #options: MemberOptions;
  #admins: ReadonlySet<string>;
  #least = { v: 1, term: 0, epoch: 0 };
  #state: MemberState = { head: undefined, status: 'unplaced', path: undefined, awaited: undefined };
  /** Undefined for one who came later, until a list of members was adopted. */
  #roster: Roster | undefined;
  #ephemerals: readonly EphemeralKey[] = [];
  readonly #earlyBoxes = new Map<string, string>();
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: MemberOptions) {
    this.#options = options;
    this.#admins = new Set(options.admins);
  }

  get status(): MemberStatus {
    return this.#state.status;
  }

  /** The newest message. */
  get head(): RekeyMessage | undefined {
    return this.#state.head;
  }

  /** Everybody with a place, by leaf; null while this member does not know it. */
  get members(): readonly Member[] | null {
    return this.#roster?.members() ?? null;
  }

  /** The group has other admins now. */
  setAdmins(admins: readonly string[]): void {
    this.#admins = new Set(admins);
  }

  /** The ephemeral key of a presence proof that is being sent: places come sealed to it. The last four count. */
  expectPlacement(ephemeral: EphemeralKey): void {
    this.#ephemerals = [ephemeral, ...this.#ephemerals].slice(0, EPHEMERALS_KEPT);
  }

  /**
   * The next message. Throws, and stays as it was: `rekey_sender` for a host that may not be, or is another than the
   * term's; `rekey_replayed` for one that is not newer; `rekey_gap`; `rekey_mismatch` for everything else that does not
   * fit what is known.
   */
  async receive(message: RekeyMessage): Promise<ReceivedRekey> {
    return this.#inTurn(async () => {
      const { claims } = message;
      const expected = { ...this.#options, admins: this.#admins, least: this.#least };
      const isNewTerm = checkOrder(message, this.#state.head, expected);
      const roster = this.#draftRoster(claims, isNewTerm);
      const { state, key } = await this.#next(message, isNewTerm);
      this.#state = state;
      this.#least = { v: claims.v, term: claims.term, epoch: claims.epoch };
      if (isNewTerm || claims.prev === null) this.#roster = new Roster();
      if (roster !== undefined) this.#roster?.apply(roster);
      const placed = await this.#takeEarlyBox();
      return {
        ...{ term: claims.term, epoch: claims.epoch, key: placed?.key ?? key },
        ...{ keyId: claims.key_id, commitment: claims.commitment, challenge: claims.challenge },
        joined: claims.change.joined.map(({ placement: _box, ...member }) => member),
        left: roster?.left ?? [],
        isNewTerm,
      };
    });
  }

  /**
   * The box of this device's place, which the message of this hash announces; it may come before the message. Answers
   * the newest epoch's key, or null when there is nothing to open yet. Throws `rekey_mismatch`.
   */
  async place(hash: string, box: string): Promise<{ epoch: number; key: Uint8Array } | null> {
    return this.#inTurn(async () => {
      if (this.#state.awaited?.hash === hash) return this.#openBox(this.#state.awaited, box);
      this.#earlyBoxes.set(hash, box);
      for (const oldest of this.#earlyBoxes.keys()) {
        if (this.#earlyBoxes.size <= EARLY_BOXES_KEPT) break;
        this.#earlyBoxes.delete(oldest);
      }
      return null;
    });
  }

  /**
   * Takes the list of members that a bridge keeps, for one who came later. Throws `rekey_mismatch` unless it is the one
   * that the host's newest message commits to.
   */
  async adoptMembers(members: readonly Member[]): Promise<void> {
    return this.#inTurn(async () => {
      const claims = this.#state.head?.claims;
      if (claims === undefined) throw new CountersignError('rekey_gap', 'there is no message yet');
      const roster = rosterOf(members, claims.levels);
      if (roster.root !== claims.members) {
        throw new CountersignError('rekey_mismatch', 'these are not the members of the newest message');
      }
      this.#roster = roster;
    });
  }

  /** Forgets the tree and its members, after a gap: the next message, if it is no older one, counts as the first again. */
  async restart(): Promise<void> {
    return this.#inTurn(async () => {
      this.#state = { head: undefined, status: 'unplaced', path: undefined, awaited: undefined };
      this.#roster = undefined;
    });
  }

  #inTurn<Result>(act: () => Promise<Result>): Promise<Result> {
    const result = this.#turn.then(act);
    this.#turn = result.catch(() => undefined);
    return result;
  }

  /** What becomes of the members, held against the root; undefined where they are not known. Changes nothing. */
  #draftRoster({ change, levels, members, prev }: Rekey, isNewTerm: boolean): RosterDraft | undefined {
    const roster = isNewTerm || prev === null ? new Roster() : this.#roster;
    if (levels < (isNewTerm ? 0 : (this.#state.head?.claims.levels ?? 0))) {
      throw new CountersignError('rekey_mismatch', 'the tree has shrunk');
    }
    const joined = change.joined.map(({ placement: _box, ...member }) => member);
    const draft = roster?.draft({ left: change.left, joined, levels });
    if (draft !== undefined && draft.root !== members) {
      throw new CountersignError('rekey_mismatch', 'the members are not those of the message');
    }
    return draft;
  }

  async #next(
    message: RekeyMessage,
    isNewTerm: boolean,
  ): Promise<{ state: MemberState; key: Uint8Array | null }> {
    const { claims, hash } = message;
    const { status, path, awaited } = this.#state;
    const before = isNewTerm ? undefined : path;
    const isOut = before !== undefined && claims.change.left.includes(before.leaf);
    const after = isOut ? undefined : before && (await followRekey(before, claims));
    const key = after === undefined ? null : await openEpochKey(after, claims);
    const entry = claims.change.joined.find(({ device_id }) => device_id === this.#options.self.device_id);
    if (entry !== undefined) {
      this.#assertOwn(entry, after);
      const place = { hash, claims, entry, since: [] };
      return { state: { head: message, status: 'unplaced', path: undefined, awaited: place }, key: null };
    }
    const pending = isNewTerm ? undefined : stillAwaited(awaited, claims);
    const wasAwaited = !isNewTerm && awaited !== undefined && claims.change.left.includes(awaited.entry.leaf);
    const isDeparted = isOut || wasAwaited || (status === 'departed' && !isNewTerm);
    const next = isDeparted ? 'departed' : after === undefined ? 'unplaced' : 'placed';
    return { state: { head: message, status: next, path: after, awaited: pending }, key };
  }

  #assertOwn({ iss, sub }: Joined, path: MemberPath | undefined): void {
    const { self } = this.#options;
    if (iss !== self.iss || sub !== self.sub) {
      throw new CountersignError('rekey_mismatch', 'this device stands under another person');
    }
    if (path !== undefined) throw new CountersignError('rekey_mismatch', 'this device would have two places');
  }

  async #takeEarlyBox(): Promise<{ key: Uint8Array } | undefined> {
    const { awaited } = this.#state;
    const box = awaited && this.#earlyBoxes.get(awaited.hash);
    if (awaited === undefined || box === undefined) return undefined;
    this.#earlyBoxes.delete(awaited.hash);
    try {
      return await this.#openBox(awaited, box);
    } catch (error) {
      // The message itself is good; whoever sent the box cannot make this device lose it.
      if (!isCountersignError(error)) throw error;
      return undefined;
    }
  }

  async #openBox(awaited: AwaitedPlace, box: string): Promise<{ epoch: number; key: Uint8Array }> {
    const { claims, entry } = awaited;
    if (placementHash(box) !== entry.placement) {
      throw new CountersignError('rekey_mismatch', 'the placement is not the one of the message');
    }
    let path = await this.#openWithAny(awaited, box);
    let newest = claims;
    let key = await openEpochKey(path, claims);
    for (const later of awaited.since) {
      path = await followRekey(path, later);
      key = await openEpochKey(path, later);
      newest = later;
    }
    this.#state = { ...this.#state, status: 'placed', path, awaited: undefined };
    return { epoch: newest.epoch, key };
  }

  async #openWithAny({ claims, entry }: AwaitedPlace, box: string): Promise<MemberPath> {
    const place = { ...claims, ...entry };
    for (const ephemeral of this.#ephemerals) {
      try {
        return await openPlacement(box, place, claims.levels, ephemeral);
      } catch (error) {
        if (!isCountersignError(error, 'rekey_mismatch')) throw error;
      }
    }
    throw new CountersignError('rekey_mismatch', 'the placement is for another key');
  }
}

/** A place stays awaited while its leaf is not freed and not too much has come since. */
function stillAwaited(awaited: AwaitedPlace | undefined, claims: Rekey): AwaitedPlace | undefined {
  if (awaited === undefined || claims.change.left.includes(awaited.entry.leaf)) return undefined;
  if (awaited.since.length === UNPLACED_MESSAGES) return undefined;
  return { ...awaited, since: [...awaited.since, claims] };
}
