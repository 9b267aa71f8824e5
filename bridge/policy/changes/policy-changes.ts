import { CountersignError } from '../../../protocol/errors.ts';
import type { PolicyContent } from '../../../protocol/policy-bundle.ts';
import type { EventLog } from '../../events/event-log.ts';
import { succeeded } from '../../events/succeeded.ts';
import { type Clock, seconds } from '../../lib/clock.ts';
import { newId } from '../../lib/ids.ts';
import { POLICY_DRAFT_LIFE_S, POLICY_DRAFTS, POLICY_ROLL_BACK_S } from '../../lib/limits.ts';
import type { RequestContext } from '../../lib/request-context.ts';
import type { Database, Query, Transaction } from '../../storage/database.ts';
import type { CompileContent } from '../content/compiled-contents.ts';
import { type AdministratorRole, type DecisionContext, deniedBy } from '../decision.ts';
import { findLoggedPolicy } from '../versions/logged-policy.ts';
import type { ActivatedPolicy } from '../versions/policy-activation.ts';
import type { PolicyInForce } from '../versions/policy-in-force.ts';
import { findPolicyVersion, newestPolicyVersion } from '../versions/policy-store.ts';
import { openStoredContent } from '../versions/stored-policy.ts';
import {
  type AdministratorRoots,
  type AdministratorToken,
  canChangePolicy,
  policyRequest,
} from './administrator-roots.ts';
import { type Draft, type DraftSummary, describeDraft, readDrafts } from './draft.ts';
import { createDraftFacts } from './draft-facts.ts';
import {
  closeDraft,
  findDraft,
  insertApproval,
  insertDraft,
  makeRoom,
  purgeDrafts,
  type StoredDraft,
} from './draft-store.ts';

/** Who acts: an administrator by the token that they use. */
export interface ActingAdministrator {
  readonly id: string;
  readonly name: string;
  readonly roles: readonly AdministratorRole[];
}

/**
 * How the policy is changed: a draft, approvals, and then it comes into force; or an earlier version comes back. Each
 * method decides what policy is to say to it, but for drafting and reading, which the routes ask for.
 */
export interface PolicyChanges {
  /** Throws `policy_invalid` with every fault, `malformed_request` where nothing is different, `conflict` where there are too many. */
  draft(
    wanted: { readonly content: PolicyContent; readonly note: string },
    by: ActingAdministrator,
    context: RequestContext,
  ): Promise<Draft>;
  /** The newest first. */
  list(): Promise<DraftSummary[]>;
  /** Throws `policy_draft_unknown`. */
  get(id: string): Promise<Draft>;
  /** Throws `policy_draft_unknown`, `policy_draft_closed`, `policy_draft_outdated`, `forbidden`. Once more changes nothing. */
  approve(id: string, by: ActingAdministrator, context: RequestContext): Promise<Draft>;
  /** Throws what `approve` throws, and `policy_approval`, `policy_lock_out`, `policy_invalid`, `policy_bundle_invalid`. */
  activate(id: string, by: ActingAdministrator, context: RequestContext): Promise<ActivatedPolicy>;
  /** Throws `policy_draft_unknown`, `policy_draft_closed`. */
  discard(id: string, context: RequestContext): Promise<void>;
  /**
   * Brings the content of an earlier version back as the next one. Throws `policy_unknown`, `policy_approval`, `forbidden`,
   * `policy_lock_out`, `policy_invalid`, `policy_bundle_invalid`, `malformed_request` for the one in force.
   */
  rollBack(
    wanted: { readonly version: number; readonly note: string },
    by: ActingAdministrator,
    context: RequestContext,
  ): Promise<ActivatedPolicy>;
  /** Forgets old drafts; answers how many. */
  purge(): Promise<number>;
}

export interface PolicyChangesDeps {
  readonly database: Database;
  readonly clock: Clock;
  readonly events: Pick<EventLog, 'append'>;
  readonly policy: Pick<PolicyInForce, 'decide' | 'current' | 'activate' | 'refresh'>;
  readonly compile: CompileContent;
  /** The tokens of administrators that are in force. */
  readonly administrators: (reader: Query | Transaction) => Promise<readonly AdministratorToken[]>;
}

