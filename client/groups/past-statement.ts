import { CountersignError } from '../../protocol/errors.ts';
import { type KeyStatement, type SignedStatement, statementHash } from '../../protocol/key-statement.ts';
import { thumbprint } from '../../protocol/public-key.ts';
import { followRotations } from '../../protocol/rotation-chain.ts';
import { withEarlier } from '../judge.ts';
import { lookUp } from '../look-up.ts';
import type { ClientParts } from '../own-account.ts';
import type { PinDraft } from '../pin-draft.ts';
import type { AddressPin } from '../pin-store.ts';

/** The statements that led to the one of today, which is the last; none where nobody answers to the address. */
export type StatementsToday = readonly SignedStatement[];

/** Looks an address up, which pins whoever it is today, and keeps what shows how they came to their keys. */
export async function lookUpToday(parts: ClientParts, address: string): Promise<StatementsToday> {
  let today: StatementsToday = [];
  await lookUp(parts, [address], {
    onVerified: ({ rotations = [] }, { binding: { statement, signatures } }) => {
      today = [...rotations, { statement, signatures }];
    },
  });
  return today;
}

/**
 * Holds a statement of then against what is pinned of its address: it is that person's if it is the pinned one, if it
 * is signed by a `sig` that the pinned one is known to continue, or if the statements of today lead back to it, each by the
 * hash of the one before. A bridge has the person's name and public keys, and can sign and date everything else.
 *
 * An address of which nothing is pinned is a first contact, and pinned (`asPin`), as in a look-up. Throws `pin_changed`,
 * `statement_forked`, `version_rollback`.
 */
export async function recognizePast(
  draft: PinDraft,
  asPin: AddressPin,
  { past, today }: { readonly past: KeyStatement; readonly today: StatementsToday },
): Promise<void> {
  const { address } = past;
  const pin = draft.address(address);
  const revoked = draft.revoked(address);
  assertBefore(past, pin ?? revoked);
  if (pin === undefined) {
    const ended = revoked?.iss === past.iss ? { ...revoked, status: 'revoked' as const } : {};
    return draft.setAddress(address, { ...asPin, ...ended });
  }
  if (!isSamePerson(pin, past)) throw anotherKey(address);
  const sig = thumbprint(past.keys[1]);
  if (sig === thumbprint(pin.sig) || pin.earlier?.includes(sig)) return;
  draft.setAddress(address, withEarlier(pin, await sigsSince(past, today, pin)));
}

/** Of one issuer there is one statement of a version, and none that is newer than the newest. */
function assertBefore(
  past: KeyStatement,
  known: Pick<AddressPin, 'iss' | 'version' | 'statement_hash'> | undefined,
): void {
  if (known === undefined || known.iss !== past.iss || past.version < known.version) return;
  if (past.version > known.version) {
    throw new CountersignError('version_rollback', `${past.address} is shown newer in evidence of then`);
  }
  if (statementHash(past) !== known.statement_hash) {
    throw new CountersignError('statement_forked', `there are two versions ${past.version}`);
  }
}

function isSamePerson(
  pin: Pick<AddressPin, 'iss' | 'sub' | 'pre'>,
  { iss, sub, keys }: KeyStatement,
): boolean {
  return pin.iss === iss && pin.sub === sub && thumbprint(pin.pre) === thumbprint(keys[0]);
}

/**
 * Thumbprints of the `sig` keys from `past` to the pinned one. The first statement after it must name it by its hash: its
 * owner signed that, and nobody finds another statement of the same hash.
 */
async function sigsSince(past: KeyStatement, today: StatementsToday, pin: AddressPin): Promise<string[]> {
  const since = today.filter(({ statement }) => statement.version > past.version);
  const [next] = since;
  const isNamed = next?.statement.version === past.version + 1 && next.statement.prev === statementHash(past);
  if (!isNamed) throw anotherKey(past.address);
  const known = { sig: past.keys[1], version: past.version };
  const { last } = await followRotations(since, known);
  if (last === null || statementHash(last) !== pin.statement_hash) throw anotherKey(past.address);
  return [past, ...since.slice(0, -1).map(({ statement }) => statement)].map(({ keys }) =>
    thumbprint(keys[1]),
  );
}

function anotherKey(address: string): CountersignError {
  return new CountersignError('pin_changed', `the key of ${address} was another one then`);
}
