import { parseAddress } from '../address.ts';
import { digest } from '../claims.ts';
import { CountersignError } from '../errors.ts';

/** The most recipients that one policy names: each is an encryption and a stored key whenever data is sealed. */
export const RECIPIENTS = 16;

/** What stands in `@recipients`: a group of the policy's own bridge, or somebody who is known when it is asked. */
export type RecipientTerm =
  | { readonly kind: 'group'; readonly group: string }
  | { readonly kind: 'data-subject' }
  | { readonly kind: 'asker' };

/** Of whom a policy's terms are read, at one time. */
export interface RecipientNames {
  /** Entity id of the bridge whose policy it is; its groups live there. */
  readonly iss: string;
  /** The enrolled address of whoever asks. */
  readonly asker: string;
  /** The address that the data is about, in its one form. */
  readonly dataSubject: string | undefined;
}

export type NamedRecipient = { readonly iss: string; readonly group: string } | { readonly address: string };

/**
 * The terms of `@recipients("group:<id>, %USER%, %LOGGED_IN_USER%")`, between commas. Throws `claims_invalid` for any
 * other word, none, too many, or one twice.
 */
export function parseRecipientTerms(text: string): readonly RecipientTerm[] {
  const words = text.split(',').map((word) => word.trim());
  if (words.length > RECIPIENTS) {
    throw new CountersignError('claims_invalid', `@recipients names more than ${RECIPIENTS}`);
  }
  const [twice] = words.filter((word, index) => words.indexOf(word) !== index);
  if (twice !== undefined) throw new CountersignError('claims_invalid', `@recipients names ${twice} twice`);
  return words.map(parseTerm);
}

function parseTerm(word: string): RecipientTerm {
  if (word === '%USER%') return { kind: 'data-subject' };
  if (word === '%LOGGED_IN_USER%') return { kind: 'asker' };
  const [kind, group] = word.split(':');
  const parsed = digest.safeParse(group);
  if (kind === 'group' && parsed.success && word === `group:${parsed.data}`) {
    return { kind: 'group', group: parsed.data };
  }
  throw new CountersignError(
    'claims_invalid',
    `@recipients takes group:<id of a group>, %USER% and %LOGGED_IN_USER%, not "${word}"`,
  );
}

/**
 * Whom the terms mean, each once, in their order. Throws `malformed_request` where a policy names the person whom the
 * data is about, and nobody said who that is.
 */
export function nameRecipients(
  terms: readonly RecipientTerm[],
  { iss, asker, dataSubject }: RecipientNames,
): readonly NamedRecipient[] {
  const named = terms.map((term): NamedRecipient => {
    if (term.kind === 'group') return { iss, group: term.group };
    if (term.kind === 'asker') return { address: asker };
    if (dataSubject === undefined) {
      throw new CountersignError('malformed_request', 'The policy names the data subject: say who that is.');
    }
    return { address: parseAddress(dataSubject).address };
  });
  return named.filter((each, index) => index === named.findIndex((other) => isSameRecipient(each, other)));
}

export function isSameRecipient(left: NamedRecipient, right: NamedRecipient): boolean {
  if ('address' in left) return 'address' in right && left.address === right.address;
  return 'group' in right && left.iss === right.iss && left.group === right.group;
}
