import type { ClientParts } from '../own-account.ts';
import type { Groups } from './groups.ts';

/** The groups of a client. What they need is loaded when they are first used: most pages never do. */
export function createGroups(parts: ClientParts): Groups {
  return {
    create: async (request) => (await import('./create-group.ts')).createGroup(parts, request),
    view: async (ref) => (await import('./view.ts')).viewGroup(parts, ref),
    list: async () => (await import('./list-members.ts')).listGroups(parts),
    async *members(ref) {
      yield* (await import('./list-members.ts')).listMembers(parts, ref);
    },
    add: async (ref, members) => (await import('./change-members.ts')).addMembers(parts, ref, members),
    remove: async (ref, members) => (await import('./change-members.ts')).removeMembers(parts, ref, members),
    exclude: async (ref, address) =>
      (await import('./exclusions.ts')).changeExclusions(parts, ref, 'exclude', [address]),
    readmit: async (ref, address) =>
      (await import('./exclusions.ts')).changeExclusions(parts, ref, 'readmit', [address]),
    rotate: async (ref) => (await import('./renew-group.ts')).rotateGroup(parts, ref),
    renew: async (ref, changes) => (await import('./renew-group.ts')).renewGroup(parts, ref, changes),
    end: async ({ group }) => parts.api.act('POST', `/v1/groups/${group}/end`, {}),
    sealKey: async (to) => (await import('./seal-key.ts')).sealKey(parts, to),
    openKey: async (to, keyId, expected) =>
      (await import('./open-key.ts')).openKey(parts, to, keyId, expected),
  };
}
