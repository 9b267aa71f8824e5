import type { UpstreamIdentity } from '../connector.ts';
import { NAME_ID } from './names.ts';
import { mappedValues } from './post-gate/attributes.ts';
import type { VerifiedAssertion } from './post-gate/post-gate.ts';
import { refuse } from './refuse.ts';
import { type AttributeMapping, DEFAULT_ATTRIBUTES, type SubjectSource } from './saml-settings.ts';

export interface IdentityMapping {
  readonly attributes?: Partial<AttributeMapping>;
  readonly subject?: SubjectSource;
}

/** What the verified assertion says about the person, in the connectors' common form. */
export function toUpstreamIdentity(
  assertion: VerifiedAssertion,
  mapping: IdentityMapping,
  context: { readonly issuer: string; readonly evidence: string },
): UpstreamIdentity {
  const names = { ...DEFAULT_ATTRIBUTES, ...mapping.attributes };
  return {
    issuer: context.issuer,
    subject: subjectOf(assertion, mapping.subject ?? { nameId: 'persistent' }),
    addresses: addressesOf(assertion, names),
    name: mappedValues(assertion.attributes, names.name)[0] ?? null,
    groups: mappedValues(assertion.attributes, names.groups),
    signIn: {
      protocol: 'saml',
      acr: assertion.authn.contextClass,
      amr: [],
      authTime: Math.floor(assertion.authn.instant / 1000),
    },
    assertionId: assertion.id,
    assertionExpires: Math.ceil(assertion.replayableUntil / 1000),
    evidence: context.evidence,
  };
}

/** A transient NameID is another one each time, an email address may pass to another person: only persistent. */
function subjectOf({ nameId, attributes }: VerifiedAssertion, source: SubjectSource): string {
  if ('nameId' in source) {
    if (nameId.format !== NAME_ID.persistent) refuse('saml_subject', 'the NameID is not persistent');
    return nameId.value;
  }
  const [value, second] = mappedValues(attributes, [source.attribute]);
  if (value === undefined || second !== undefined) {
    refuse('saml_subject', 'the attribute that names the subject has not exactly one value');
  }
  return value;
}

function addressesOf({ nameId, attributes }: VerifiedAssertion, names: AttributeMapping): readonly string[] {
  const asserted = mappedValues(attributes, names.address);
  return asserted.length === 0 && nameId.format === NAME_ID.email ? [nameId.value] : asserted;
}
