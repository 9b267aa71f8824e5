import type { DecisionRequest, Principal, Resource } from '../decision.ts';
import type { CedarValueJson, EntityJson, StatefulAuthorizationCall } from './cedar.ts';

/** Of every entity type and action in `policies/countersign.cedarschema`. */
export const NAMESPACE = 'Countersign';

type Attributes = Record<string, CedarValueJson>;
type Facts = Readonly<Record<string, CedarValueJson | readonly string[] | undefined>>;

/** A request in Cedar's terms, but for the policies that are asked. */
export interface CedarRequest extends Pick<StatefulAuthorizationCall, 'entities'> {
  readonly action: { readonly type: string; readonly id: string };
  readonly principal: { readonly type: string; readonly id: string };
  readonly resource: { readonly type: string; readonly id: string };
  readonly context: Attributes;
  /** The attributes of both, which `entities` carries too. */
  readonly attributes: { readonly principal: Attributes; readonly resource: Attributes };
}

export type CedarTypes = Pick<CedarRequest, 'principal' | 'resource'>;

const PRINCIPALS: Readonly<Record<Principal['kind'], string>> = {
  person: `${NAMESPACE}::Person`,
  partner: `${NAMESPACE}::Partner`,
  administrator: `${NAMESPACE}::Administrator`,
  anonymous: `${NAMESPACE}::Anonymous`,
};

const RESOURCES: Readonly<Record<Resource['kind'], string>> = {
  bridge: `${NAMESPACE}::Bridge`,
  person: `${NAMESPACE}::Subject`,
  device: `${NAMESPACE}::Device`,
  address: `${NAMESPACE}::Address`,
  connection: `${NAMESPACE}::Connection`,
  events: `${NAMESPACE}::Events`,
  group: `${NAMESPACE}::Group`,
  data: `${NAMESPACE}::Data`,
  policy: `${NAMESPACE}::Policy`,
};

const ACTION = `${NAMESPACE}::Action`;

/** The request as the schema foresees it. What is not known is left out: a policy that needs it does not permit, or errs. */
export function toCedarRequest(request: DecisionRequest): CedarRequest {
  return new Described(request);
}

/** Each part is made when it is asked for: a decision that is remembered needs only what its policies read. */
class Described implements CedarRequest {
  readonly action: CedarRequest['action'];
  readonly principal: CedarRequest['principal'];
  readonly resource: CedarRequest['resource'];
  readonly #request: DecisionRequest;
  #context: Attributes | undefined;
  #attributes: CedarRequest['attributes'] | undefined;

  constructor(request: DecisionRequest) {
    const { action, principal, resource } = request;
    this.#request = request;
    this.action = { type: ACTION, id: action };
    this.principal = { type: PRINCIPALS[principal.kind], id: principal.id };
    this.resource = { type: RESOURCES[resource.kind], id: resource.id };
  }

  get context(): Attributes {
    this.#context ??= ofContext(this.#request);
    return this.#context;
  }

  get attributes(): CedarRequest['attributes'] {
    const { principal, resource } = this.#request;
    this.#attributes ??= { principal: ofPrincipal(principal), resource: ofResource(resource) };
    return this.#attributes;
  }

  get entities(): CedarRequest['entities'] {
    const { principal, resource } = this.attributes;
    return [entity(this.principal, principal), entity(this.resource, resource)];
  }
}

function ofContext({ principal, resource, context }: DecisionRequest): Attributes {
  const { signIn, ...facts } = context;
  const own = principal.kind === 'person' && resource.owner === principal.id;
  return known({ ...facts, own, signIn: signIn === undefined ? undefined : known({ ...signIn }) });
}

function ofPrincipal(principal: Principal): Attributes {
  switch (principal.kind) {
    case 'person': {
      const { assurance, endorsed, connection } = principal;
      return known({ assurance, endorsed, connection });
    }
    case 'partner':
      return known({ status: principal.status, domains: principal.domains ?? [] });
    case 'administrator':
      return known({ roles: principal.roles });
    case 'anonymous':
      return {};
  }
}

function ofResource({
  kind,
  id,
  domain,
  assurance,
  groupKind,
  label,
  category,
  sensitivity,
}: Resource): Attributes {
  switch (kind) {
    case 'person':
      return known({ assurance });
    case 'address':
      return known({ domain: domain ?? id.slice(id.lastIndexOf('@') + 1), assurance });
    case 'group':
      return known({ groupKind, label });
    case 'data':
      return known({ category, sensitivity });
    default:
      return {};
  }
}

function known(facts: Facts): Attributes {
  const attributes: Attributes = {};
  // Of each request, several times: entries would be garbage.
  for (const name in facts) {
    const value = facts[name];
    if (value !== undefined) attributes[name] = isList(value) ? [...value] : value;
  }
  return attributes;
}

function isList(value: CedarValueJson | readonly string[]): value is readonly string[] {
  return Array.isArray(value);
}

function entity(uid: EntityJson['uid'], attrs: Attributes): EntityJson {
  return { uid, attrs, parents: [] };
}
