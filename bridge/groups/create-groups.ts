import { createGroupVaultOpenings } from './admin-vault-openings.ts';
import { createGroupConfirmations } from './confirmations.ts';
import { createEndings } from './endings.ts';
import { createExclusions } from './exclusions.ts';
import { createGroupViews, type ViewForeignGroup } from './group-views.ts';
import { createMemberChanges } from './member-changes.ts';
import { createMemberPages } from './member-pages.ts';
import { type AskMemberships, createMemberships } from './memberships.ts';
import { createGroupOffers } from './offers.ts';
import { createPolicyRecipients } from './policy-recipients.ts';
import { createRenewals } from './renewals.ts';
import type { GroupDeps, Groups } from './services.ts';

export type GroupsDeps = GroupDeps & {
  readonly foreign: ViewForeignGroup;
  readonly askMemberships: AskMemberships;
};

/** Groups that live at this bridge (PROTOCOL §10). `foreign` and `askMemberships` ask a partner about one of its own. */
export function createGroups(deps: GroupsDeps): Groups {
  const views = createGroupViews(deps);
  const withViews = { ...deps, views };
  return {
    views,
    making: { offer: createGroupOffers(deps), confirm: createGroupConfirmations(withViews) },
    keys: { renew: createRenewals(withViews), openVault: createGroupVaultOpenings(deps) },
    members: {
      change: createMemberChanges(deps),
      list: createMemberPages(deps),
      find: createMemberships(deps),
      exclude: createExclusions(withViews),
    },
    endings: createEndings(withViews),
    recipients: createPolicyRecipients(deps),
  };
}
