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

/** The request as the schema foresees it. What is not known is left out: a policy that needs it does not permit, or errs. */
export function toCedarRequest({ action, principal, resource, context }: DecisionRequest): CedarRequest {
  const attributes = { principal: ofPrincipal(principal), resource: ofResource(resource) };
  const principalUid = { type: PRINCIPALS[principal.kind], id: principal.id };
  const resourceUid = { type: RESOURCES[resource.kind], id: resource.id };
  const own = principal.kind === 'person' && resource.owner === principal.id;
  const { signIn, ...facts } = context;
  return {
    action: { type: `${NAMESPACE}::Action`, id: action },
    principal: principalUid,
    resource: resourceUid,
    context: known({ ...facts, own, signIn: signIn === undefined ? undefined : known({ ...signIn }) }),
    attributes,
    entities: [entity(principalUid, attributes.principal), entity(resourceUid, attributes.resource)],
  };
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
  for (const [name, value] of Object.entries(facts)) {
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
