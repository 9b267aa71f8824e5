import { CountersignError } from '../../../protocol/errors.ts';
import type { AdministratorRole, Decide, DecisionContext, DecisionRequest } from '../decision.ts';
import { administratorRequest } from './administrator-request.ts';

/** A token in force, and which one it was made with. */
export interface AdministratorToken {
  readonly id: string;
  readonly name: string;
  readonly roles: readonly AdministratorRole[];
  readonly parent: string | null;
}

/** An administrator as a decision knows them. */
export type Deciding = Pick<AdministratorToken, 'id' | 'roles'>;

/** An administrator: the first token of those that theirs came of, and the name under which they took that. */
export type AdministratorRoot = Pick<AdministratorToken, 'id' | 'name'>;

/**
 * Who is the same administrator: all tokens that came of one link are. A token that was made with another one counts as
 * that other one, up to the first, since whoever has the first can make as many as they like.
 */
export interface AdministratorRoots {
  /**
   * Who has a token. It can be told only while the token is in force: keep it with whatever was done by it. Throws
   * `unauthenticated` for one that has ended.
   */
  rootOf(token: string): AdministratorRoot;
  readonly tokens: readonly AdministratorToken[];
}

export function administratorRoots(tokens: readonly AdministratorToken[]): AdministratorRoots {
  const byId = new Map(tokens.map((token) => [token.id, token]));

  /** Parents never expire before their children, and take them along when they are revoked. */
  function firstOf(token: AdministratorToken): AdministratorToken {
    const parent = token.parent === null ? undefined : byId.get(token.parent);
    return parent === undefined ? token : firstOf(parent);
  }

  return {
    tokens,
    rootOf(token) {
      const found = byId.get(token);
      if (found === undefined) throw new CountersignError('unauthenticated', 'Your own token has ended.');
      const { id, name } = firstOf(found);
      return { id, name };
    },
  };
}

/** A question about the policy itself, by an administrator. */
export function policyRequest(
  action: 'draft-policy' | 'approve-policy' | 'activate-policy',
  by: Deciding,
  facts: DecisionContext = {},
): DecisionRequest {
  return administratorRequest(action, by, { facts });
}

/** How the administrators stand to a draft. */
export interface DraftStanding {
  /** Administrators beside the author who approved it, by tokens that are in force. */
  readonly approvals: number;
  /** Who could approve a draft of somebody else’s, with its author: how many could take part at all. */
  readonly administrators: number;
}

/** An approval, with whose it was when it was given. */
export interface Approval {
  readonly token: string;
  readonly root: AdministratorRoot;
}

export function draftStanding(
  roots: AdministratorRoots,
  decide: Decide,
  draft: { readonly author: AdministratorRoot; readonly approvals: readonly Approval[] },
): DraftStanding {
  const { author } = draft;
  const counted = draft.approvals.filter((approval) => isCounted(roots, approval, author));
  const able = whoMayApprove(roots, decide).map(({ id }) => roots.rootOf(id).id);
  return {
    approvals: countAdministrators(counted.map(({ root }) => root)),
    administrators: new Set([author.id, ...able]).size,
  };
}

/** Whether an approval is by a token in force, of another administrator than the author. */
export function isCounted(roots: AdministratorRoots, approval: Approval, author: AdministratorRoot): boolean {
  return (
    roots.tokens.some(({ id }) => id === approval.token) && isAnotherAdministrator(approval.root, author)
  );
}

/**
 * Whether they are two, as far as can be told. One whose link has ended may have taken another one: so nobody of the
 * same name counts either.
 */
export function isAnotherAdministrator(one: AdministratorRoot, other: AdministratorRoot): boolean {
  return one.id !== other.id && nameOf(one) !== nameOf(other);
}

/** Of one name there is one, and of one first token: whoever takes two links approves once. */
function countAdministrators(administrators: readonly AdministratorRoot[]): number {
  const firsts = new Set(administrators.map(({ id }) => id));
  return Math.min(firsts.size, new Set(administrators.map(nameOf)).size);
}

function nameOf({ name }: AdministratorRoot): string {
  return name.normalize('NFKC').trim().toLowerCase();
}

/** Of a draft of somebody else’s that nobody has approved yet: with all facts that an approval is asked with. */
function whoMayApprove({ tokens, rootOf }: AdministratorRoots, decide: Decide): AdministratorToken[] {
  const administrators = new Set(tokens.map(({ id }) => rootOf(id).id)).size;
  const facts = { approvals: 0, administrators, author: false };
  return tokens.filter((token) => decide(policyRequest('approve-policy', token, facts)).effect === 'allow');
}

/**
 * Whether some of the present administrators could still draft, approve and activate another policy by themselves: each
 * as the author, with as many approvals as the others can give.
 */
export function canChangePolicy(roots: AdministratorRoots, decide: Decide): boolean {
  const { tokens } = roots;
  const able = whoMayApprove(roots, decide);
  const authors = tokens.filter((token) => decide(policyRequest('draft-policy', token)).effect === 'allow');
  return authors.some((author) => {
    const root = roots.rootOf(author.id);
    const approvals = able.map((token): Approval => ({ token: token.id, root: roots.rootOf(token.id) }));
    const standing = draftStanding(roots, decide, { author: root, approvals });
    return tokens.some((token) => {
      const context = { ...standing, author: roots.rootOf(token.id).id === root.id };
      return decide(policyRequest('activate-policy', token, context)).effect === 'allow';
    });
  });
}
