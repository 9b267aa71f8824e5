import type { ClientParts } from '../own-account.ts';
import type { Groups } from './groups.ts';

const load = () => import('../on-demand.ts');

/** The groups of a client. What they need is loaded when they are first used: most pages never do. */
export function createGroups(parts: ClientParts): Groups {
  return {
    create: async (request) => (await load()).createGroupOfAdmins(parts, request),
    view: async (ref) => (await load()).viewGroup(parts, ref),
    list: async () => (await load()).listGroups(parts),
    async *members(ref) {
      yield* (await load()).listMembers(parts, ref);
    },
    add: async (ref, members) => (await load()).addMembers(parts, ref, members),
    remove: async (ref, members) => (await load()).removeMembers(parts, ref, members),
    exclude: async (ref, address) => (await load()).changeExclusions(parts, ref, 'exclude', [address]),
    readmit: async (ref, address) => (await load()).changeExclusions(parts, ref, 'readmit', [address]),
    rotate: async (ref) => (await load()).rotateGroup(parts, ref),
    renew: async (ref, changes) => (await load()).renewGroup(parts, ref, changes),
    end: async ({ group }) => parts.api.act('POST', `/v1/groups/${group}/end`, {}),
    sealKey: async (to) => (await load()).sealKey(parts, to),
    openKey: async (to, keyId, expected) => (await load()).openKey(parts, to, keyId, expected),
  };
}
