import type * as z from 'zod/mini';
import type { Json } from '../../protocol/canonical-json.ts';
import { displayText } from '../../protocol/claims.ts';
import { identityAttributesSchema } from '../../protocol/identity-attributes.ts';
import type { Policy } from '../policy/policy.ts';
import type { DescribedPerson } from './credential-store.ts';
import type { IssuedBody, IssuedTokens } from './issued-tokens.ts';
import type { Visibility } from './visibility.ts';

const shownName = displayText(256);
const shownSignIn = identityAttributesSchema.shape.sign_in;

/** What is told of a person, to whoever asks for it; `audience` as in `Asker`. */
export type IssueAttributes = (
  person: DescribedPerson,
  visibility: Visibility,
  audience: string,
) => Promise<string> | null;

/** Which of what is known of a person is told. */
interface Told {
  readonly name: boolean;
  readonly signIn: boolean;
}

/**
 * `identity-attributes+jwt` (PROTOCOL §4): the organization with name and sign-in strength, each as policy lets this
 * asker see it ('see-name', 'see-sign-in'); null where it is neither.
 */
export function createAttributes(deps: {
  tokens: IssuedTokens;
  policy: Pick<Policy, 'lifetimes'>;
  iss: string;
  organization: string;
}): IssueAttributes {
  const { tokens, policy, iss, organization } = deps;
  const made = new WeakMap<DescribedPerson, Map<string, IssuedBody>>();

  /** Made once for all who are told the same, for as long as the person is remembered as they are. */
  function bodyFor(person: DescribedPerson, told: Told): IssuedBody {
    const bodies = made.get(person) ?? new Map<string, IssuedBody>();
    made.set(person, bodies);
    const what = `${told.name} ${told.signIn}`;
    const body = bodies.get(what) ?? describe(person, told);
    bodies.set(what, body);
    return body;
  }

  function describe({ sub, name, sign_in }: DescribedPerson, told: Told): IssuedBody {
    const signIn = sign_in === null ? null : JSON.parse(sign_in);
    return {
      iss,
      sub,
      organization,
      ...(told.name ? shown(shownName, 'name', name) : {}),
      ...(told.signIn ? shown(shownSignIn, 'sign_in', signIn) : {}),
    };
  }

  return (person, visibility, audience) => {
    const told = { name: visibility.seesName(person), signIn: visibility.seesSignIn(person) };
    if (!told.name && !told.signIn) return null;
    const life = policy.lifetimes.binding(person.assurance);
    return tokens.issue('identity-attributes+jwt', bodyFor(person, told), { life, audience });
  };
}

/** An IdP may send a name that nobody may be shown: then there is none, and the rest stands. */
function shown(schema: z.ZodMiniType, name: string, value: unknown): { readonly [name: string]: Json } {
  const parsed = value === null ? undefined : schema.safeParse(value);
  return parsed?.success ? { [name]: parsed.data as Json } : {};
}
