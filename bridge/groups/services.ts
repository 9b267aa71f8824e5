import type {
  ExclusionsBody,
  GroupConfirmation,
  GroupKeysBody,
  GroupList,
  GroupOffer,
  GroupRequest,
  GroupVault,
  GroupView,
  GroupViewBody,
  MembersBody,
  Memberships,
  MembershipsBody,
  MembersPage,
  MembersResult,
} from '../../protocol/groups/api.ts';
import type { Recipients, RecipientsBody } from '../../protocol/recipients/api.ts';
import type { Holder } from '../binding/holder.ts';
import type { BindingDeps, Credentials } from '../binding/services.ts';
import type { RequestContext } from '../lib/request-context.ts';

/** What others read of groups, always from the records and never from a cache (PROTOCOL §8). */
export { exclusionsOf, isExcluded } from './exclusion-store.ts';
export { groupResource } from './group-resource.ts';
export { adminsOf, findAdmin, findGroup, type Group, type GroupAdmin } from './group-store.ts';
export {
  durableMembersOf,
  findMember,
  findNamedMember,
  type GroupMember,
  groupsOfPerson,
  groupsWithMember,
  type PersonName,
} from './member-store.ts';
export { openMemberKey, sealMemberKey } from './sealed-group-keys.ts';
export { createSignerEvidence, type FindSignerEvidence } from './signer-evidence.ts';
export { mayTakePart, roleIn } from './taking-part.ts';

/** What the services of this context are built from. */
export interface GroupDeps extends BindingDeps {
  readonly credentials: Credentials;
}

/** Making a group in two steps, as an enrolment (PROTOCOL §10, §2). */
export interface GroupMaking {
  /**
   * Step 1: the bridge's share, proven, and the keys of the admins. The same request id answers the same offer. Throws
   * `forbidden`, `device_not_endorsed`, `person_unknown`, `person_closed`, `not_enrolled`, `key_invalid`,
   * `recrypt_input_invalid`, `malformed_request`, `group_limit`, `request_id_reused`, `unavailable`.
   */
  offer(who: Holder, request: GroupRequest, context: RequestContext): Promise<GroupOffer>;

  /**
   * Step 2: checks every proof, and stores. The same confirmation again answers the group as it is then. Throws
   * `group_offer_unknown`, `group_offer_expired`, `group_proof`, `group_key_mismatch`, `group_not_admin`,
   * `recrypt_input_invalid`, `malformed_request`, `replayed`, `conflict` and what the token's verification throws.
   */
  confirm(
    who: Holder,
    offerId: string,
    confirmation: GroupConfirmation,
    context: RequestContext,
  ): Promise<GroupView>;
}

/** The newest keys of a group. */
export interface GroupKeys {
  /**
   * The next `group-key+jwt`, by an admin: other admins, another label or end; with `factor`, a rotation. The same
   * token again answers the group as it is then. Throws `group_key_chain`, `group_proof`, `group_key_mismatch`,
   * `conflict` (another token was first) and what `requireAdmin` throws.
   */
  renew(who: Holder, group: string, body: GroupKeysBody, context: RequestContext): Promise<GroupView>;

  /**
   * The admin's own vault of the group, transformed for the asking device. Nothing is released if person, device, admin
   * or group were restricted meanwhile (PROTOCOL §8). Throws `group_vault_missing`, `conflict`, `overloaded`.
   */
  openVault(who: Holder, group: string, context: RequestContext): Promise<GroupVault>;
}

/** Who is in a group. */
export interface GroupMembers {
  /**
   * Statements of an admin, in the order of their chain: all of them take effect, or none. The same request id answers
   * the same. Throws `conflict` (the chain has moved: fetch its head and sign again), `membership_stale` (another key
   * version), `transform_key_mismatch`, `group_limit`, `request_id_reused`, and what `requireAdmin` throws.
   */
  change(who: Holder, group: string, body: MembersBody, context: RequestContext): Promise<MembersResult>;

  /** One page of members, of one kind or of both, in the order of their statements. For whoever takes part. */
  list(
    who: Holder,
    group: string,
    page: { readonly after?: number | undefined; readonly kind?: 'person' | 'group' | undefined },
  ): Promise<MembersPage>;

  /** Those of these people who are members, also of a partner's group through its bridge. For whoever takes part. */
  find(who: Holder, body: MembershipsBody): Promise<Memberships>;

  /** Shuts persons out, or lets them in again, however they came in. Throws `replayed`, `group_limit`, `jws_expired`. */
  exclude(who: Holder, group: string, body: ExclusionsBody, context: RequestContext): Promise<GroupView>;
}

/** What a group is, to whoever takes part. */
export interface GroupViews {
  /** The groups kept here in which the person takes part. */
  list(who: Holder): Promise<GroupList>;

  /**
   * A group kept here, or one of a partner through its bridge. Throws `group_unknown` (to whoever takes no part, too),
   * `group_excluded`, `group_ended`, `group_untrusted` (an erased admin signed last), and of a partner's what its
   * bridge answers.
   */
  view(who: Holder, body: GroupViewBody, context: RequestContext): Promise<GroupView>;
}

/** Ending meetings. */
export interface GroupEndings {
  /** Share and transform keys are deleted when this is answered. An ended one stays ended. Throws `malformed_request`. */
  end(who: Holder, group: string, context: RequestContext): Promise<GroupView>;

  /** Ends meetings whose time is over, and offers that nobody confirmed; answers how many. For a background loop. */
  expire(): Promise<number>;

  /** Forgets meetings that ended long ago and answers that nobody asks for again. For a background loop. */
  purge(): Promise<number>;
}

/** For whom data is, by the policy in force. */
export interface PolicyRecipients {
  /**
   * Whom the first policy names that fits the asker and the data. Throws `forbidden`, `recipients_none`,
   * `malformed_request` where the policy names the data subject and the asker did not; `group_unknown`, `group_ended`,
   * `group_untrusted` for groups that it names in vain, in words for an administrator; `address_invalid`,
   * `policy_unavailable`, and what `readPublishedAccess` throws.
   */
  resolve(who: Holder, body: RecipientsBody, context: RequestContext): Promise<Recipients>;
}

export interface Groups {
  readonly making: GroupMaking;
  readonly keys: GroupKeys;
  readonly members: GroupMembers;
  readonly views: GroupViews;
  readonly endings: GroupEndings;
  readonly recipients: PolicyRecipients;
}
