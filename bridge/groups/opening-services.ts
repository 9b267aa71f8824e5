import type {
  KeyOpening,
  KeyOpeningBody,
  SealedKeyBody,
  SealedKeyReceipt,
  SealedKeysPage,
} from '../../protocol/groups/api.ts';
import type { SealedKey } from '../../protocol/groups/sealed-key.ts';
import type { Holder } from '../binding/holder.ts';
import type { AcceptedRequests } from '../federation/accepted-requests.ts';
import type { BridgeCalls } from '../federation/bridge-calls.ts';
import type { RequestContext } from '../lib/request-context.ts';
import type { Transaction } from '../storage/database.ts';
import type { GroupDeps } from './services.ts';

export interface OpeningDeps extends GroupDeps {
  readonly calls: Pick<BridgeCalls, 'askBridge'>;
  readonly requests: AcceptedRequests;
}

/**
 * Opening sealed keys (PROTOCOL §10): each is transformed to the asking device, over at most three hops. Nothing is
 * released that a restriction of person, device, membership or group overtook (PROTOCOL §8). An opening changes
 * nothing: the same request again is answered as things stand then.
 */
export interface KeyOpenings {
  /**
   * For a device of ours: a key sealed to its person, to a group here, or to one at a partner. Throws
   * `sealed_key_unknown`, `group_unknown` (to whoever takes no part, too), `group_ended`, `group_excluded`,
   * `membership_stale`, `conflict`, `overloaded`, `aborted`, `forbidden`, what `readPublishedAccess` throws, and the
   * partner codes.
   */
  open(who: Holder, body: KeyOpeningBody, context: RequestContext, signal?: AbortSignal): Promise<KeyOpening>;
  /** For a partner's signed request. Throws the same, and what accepting throws. */
  answerPartner(token: string, context: RequestContext, signal?: AbortSignal): Promise<string>;
}

/** A key that a device of ours sealed to a group kept here: to be stored in a transaction of the caller's. */
export interface CheckedSealedKey {
  readonly claims: SealedKey;
  /** Throws `conflict`, and `group_unknown`, `group_ended` where the sealer may not any more. */
  store(transaction: Transaction, context: RequestContext): Promise<void>;
}

/** Keeping sealed keys for their recipients (PROTOCOL §10): at the home of the group, or of the person. */
export interface SealedKeyDeposits {
  /**
   * What the asking device sealed, kept here or brought to the recipient's bridge. The same token again answers the
   * same. Throws `group_unknown`, `group_ended`, `person_unknown`, `person_closed`, `conflict`, `forbidden`, what
   * `checkDeposit` and `readPublishedAccess` throw, and the partner codes.
   */
  deposit(who: Holder, body: SealedKeyBody, context: RequestContext): Promise<SealedKeyReceipt>;
  /** For a partner's signed request. Throws the same, and what verifying the request and its evidence throws. */
  answerPartner(token: string, context: RequestContext): Promise<string>;
  /** What is sealed to a group kept here, for whoever takes part; `after` as the page before said. */
  list(who: Holder, group: string, after: number): Promise<SealedKeysPage>;
  /** Verifies a key for a group kept here, that is stored together with something else. */
  check(
    who: Holder,
    group: string,
    sealed: Pick<SealedKeyBody, 'token' | 'encrypted'>,
  ): Promise<CheckedSealedKey>;
}
