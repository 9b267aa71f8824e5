import type { Database, Query, Transaction } from '../../storage/database.ts';
import type { Decide, DecisionContext } from '../decision.ts';
import {
  type AdministratorRoot,
  type AdministratorRoots,
  type AdministratorToken,
  administratorRoots,
  type Deciding,
  draftStanding,
} from './administrator-roots.ts';
import { approvalsOf, asApproval, authorOf, raiseAdministrators, type StoredDraft } from './draft-store.ts';

/** What policy is told of administrators and a draft. */
export interface DraftFacts {
  roots(reader: Query | Transaction): Promise<AdministratorRoots>;
  /** How many administrators there are to a draft that this one makes now. */
  administrators(roots: AdministratorRoots, author: AdministratorRoot): number;
  /** Throws `unauthenticated` where the token of who acts has ended. */
  of(tx: Query | Transaction, draft: StoredDraft, by: Deciding): Promise<FactsOfDraft>;
  /**
   * Keeps how many administrators there are, with the draft: ending the tokens of all others must not make its author the
   * only one. Whoever reads, approves or activates it, does so before.
   */
  note(draft: StoredDraft): Promise<void>;
}

export interface FactsOfDraft {
  readonly roots: AdministratorRoots;
  readonly facts: DecisionContext;
}

export function createDraftFacts(deps: {
  readonly database: Database;
  readonly administrators: (reader: Query | Transaction) => Promise<readonly AdministratorToken[]>;
  /** Decides without keeping it. */
  readonly weigh: Decide;
}): DraftFacts {
  const { database, weigh } = deps;
  const readRoots: DraftFacts['roots'] = async (reader) =>
    administratorRoots(await deps.administrators(reader));

  const administrators: DraftFacts['administrators'] = (roots, author) =>
    draftStanding(roots, weigh, { author, approvals: [] }).administrators;

  return {
    roots: readRoots,
    administrators,

    async of(reader, draft, by) {
      const roots = await readRoots(reader);
      const approvals = (await approvalsOf(reader, [draft.id])).map(asApproval);
      const author = authorOf(draft);
      const standing = draftStanding(roots, weigh, { author, approvals });
      const facts = {
        approvals: standing.approvals,
        administrators: Math.max(draft.administrators, standing.administrators),
        author: roots.rootOf(by.id).id === author.id,
      };
      return { roots, facts };
    },

    async note(draft) {
      const now = administrators(await database.read(readRoots), authorOf(draft));
      if (now > draft.administrators) {
        await database.transaction((tx) => raiseAdministrators(tx, draft.id, now));
      }
    },
  };
}
