import * as z from 'zod';
import { parseAddress } from '../../protocol/address.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { findAddress } from '../directory/addresses.ts';
import { domainsOfConnection } from '../directory/domains.ts';
import { findLinkedPerson, isLinkedThrough } from '../directory/upstream-identities.ts';
import type { Transaction } from '../storage/database.ts';
import type { SubjectId } from './idp-token.ts';
import type { Transmitter } from './transmitter.ts';

/** RFC 9493; `complex` as SSF 1.0 §3 has it: its user is the person, the rest says what of them is meant. */
const simple = z.discriminatedUnion('format', [
  z.strictObject({ format: z.literal('iss_sub'), iss: z.string().max(512), sub: z.string().min(1).max(255) }),
  z.strictObject({ format: z.literal('email'), email: z.string().max(254) }),
]);
const subject = z.union([simple, z.looseObject({ format: z.literal('complex'), user: simple })]);

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
  if (!parsed.success) throw new CountersignError('set_subject', 'its form is not iss_sub, email or complex');
  const named = parsed.data.format === 'complex' ? parsed.data.user : parsed.data;
  return named.format === 'email'
    ? personByAddress(tx, named.email, transmitter)
    : personByUpstreamId(tx, named, transmitter);
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
