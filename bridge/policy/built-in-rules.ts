import { ADMINISTRATOR_ACTIONS, type DecisionRequest } from './decision.ts';

/** What an operator may set of the built-in rules. */
export interface RuleSettings {
  readonly maxDevices: number;
  readonly requireMultiFactor: boolean;
}

/** One rule. `forbid` wins over every `permit`. The texts are hashed into the policy hash. */
export interface Rule {
  readonly id: string;
  readonly effect: 'permit' | 'forbid';
  readonly reason: string;
  readonly applies: (request: DecisionRequest, settings: RuleSettings) => boolean;
}

const isPerson = ({ principal }: DecisionRequest) => principal.kind === 'person';
const isEndorsed = ({ principal }: DecisionRequest) => principal.kind === 'person' && principal.endorsed;
const isOwn = ({ principal, resource }: DecisionRequest) =>
  principal.kind === 'person' && resource.owner === principal.id;
const isEndorsedOrPartner = (request: DecisionRequest) =>
  isEndorsed(request) || (request.principal.kind === 'partner' && request.principal.status === 'active');
const takesPart = ({ context }: DecisionRequest) =>
  context.groupRole === 'admin' || context.groupRole === 'member';
const belowLimit = ({ context }: DecisionRequest, { maxDevices }: RuleSettings) =>
  context.devices !== undefined && context.devices < maxDevices;

/** They sign in by a key that an administrator registered: there is nobody to ask for a second factor. */
const isService = (principal: DecisionRequest['principal']) =>
  principal.kind === 'person' && ['gateway', 'recorder', 'bot'].includes(principal.assurance);

