import { administratorRequest } from '../policy/changes/administrator-request.ts';
import {
  ADMINISTRATOR_ACTIONS,
  ADMINISTRATOR_ROLES,
  type AdministratorAction,
  type AdministratorRole,
} from '../policy/decision.ts';
import type { Topic } from './trial-findings.ts';
import { SOMEBODY, type TrialQuestion } from './trial-question.ts';

export interface TrialAdministrator {
  readonly id: string;
  readonly name: string;
  readonly roles: readonly AdministratorRole[];
}

/** What each administrator could do, and each role that none of them has: most tokens end with the day. */
export function* questionsOfAdministrators(
  administrators: readonly TrialAdministrator[],
): Generator<TrialQuestion> {
  for (const each of administrators) yield* ofAdministrator(each, ['administrator', 'administrators']);
  const held = new Set(administrators.map(({ roles }) => roles.join()));
  for (const role of ADMINISTRATOR_ROLES.filter((each) => !held.has(each))) {
    yield* ofAdministrator({ id: SOMEBODY, name: role, roles: [role] }, [
      'role that no present administrator has alone',
      'roles that no present administrator has alone',
    ]);
  }
}

function* ofAdministrator(
  { id, name, roles }: TrialAdministrator,
  noun: Topic['noun'],
): Generator<TrialQuestion> {
  for (const action of ADMINISTRATOR_ACTIONS) {
    for (const { doing, ...about } of mattersOf(action)) {
      yield {
        topic: { action, noun, doing },
        request: administratorRequest(action, { id, roles }, about),
        facts: JSON.stringify([roles, about]),
        example: name,
      };
    }
  }
}

type Matter = { readonly doing: string } & Parameters<typeof administratorRequest>[2];

/** What a route asks about the matter, where there is more to it than the action. */
function mattersOf(action: AdministratorAction): readonly Matter[] {
  switch (action) {
    case 'erase-person':
    case 'manage-persons':
      return [{ doing: standsFor(action), path: { sub: SOMEBODY } }];
    case 'read-persons':
      return [{ doing: standsFor(action) }, { doing: 'read of a person', path: { sub: SOMEBODY } }];
    case 'read-administration':
    case 'manage-connections': {
      const doing = `${action === 'manage-connections' ? 'manage' : 'read of'} a connection`;
      return [{ doing: standsFor(action) }, { doing, path: { connection: SOMEBODY } }];
    }
    case 'manage-access':
      return ADMINISTRATOR_ROLES.map((role) => ({
        doing: `make and end tokens with the role ${role}`,
        facts: { tokenRoles: [role] },
      }));
    case 'approve-policy':
      return [
        {
          doing: 'approve the draft of somebody else',
          facts: { approvals: 0, administrators: 2, author: false },
        },
        { doing: 'approve their own draft', facts: { approvals: 0, administrators: 2, author: true } },
      ];
    case 'activate-policy':
      return [
        {
          doing: 'activate a draft that is approved',
          facts: { approvals: 1, administrators: 2, author: true },
        },
        {
          doing: 'activate a draft that nobody approved',
          facts: { approvals: 0, administrators: 2, author: true },
        },
        {
          doing: 'activate a draft as the only administrator',
          facts: { approvals: 0, administrators: 1, author: true },
        },
      ];
    default:
      return [{ doing: standsFor(action) }];
  }
}

function standsFor(action: AdministratorAction): string {
  return `do what “${action}” stands for`;
}
