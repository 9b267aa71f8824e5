import type {
  AdministratorAction,
  AdministratorRole,
  DecisionContext,
  DecisionRequest,
  Resource,
} from '../decision.ts';

/** What the path of a route names, where it names any. */
export interface NamedByPath {
  /** A person. */
  readonly sub?: string;
  /** The id of a connection. */
  readonly connection?: string;
}

/**
 * What policy is asked when an administrator does something. Routes, the guard against locking everybody out and trial
 * runs all ask it in this one form: otherwise the last two would weigh what nobody ever asks.
 */
export function administratorRequest(
  action: AdministratorAction,
  { id, roles }: { readonly id: string; readonly roles: readonly AdministratorRole[] },
  about: { readonly path?: NamedByPath; readonly facts?: DecisionContext } = {},
): DecisionRequest {
  return {
    action,
    principal: { kind: 'administrator', id, roles },
    resource: resourceOf(action, about.path ?? {}),
    context: about.facts ?? {},
  };
}

/** Of all drafts and versions there is one policy; else what the path names, or the bridge. */
function resourceOf(action: AdministratorAction, { sub, connection }: NamedByPath): Resource {
  if (action === 'draft-policy' || action === 'approve-policy' || action === 'activate-policy') {
    return { kind: 'policy', id: 'policy' };
  }
  if (sub !== undefined) return { kind: 'person', id: sub, owner: sub };
  if (connection !== undefined) return { kind: 'connection', id: connection };
  if (action === 'read-events') return { kind: 'events', id: 'events' };
  return { kind: 'bridge', id: 'bridge' };
}
