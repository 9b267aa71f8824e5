/** What others read of groups, always from the records and never from a cache (PROTOCOL §8). */
export { exclusionsOf, isExcluded } from './exclusion-store.ts';
export { adminsOf, findAdmin, findGroup, type Group, type GroupAdmin } from './group-store.ts';
export {
  durableMembersOf,
  findMember,
  findNamedMember,
  type GroupMember,
  groupsOfPerson,
  type PersonName,
} from './member-store.ts';
export { openMemberKey, sealMemberKey } from './sealed-group-keys.ts';
export { createSignerEvidence, type FindSignerEvidence, type SignerEvidence } from './signer-evidence.ts';
export { mayTakePart } from './taking-part.ts';
