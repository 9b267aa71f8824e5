import type { Assurance } from '../../protocol/claims.ts';
import type { RecipientRules } from './content/recipients.ts';
import type { Action, Decide } from './decision.ts';

/** How long things live, as the policy in force says; in seconds. */
export interface Lifetimes {
  /** Of a signed key binding, and of a device's. */
  binding(assurance: Assurance): number;
  deviceBinding(assurance: Assurance): number;
  /** How old a person's private keys may be before their apps rotate them; 0 for however old. */
  readonly personKeys: number;
  /** How old a group's private keys may be before an admin's app rotates them; 0 for however old. */
  readonly groupKeys: number;
  /** How old a look-up's answer may be when the client does not say; one that says gets none above LOOKUP_MAX_AGE_S. */
  readonly lookUpMaxAge: number;
  /** How long a meeting may go on after it was made. */
  readonly meeting: number;
}

/**
 * The policy in force: how it decides, and the bytes that bindings name by hash and that the key log commits to. All of
 * it may change from one call to the next, when another version comes into force: read it when it is needed, keep none.
 */
export interface Policy {
  readonly decide: Decide;
  /**
   * Whether an answer to this action may depend on who asks, or what it is about, by id: while no policy names one,
   * requests with the same facts have the same answer.
   */
  readonly readsIds: (action: Action) => boolean;
  readonly document: Uint8Array<ArrayBuffer>;
  readonly hash: string;
  readonly lifetimes: Lifetimes;
  /** Who is to receive which data. */
  readonly recipients: RecipientRules;
}
