import { loadOnDemand } from '../load-on-demand.ts';
import type { ClientParts } from '../own-account.ts';
import type { Groups } from './groups.ts';

/** The groups of a client. What they need is loaded when they are first used: most pages never do. */
export function createGroups(parts: ClientParts): Groups {
  return {
    create: async (request) => (await loadOnDemand()).createGroupOfAdmins(parts, request),
    view: async (ref) => (await loadOnDemand()).viewGroup(parts, ref),
    list: async () => (await loadOnDemand()).listGroups(parts),
    async *members(ref) {
      yield* (await loadOnDemand()).listMembers(parts, ref);
    },
    add: async (ref, members) => (await loadOnDemand()).addMembers(parts, ref, members),
    remove: async (ref, members) => (await loadOnDemand()).removeMembers(parts, ref, members),
    exclude: async (ref, address) =>
      (await loadOnDemand()).changeExclusions(parts, ref, 'exclude', [address]),
    readmit: async (ref, address) =>
      (await loadOnDemand()).changeExclusions(parts, ref, 'readmit', [address]),
    rotateDue: async () => (await loadOnDemand()).rotateDueGroups(parts),
    rotate: async (ref) => (await loadOnDemand()).rotateGroup(parts, ref),
    renew: async (ref, changes) => (await loadOnDemand()).renewGroup(parts, ref, changes),
    end: async ({ group }) => parts.api.act('POST', `/v1/groups/${group}/end`, {}),
    sealKey: async (to) => (await loadOnDemand()).sealKey(parts, to),
    openKey: async (to, keyId, expected) => (await loadOnDemand()).openKey(parts, to, keyId, expected),
  };
}
