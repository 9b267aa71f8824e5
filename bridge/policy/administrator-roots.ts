import type { AdministratorRole, Decide, DecisionContext, DecisionRequest } from './decision.ts';

/** A token in force, and which one it was made with. */
export interface AdministratorToken {
  readonly id: string;
  readonly name: string;
  readonly roles: readonly AdministratorRole[];
  readonly parent: string | null;
}

/** An administrator as a decision knows them. */
export type Deciding = Pick<AdministratorToken, 'id' | 'roles'>;

/**
 * Who is the same administrator: all tokens that came of one link are. A token that was made with another one counts as
 * that other one, up to the first, since whoever has the first can make as many as they like.
 */
export interface AdministratorRoots {
  /** The first token of those that this one came of; one that has ended is of itself. */
  of(token: string): string;
  readonly tokens: readonly AdministratorToken[];
}

export function administratorRoots(tokens: readonly AdministratorToken[]): AdministratorRoots {
  const parents = new Map(tokens.map(({ id, parent }) => [id, parent]));
  return {
    tokens,
    /** Parents never expire before their children, and take them along when they are revoked. */
    of(token) {
      let first = token;
      for (let parent = parents.get(first); typeof parent === 'string'; parent = parents.get(first)) {
        first = parent;
      }
      return first;
    },
  };
}

/** A question about the policy itself, by an administrator. */
export function policyRequest(
  action: 'draft-policy' | 'approve-policy' | 'activate-policy',
  { id, roles }: Deciding,
  context: DecisionContext = {},
): DecisionRequest {
  return {
    action,
    principal: { kind: 'administrator', id, roles },
    resource: { kind: 'policy', id: 'policy' },
    context,
  };
}

/** How the administrators stand to a draft. */
export interface DraftStanding {
  /** The author's administrator. */
  readonly author: string;
  /** Administrators beside the author who approved it, by tokens that are in force. */
  readonly approvals: number;
  /** Who could approve a draft of somebody else’s, with its author: how many could take part at all. */
  readonly administrators: number;
}

export function draftStanding(
  roots: AdministratorRoots,
  decide: Decide,
  draft: Author & { readonly approvedBy: readonly string[] },
): DraftStanding {
  const author = roots.of(draft.id);
  const approving = roots.tokens.filter(
    (token) => draft.approvedBy.includes(token.id) && isBeside(roots, token, draft),
  );
  const able = roots.tokens.filter((token) => mayApprove(decide, token)).map(({ id }) => roots.of(id));
  return {
    author,
    approvals: countAdministrators(roots, approving),
    administrators: new Set([author, ...able]).size,
  };
}

/** The token that a draft was made with. */
export type Author = Pick<AdministratorToken, 'id' | 'name'>;

/**
 * Whether a token is of another administrator than the author, as far as can be told. The author’s link may have ended
 * since, and they may have taken another one: so nobody of the same name counts either.
 */
export function isBeside(roots: AdministratorRoots, token: Author, author: Author): boolean {
  const [first, authors] = [roots.of(token.id), roots.of(author.id)];
  return first !== authors && nameOf(roots, first, token) !== nameOf(roots, authors, author);
}

/** Of one name there is one, and of one first token: whoever takes two links approves once. */
function countAdministrators(roots: AdministratorRoots, tokens: readonly Author[]): number {
  const firsts = new Set(tokens.map(({ id }) => roots.of(id)));
  const names = new Set(tokens.map((token) => nameOf(roots, roots.of(token.id), token)));
  return Math.min(firsts.size, names.size);
}

/** Under which the first token was taken: those that are made with it are called anything. */
function nameOf(roots: AdministratorRoots, first: string, { name }: Author): string {
  const called = roots.tokens.find(({ id }) => id === first)?.name ?? name;
  return called.normalize('NFKC').trim().toLowerCase();
}

function mayApprove(decide: Decide, token: Deciding): boolean {
  return decide(policyRequest('approve-policy', token, { author: false })).effect === 'allow';
}

/**
 * Whether some of the present administrators could still draft, approve and activate another policy by themselves: each
 * as the author, with as many approvals as the others can give.
 */
export function canChangePolicy(roots: AdministratorRoots, decide: Decide): boolean {
  const { tokens } = roots;
  const authors = tokens.filter((token) => decide(policyRequest('draft-policy', token)).effect === 'allow');
  return authors.some((author) => {
    const root = roots.of(author.id);
    const approving = tokens.filter((token) => isBeside(roots, token, author) && mayApprove(decide, token));
    const approvals = countAdministrators(roots, approving);
    const { administrators } = draftStanding(roots, decide, { ...author, approvedBy: [] });
    return tokens.some((token) => {
      const context = { approvals, administrators, author: roots.of(token.id) === root };
      return decide(policyRequest('activate-policy', token, context)).effect === 'allow';
    });
  });
}
