import type * as z from 'zod/mini';
import type { Json } from '../../protocol/canonical-json.ts';
import { displayText } from '../../protocol/claims.ts';
import { identityAttributesSchema } from '../../protocol/identity-attributes.ts';
import type { Policy } from '../policy/built-in-policy.ts';
import type { DescribedPerson } from './credential-store.ts';
import type { IssuedTokens } from './issued-tokens.ts';
import type { Asker } from './services.ts';

const shownName = displayText(256);
const shownSignIn = identityAttributesSchema.shape.sign_in;

/**
 * `identity-attributes+jwt` (PROTOCOL §4): name, organization and sign-in strength for one's own people, name and
 * organization for partners; null where policy ('see-attributes') tells them nothing.
 */
export async function issueAttributes(
  deps: { policy: Policy; tokens: IssuedTokens; iss: string; organization: string },
  person: DescribedPerson,
  asker: Asker,
): Promise<string | null> {
  const decision = deps.policy.decide({
    action: 'see-attributes',
    principal: asker.principal,
    resource: { kind: 'person', id: person.sub, owner: person.sub },
    context: {},
  });
  if (decision.effect === 'deny') return null;
  return deps.tokens.issue('identity-attributes+jwt', {
    iss: deps.iss,
    sub: person.sub,
    aud: asker.audience,
    organization: deps.organization,
    ...told(shownName, 'name', person.name),
    ...(asker.principal.kind === 'person'
      ? told(shownSignIn, 'sign_in', person.sign_in === null ? null : JSON.parse(person.sign_in))
      : {}),
  });
}

/** An IdP may send a name that nobody may be shown: then there is none, and the rest stands. */
function told(schema: z.ZodMiniType, name: string, value: unknown): { readonly [name: string]: Json } {
  const parsed = value === null ? undefined : schema.safeParse(value);
  return parsed?.success ? { [name]: parsed.data as Json } : {};
}