export function createPolicyChanges(deps: PolicyChangesDeps): PolicyChanges {
  const { database, clock, events, policy } = deps;

  /** Weighs, without keeping it: what administrators could do is no decision about anybody. */
  const weigh: PolicyInForce['decide'] = (request) =>
    policy.current?.compiled.decide(request) ?? policy.decide(request);

  const drafts = createDraftFacts({ ...deps, weigh });

  async function note(id: string): Promise<void> {
    const draft = await database.read((query) => findDraft(query, id));
    if (draft !== undefined) await drafts.note(draft);
  }

  async function read(id: string): Promise<Draft> {
    await note(id);
    return database.read(async (query) => {
      const draft = await findDraft(query, id);
      if (draft === undefined) throw new CountersignError('policy_draft_unknown');
      const inForce = await newestPolicyVersion(query);
      const [summary] = await readDrafts(query, [draft], await drafts.roots(query), inForce);
      if (summary === undefined) throw new CountersignError('internal');
      return describeDraft(summary, draft.content, inForce);
    });
  }

  async function requireDraft(tx: Transaction, id: string): Promise<StoredDraft> {
    const draft = await findDraft(tx, id);
    if (draft === undefined) throw new CountersignError('policy_draft_unknown');
    return draft;
  }

  async function requireOpen(tx: Query | Transaction, draft: StoredDraft): Promise<void> {
    if (draft.status !== 'open') throw new CountersignError('policy_draft_closed', `It is ${draft.status}.`);
    const inForce = await newestPolicyVersion(tx);
    if (inForce !== undefined && inForce.version !== draft.based_on) {
      const detail = `It was made while version ${draft.based_on} was in force; now it is ${inForce.version}.`;
      throw new CountersignError('policy_draft_outdated', detail);
    }
  }

  /** Throws `policy_approval` where approvals alone are missing, `forbidden` otherwise. */
  function requireActivation(by: ActingAdministrator, facts: DecisionContext): void {
    const request = policyRequest('activate-policy', by, facts);
    const decision = policy.decide(request);
    if (decision.effect === 'allow') return;
    const approved = policyRequest('activate-policy', by, { ...facts, approvals: EVERYBODY });
    const isApprovalAlone = weigh(approved).effect === 'allow';
    throw deniedBy(request, decision, isApprovalAlone ? 'policy_approval' : 'forbidden');
  }

  /** Whether a draft may be activated now, by what is known without compiling it. */
  async function weighActivation(reader: Query | Transaction, id: string, by: ActingAdministrator) {
    const draft = await findDraft(reader, id);
    if (draft === undefined) {
      requireActivation(by, { approvals: EVERYBODY, author: false });
      throw new CountersignError('policy_draft_unknown');
    }
    const { roots, facts } = await drafts.of(reader, draft, by);
    requireActivation(by, draft.status === 'open' ? facts : { ...facts, approvals: EVERYBODY });
    await requireOpen(reader, draft);
    return { draft, roots };
  }

  /** Whether a version may be brought back now; answers it. Only what the key log has was ever in force. */
  async function weighRollBack(reader: Query | Transaction, version: number, by: ActingAdministrator) {
    const inForce = await newestPolicyVersion(reader);
    if (inForce === undefined) throw new CountersignError('policy_unavailable');
    const roots = await drafts.roots(reader);
    const administrators = drafts.administrators(roots, roots.rootOf(by.id));
    const approvals = isEmergency(inForce, version, seconds(clock)) ? 1 : 0;
    requireActivation(by, { approvals, administrators, author: true });
    const stored = await findPolicyVersion(reader, version);
    if (stored === undefined) {
      throw new CountersignError('policy_unknown', `There is no version ${version}.`);
    }
    if (stored.hash === inForce.hash) {
      throw new CountersignError('malformed_request', 'This is the policy that is in force.');
    }
    if (stored.hash !== (await findLoggedPolicy(reader, version))?.hash) {
      throw new CountersignError('policy_bundle_invalid', 'The key log has another hash for this version.');
    }
    return stored;
  }

  function requireNoLockOut(roots: AdministratorRoots, decide: PolicyInForce['decide']): void {
    if (canChangePolicy(roots, decide)) return;
    const detail =
      'Of the administrators whose tokens are in force, none could draft, approve and activate another policy.';
    throw new CountersignError('policy_lock_out', detail);
  }

  return {
    async draft({ content, note }, by, context) {
      const { hash } = deps.compile(content);
      const id = newId();
      await database.transaction(async (tx) => {
        const inForce = await newestPolicyVersion(tx);
        if (inForce === undefined) throw new CountersignError('policy_unavailable');
        if (inForce.hash === hash) {
          throw new CountersignError('malformed_request', 'This is the policy that is in force.');
        }
        if (!(await makeRoom(tx, inForce.version))) {
          throw new CountersignError('conflict', `There are ${POLICY_DRAFTS} open drafts: discard one.`);
        }
        const roots = await drafts.roots(tx);
        const root = roots.rootOf(by.id);
        await insertDraft(tx, {
          ...{ id, hash, note, content: JSON.stringify(content), based_on: inForce.version },
          ...{ author: by.id, author_name: by.name, author_root: root.id, author_root_name: root.name },
          ...{ created: seconds(clock), status: 'open', administrators: drafts.administrators(roots, root) },
        });
        const data = { draft: id, hash, note };
        await events.append(tx, succeeded({ type: 'policy.drafted', subject: {}, data }, context));
      });
      return read(id);
    },

    list: () =>
      database.read(async (query) => {
        const inForce = await newestPolicyVersion(query);
        return readDrafts(query, undefined, await drafts.roots(query), inForce);
      }),

    get: read,

    async approve(id, by, context) {
      await database.transaction(async (tx) => {
        const draft = await findDraft(tx, id);
        const facts = draft === undefined ? { author: false } : (await drafts.of(tx, draft, by)).facts;
        const request = policyRequest('approve-policy', by, facts);
        const decision = policy.decide(request);
        if (decision.effect === 'deny') throw deniedBy(request, decision);
        if (draft === undefined) throw new CountersignError('policy_draft_unknown');
        await requireOpen(tx, draft);
        const root = (await drafts.roots(tx)).rootOf(by.id);
        const approval = {
          ...{ draft: id, administrator: by.id, administrator_name: by.name, approved: seconds(clock) },
          ...{ root: root.id, root_name: root.name },
        };
        if (!(await insertApproval(tx, approval))) return;
        const data = { draft: id, hash: draft.hash };
        await events.append(tx, succeeded({ type: 'policy.approved', subject: {}, data }, context));
      });
      return read(id);
    },

    async activate(id, by, context) {
      await note(id);
      // Compiling keeps everybody waiting: it is for those alone who may activate, and not within the transaction.
      const { draft } = await database.read((query) => weighActivation(query, id, by));
      const next = deps.compile(openStoredContent(draft));
      const activated = await database.transaction(async (tx) => {
        const { roots } = await weighActivation(tx, id, by);
        requireNoLockOut(roots, next.decide);
        if (!(await closeDraft(tx, id, 'activated'))) throw new CountersignError('policy_draft_closed');
        return policy.activate(tx, next.content, context, { draft: id });
      });
      await policy.refresh();
      return activated;
    },

    discard: (id, context) =>
      database.transaction(async (tx) => {
        const draft = await requireDraft(tx, id);
        if (!(await closeDraft(tx, id, 'discarded'))) throw new CountersignError('policy_draft_closed');
        const data = { draft: id, hash: draft.hash };
        await events.append(tx, succeeded({ type: 'policy.discarded', subject: {}, data }, context));
      }),

    async rollBack({ version, note }, by, context) {
      const stored = await database.read((query) => weighRollBack(query, version, by));
      const next = deps.compile(openStoredContent(stored));
      const activated = await database.transaction(async (tx) => {
        await weighRollBack(tx, version, by);
        requireNoLockOut(await drafts.roots(tx), next.decide);
        return policy.activate(tx, next.content, context, {
          rolledBackTo: version,
          ...(note === '' ? {} : { note }),
        });
      });
      await policy.refresh();
      return activated;
    },

    purge: () => database.transaction((tx) => purgeDrafts(tx, seconds(clock) - POLICY_DRAFT_LIFE_S)),
  };
}

/** More approvals than there are administrators: what would be decided if all of them approved. */
const EVERYBODY = 1_000_000;

/**
 * What was in force until lately was agreed to already, and must come back at once when its successor does harm: that
 * counts as one approval. Anything older is to be drafted and approved as whatever else is new; so is what was itself
 * taken back, by a roll-back or on the bridge's machine: neither leaves a draft.
 */
function isEmergency(
  inForce: { readonly version: number; readonly activated: number; readonly draft: string | null },
  version: number,
  now: number,
): boolean {
  const { draft, activated } = inForce;
  return draft !== null && version === inForce.version - 1 && now - activated <= POLICY_ROLL_BACK_S;
}
