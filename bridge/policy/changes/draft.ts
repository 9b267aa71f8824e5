import type { PolicyContent } from '../../../protocol/policy-bundle.ts';
import type { Query } from '../../storage/database.ts';
import type { PolicyVersionsTable } from '../../storage/tables/policy.ts';
import { contentDiff } from '../content/content-diff.ts';
import { type AdministratorRoots, isCounted } from './administrator-roots.ts';
import {
  approvalsOf,
  asApproval,
  authorOf,
  listStoredDrafts,
  type StoredDraftSummary,
} from './draft-store.ts';

/** A draft of the next policy, as administrators see it. Times in seconds. */
export interface DraftSummary {
  readonly id: string;
  readonly hash: string;
  /** The version that was in force when it was made. `outdated`: another one is now. */
  readonly basedOn: number;
  readonly status: 'open' | 'outdated' | 'activated' | 'discarded';
  readonly note: string;
  readonly author: { readonly id: string; readonly name: string };
  readonly created: number;
  /** `counts`: by a token in force, of another administrator than the author. */
  readonly approvals: readonly {
    readonly administrator: { readonly id: string; readonly name: string };
    readonly approved: number;
    readonly counts: boolean;
  }[];
}

export interface Draft extends DraftSummary {
  readonly content: PolicyContent;
  /** Against the policy in force, in the unified form; empty where nothing differs. */
  readonly diff: string;
}

type InForce = Pick<PolicyVersionsTable, 'version' | 'content'> | undefined;

/** The given drafts, or all. */
export async function readDrafts(
  query: Query,
  given: readonly StoredDraftSummary[] | undefined,
  roots: AdministratorRoots,
  inForce: InForce,
): Promise<DraftSummary[]> {
  const drafts = given ?? (await listStoredDrafts(query));
  const approvals = await approvalsOf(
    query,
    drafts.map(({ id }) => id),
  );
  return drafts.map((draft): DraftSummary => {
    const author = { id: draft.author, name: draft.author_name };
    const isOutdated = draft.status === 'open' && inForce?.version !== draft.based_on;
    return {
      ...{ id: draft.id, hash: draft.hash, basedOn: draft.based_on, note: draft.note, author },
      ...{ created: draft.created, status: isOutdated ? 'outdated' : draft.status },
      approvals: approvals
        .filter((approval) => approval.draft === draft.id)
        .map((approval) => ({
          administrator: { id: approval.administrator, name: approval.administrator_name },
          approved: approval.approved,
          counts: isCounted(roots, asApproval(approval), authorOf(draft)),
        })),
    };
  });
}

/** With its texts, and what it changes. */
export function describeDraft(summary: DraftSummary, content: string, inForce: InForce): Draft {
  const drafted: PolicyContent = JSON.parse(content);
  const before: PolicyContent | undefined = inForce === undefined ? undefined : JSON.parse(inForce.content);
  return { ...summary, content: drafted, diff: before === undefined ? '' : contentDiff(before, drafted) };
}
