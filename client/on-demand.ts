/**
 * What a page loads when it first does more than sign in, enrol, add devices, look up and verify: all of it at once, so
 * that what is loaded at the start lies together in few files (docs/guides/browser.md).
 */
export { openAsset } from './assets/open-asset.ts';
export { sealAsset } from './assets/seal-asset.ts';
export { checkLog } from './check-log.ts';
export { checkTrust } from './check-trust.ts';
export { rotateDevice } from './device-rotation.ts';
export { beginEscrow } from './escrow.ts';
export { recoverDevice } from './escrow-recovery.ts';
export { addMembers, removeMembers } from './groups/change-members.ts';
export { createGroupOfAdmins } from './groups/create-group.ts';
export { rotateDueGroups, tendKeys } from './groups/due-rotations.ts';
export { changeExclusions } from './groups/exclusions.ts';
export { listGroups, listMembers } from './groups/list-members.ts';
export { openKey } from './groups/open-key.ts';
export { showRecipients } from './groups/policy-recipients.ts';
export { renewGroup, rotateGroup } from './groups/renew-group.ts';
export { sealKey } from './groups/seal-key.ts';
export { viewGroup } from './groups/view.ts';
export { monitorOwnKeys } from './monitor.ts';
export { requestRecovery } from './organization-recovery.ts';
export { readKeyHistory } from './other-addresses.ts';
export { checkOwnKeys } from './own-key-check.ts';
export { readPolicyBundle, readPolicyOf } from './policy-bundle.ts';
export { rotateIfDue, rotateKeys } from './rotation.ts';