/** The built-in policy: narrow permits, a few backstops, deny by default. */
export const BUILT_IN_RULES: readonly Rule[] = [
  {
    id: 'sign-in-through-active-connection',
    effect: 'permit',
    reason: 'People sign in through connections that an administrator activated.',
    applies: ({ action, context }) => action === 'sign-in' && context.connectionStatus === 'active',
  },
  {
    id: 'enrol-self',
    effect: 'permit',
    reason: 'A signed-in person enrols the first key of an address of their own.',
    applies: (request, settings) =>
      request.action === 'enrol' && isPerson(request) && isOwn(request) && belowLimit(request, settings),
  },
  {
    id: 'multi-factor-for-keys',
    effect: 'forbid',
    reason:
      'Keys are enrolled or recovered, and devices requested, only after a multi-factor sign-in, but by registered services.',
    applies: ({ action, principal, context }, settings) =>
      settings.requireMultiFactor &&
      !isService(principal) &&
      (action === 'enrol' || action === 'request-device' || action === 'recover') &&
      context.signIn?.multiFactor !== true,
  },
  {
    id: 'see-self',
    effect: 'permit',
    reason: 'A signed-in person sees what stands there about them.',
    applies: (request) => request.action === 'see-self' && isPerson(request) && isOwn(request),
  },
  {
    id: 'report-own-finding',
    effect: 'permit',
    reason: 'A signed-in person reports what is wrong with their own keys.',
    applies: (request) => request.action === 'report-finding' && isPerson(request) && isOwn(request),
  },
  {
    id: 'open-own-vault',
    effect: 'permit',
    reason: 'An endorsed device opens its own person’s vault.',
    applies: (request) => request.action === 'open-vault' && isEndorsed(request) && isOwn(request),
  },
  {
    id: 'request-own-device',
    effect: 'permit',
    reason: 'A signed-in person asks for another device, up to the limit.',
    applies: (request, settings) =>
      request.action === 'request-device' &&
      isPerson(request) &&
      isOwn(request) &&
      belowLimit(request, settings),
  },
  {
    id: 'recover-own-keys',
    effect: 'permit',
    reason: 'A signed-in person recovers the keys that they escrowed, up to the limit of devices.',
    applies: (request, settings) =>
      request.action === 'recover' && isPerson(request) && isOwn(request) && belowLimit(request, settings),
  },
  {
    id: 'approve-own-device',
    effect: 'permit',
    reason: 'An endorsed device approves or refuses a device of its own person, up to the limit.',
    applies: (request, settings) =>
      request.action === 'approve-device' &&
      isEndorsed(request) &&
      isOwn(request) &&
      belowLimit(request, settings),
  },
  {
    id: 'refuse-own-device-request',
    effect: 'permit',
    reason: 'A person refuses, or withdraws, a request to add a device to their own.',
    applies: (request) => request.action === 'refuse-device' && isPerson(request) && isOwn(request),
  },
  {
    id: 'remove-own-device',
    effect: 'permit',
    reason: 'An endorsed device removes a device of its own person.',
    applies: (request) => request.action === 'remove-device' && isEndorsed(request) && isOwn(request),
  },
  {
    id: 'create-group',
    effect: 'permit',
    reason: 'People of the company make groups from an endorsed device.',
    applies: (request) => request.action === 'create-group' && isEndorsed(request),
  },
  {
    id: 'admins-manage-their-group',
    effect: 'permit',
    reason: 'Admins of a group manage it from an endorsed device.',
    applies: (request) =>
      request.action === 'manage-group' && isEndorsed(request) && request.context.groupRole === 'admin',
  },
  {
    id: 'participants-see-their-group',
    effect: 'permit',
    reason: 'Who takes part in a group sees it, from an endorsed device.',
    applies: (request) => request.action === 'see-group' && isEndorsed(request) && takesPart(request),
  },
  {
    id: 'own-people-ask-for-foreign-groups',
    effect: 'permit',
    reason:
      'People of the company ask another bridge for its groups from an endorsed device; that bridge decides.',
    applies: (request) => request.action === 'see-foreign-group' && isEndorsed(request),
  },
  {
    id: 'partners-see-their-peoples-groups',
    effect: 'permit',
    reason: 'Approved partners see the groups that their people take part in.',
    applies: (request) =>
      request.action === 'see-group' &&
      request.principal.kind === 'partner' &&
      request.principal.status === 'active' &&
      takesPart(request),
  },
  {
    id: 'participants-join-their-meeting',
    effect: 'permit',
    reason: 'Who takes part in a group joins its meeting, from an endorsed device.',
    applies: (request) => request.action === 'join-meeting' && isEndorsed(request) && takesPart(request),
  },
  {
    id: 'own-people-ask-for-foreign-meetings',
    effect: 'permit',
    reason:
      'People of the company ask another bridge for its meetings from an endorsed device; that bridge decides.',
    applies: (request) => request.action === 'join-foreign-meeting' && isEndorsed(request),
  },
  {
    id: 'partners-bring-their-people-into-meetings',
    effect: 'permit',
    reason: 'Approved partners bring those of their people into a meeting who take part in its group.',
    applies: (request) =>
      request.action === 'join-meeting' &&
      request.principal.kind === 'partner' &&
      request.principal.status === 'active' &&
      takesPart(request),
  },
  {
    id: 'participants-seal-keys-to-their-group',
    effect: 'permit',
    reason:
      'Who takes part in a group seals keys to it: our people from an endorsed device, others through a partner.',
    applies: (request) =>
      request.action === 'seal-key' &&
      request.resource.kind === 'group' &&
      isEndorsedOrPartner(request) &&
      takesPart(request),
  },
  {
    id: 'seal-keys-to-persons',
    effect: 'permit',
    reason: 'Our people, and those of approved partners, seal keys to a person of the company.',
    applies: (request) =>
      request.action === 'seal-key' && request.resource.kind === 'person' && isEndorsedOrPartner(request),
  },
  {
    id: 'participants-open-keys-of-their-group',
    effect: 'permit',
    reason:
      'Who takes part in a group opens its keys: our people on an endorsed device, others through a partner.',
    applies: (request) =>
      request.action === 'open-key' &&
      request.resource.kind === 'group' &&
      isEndorsedOrPartner(request) &&
      takesPart(request),
  },
  {
    id: 'open-own-keys',
    effect: 'permit',
    reason: 'An endorsed device opens keys that were sealed to its own person.',
    applies: (request) => request.action === 'open-key' && isEndorsed(request) && isOwn(request),
  },
  {
    id: 'own-people-use-keys-of-other-bridges',
    effect: 'permit',
    reason:
      'People of the company seal to recipients at another bridge, and open keys there; that bridge decides.',
    applies: (request) =>
      (request.action === 'seal-foreign-key' || request.action === 'open-foreign-key') && isEndorsed(request),
  },
  {
    id: 'rotate-own-keys',
    effect: 'permit',
    reason: 'An endorsed device rotates the keys of its own person, and its own.',
    applies: (request) => request.action === 'rotate-keys' && isEndorsed(request) && isOwn(request),
  },
  {
    id: 'own-people-look-up',
    effect: 'permit',
    reason: 'People of the company look addresses up from an endorsed device.',
    applies: (request) => request.action === 'look-up' && isEndorsed(request),
  },
  {
    id: 'partners-look-up',
    effect: 'permit',
    reason: 'Approved partners look addresses of the company up.',
    applies: ({ action, principal }) =>
      action === 'look-up-as-partner' && principal.kind === 'partner' && principal.status === 'active',
  },
  {
    id: 'own-people-see-attributes',
    effect: 'permit',
    reason: 'People of the company see each other’s name and sign-in strength.',
    applies: (request) => ['see-name', 'see-sign-in', 'find'].includes(request.action) && isEndorsed(request),
  },
  {
    id: 'partners-see-attributes',
    effect: 'permit',
    reason: 'Approved partners see name and organization of whom they look up.',
    applies: ({ action, principal }) =>
      ['see-name', 'see-sign-in', 'find'].includes(action) &&
      principal.kind === 'partner' &&
      principal.status === 'active',
  },
  {
    id: 'administrators-administer',
    effect: 'permit',
    reason: 'Administrators administer the bridge.',
    applies: ({ action, principal }) =>
      ADMINISTRATOR_ACTIONS.some((each) => each === action) && principal.kind === 'administrator',
  },
];
