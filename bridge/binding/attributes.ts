import type * as z from 'zod/mini';
import type { Json } from '../../protocol/canonical-json.ts';
import { displayText } from '../../protocol/claims.ts';
import { identityAttributesSchema } from '../../protocol/identity-attributes.ts';
import type { Policy } from '../policy/policy.ts';
import type { DescribedPerson } from './credential-store.ts';
import type { IssuedBody, IssuedTokens } from './issued-tokens.ts';
import type { Asker } from './services.ts';

const shownName = displayText(256);
const shownSignIn = identityAttributesSchema.shape.sign_in;

/** What is told of a person, to whoever asks for it. */
export type IssueAttributes = (person: DescribedPerson, asker: Asker) => Promise<string | null>;

/**
 * `identity-attributes+jwt` (PROTOCOL §4): name, organization and sign-in strength for one's own people, name and
 * organization for partners; null where policy ('see-attributes') tells them nothing.
 */
export function createAttributes(deps: {
  policy: Policy;
  tokens: IssuedTokens;
  iss: string;
  organization: string;
}): IssueAttributes {
  const { policy, tokens, iss, organization } = deps;
  const toColleagues = new WeakMap<DescribedPerson, IssuedBody>();
  const toOthers = new WeakMap<DescribedPerson, IssuedBody>();

  /** Made once, for as long as the person is remembered as they are. */
  function bodyFor(person: DescribedPerson, isColleague: boolean): IssuedBody {
    const made = isColleague ? toColleagues : toOthers;
    const body = made.get(person) ?? describe(person, isColleague);
    made.set(person, body);
    return body;
  }

  function describe({ sub, name, sign_in }: DescribedPerson, isColleague: boolean): IssuedBody {
    return {
      iss,
      sub,
      organization,
      ...told(shownName, 'name', name),
      ...(isColleague ? told(shownSignIn, 'sign_in', sign_in === null ? null : JSON.parse(sign_in)) : {}),
    };
  }

  return async (person, asker) => {
    const decision = policy.decide({
      action: 'see-name',
      principal: asker.principal,
      resource: { kind: 'person', id: person.sub, owner: person.sub },
      context: {},
    });
    if (decision.effect === 'deny') return null;
    const body = bodyFor(person, asker.principal.kind === 'person');
    return tokens.issue('identity-attributes+jwt', body, asker.audience);
  };
}

/** An IdP may send a name that nobody may be shown: then there is none, and the rest stands. */
function told(schema: z.ZodMiniType, name: string, value: unknown): { readonly [name: string]: Json } {
  const parsed = value === null ? undefined : schema.safeParse(value);
  return parsed?.success ? { [name]: parsed.data as Json } : {};
}
