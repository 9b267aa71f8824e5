import * as z from 'zod';
import { parseAddress } from '../../protocol/address.ts';
import { CountersignError, isCountersignError } from '../../protocol/errors.ts';
import { findAddress } from '../directory/addresses.ts';
import { domainsOfConnection } from '../directory/domains.ts';
import { findLinkedPerson, isLinkedThrough } from '../directory/upstream-identities.ts';
import type { Transaction } from '../storage/database.ts';
import type { SubjectId } from './idp-token.ts';
import type { Transmitter } from './transmitter.ts';

/** RFC 9493 §3.2.1 to §3.2.3. */
const simple = z.discriminatedUnion('format', [
  z.strictObject({ format: z.literal('iss_sub'), iss: z.string().max(512), sub: z.string().min(1).max(255) }),
  z.strictObject({ format: z.literal('email'), email: z.string().max(254) }),
  z.strictObject({ format: z.literal('account'), uri: z.string().max(300) }),
]);
/** §3.2.8: one person under several names, some of them in forms that mean nothing here. */
const aliases = z.strictObject({
  format: z.literal('aliases'),
  identifiers: z
    .array(z.looseObject({ format: z.string() }))
    .min(1)
    .max(20),
});
const person = z.union([simple, aliases]);
/** As SSF 1.0 §3 has it: its user is the person, the rest says what of them is meant. */
const subject = z.union([person, z.looseObject({ format: z.literal('complex'), user: person })]);

type SimpleSubject = z.infer<typeof simple>;

/**
 * The person of this connection whom a subject names; `undefined` where it is nobody here, which is no fault: an identity
 * provider speaks of all of a company's people. Throws `set_subject` for a subject that is not the transmitter's to name.
 */
export async function personOf(
  tx: Transaction,
  given: SubjectId,
  transmitter: Transmitter,
): Promise<string | undefined> {
  const parsed = subject.safeParse(given);
  if (!parsed.success) {
    throw new CountersignError('set_subject', 'its form is not iss_sub, email, account, aliases or complex');
  }
  const named = parsed.data.format === 'complex' ? parsed.data.user : parsed.data;
  return named.format === 'aliases'
    ? personByAliases(tx, named.identifiers, transmitter)
    : personByName(tx, named, transmitter);
}

async function personByName(
  tx: Transaction,
  named: SimpleSubject,
  transmitter: Transmitter,
): Promise<string | undefined> {
  switch (named.format) {
    case 'iss_sub':
      return personByUpstreamId(tx, named, transmitter);
    case 'email':
      return personByAddress(tx, named.email, transmitter);
    case 'account':
      return personByAddress(tx, addressOfAccount(named.uri), transmitter);
  }
}

/** A private address may be among them: those that are not the transmitter's to name are passed by, unless all are. */
async function personByAliases(
  tx: Transaction,
  identifiers: readonly { readonly format: string }[],
  transmitter: Transmitter,
): Promise<string | undefined> {
  const found = new Set<string>();
  let refusal: unknown = new CountersignError('set_subject', 'none of its aliases is of a form known here');
  let named = 0;
  for (const each of identifiers) {
    const parsed = simple.safeParse(each);
    if (!parsed.success) continue;
    try {
      const sub = await personByName(tx, parsed.data, transmitter);
      named += 1;
      if (sub !== undefined) found.add(sub);
    } catch (error) {
      if (!isCountersignError(error, 'set_subject')) throw error;
      refusal = error;
    }
  }
  if (named === 0) throw refusal;
  if (found.size > 1) throw new CountersignError('set_subject', 'its aliases name more than one person');
  return [...found][0];
}

/** RFC 7565: the local part may be percent-encoded. */
function addressOfAccount(uri: string): string {
  const [, local, host] = /^acct:([^@]+)@([^@]+)$/i.exec(uri) ?? [];
  if (local === undefined) throw new CountersignError('set_subject', 'its uri is no acct URI');
  try {
    return `${decodeURIComponent(local)}@${host}`;
  } catch (cause) {
    throw new CountersignError('set_subject', 'its uri is no acct URI', { cause });
  }
}

async function personByUpstreamId(
  tx: Transaction,
  { iss, sub }: Extract<SimpleSubject, { format: 'iss_sub' }>,
  { connection, issuer, subject_issuer: other }: Transmitter,
): Promise<string | undefined> {
  if (iss !== (other ?? issuer)) throw new CountersignError('set_subject', 'its iss is another issuer');
  return findLinkedPerson(tx, connection, sub);
}

/** By the connection's domains, and only who is known through the connection: another one may share the domain. */
async function personByAddress(
  tx: Transaction,
  email: string,
  { connection }: Transmitter,
): Promise<string | undefined> {
  const { address, domain } = parsedAddress(email);
  if (!(await domainsOfConnection(tx, connection)).includes(domain)) {
    throw new CountersignError('set_subject', 'the address is on no domain of the connection');
  }
  const sub = (await findAddress(tx, address))?.sub;
  return sub !== undefined && (await isLinkedThrough(tx, connection, sub)) ? sub : undefined;
}

function parsedAddress(email: string) {
  try {
    return parseAddress(email);
  } catch (cause) {
    throw new CountersignError('set_subject', 'the address is not in the plain form', { cause });
  }
}
