import { parseAddress } from '../../protocol/address.ts';
import type { SignedStatement } from '../../protocol/key-statement.ts';
import { verifiedDomains } from '../directory/domains.ts';
import { latestStatements } from '../directory/statements.ts';
import type { Resource } from '../policy/decision.ts';
import type { Database, Query } from '../storage/database.ts';
import { rememberReads } from '../storage/remembered-reads.ts';
import { type DescribedPerson, describePersons } from './credential-store.ts';
import type { PublishedStatements, Standing } from './published-statements.ts';
import { addressResource } from './visibility.ts';

/** Where an address stands, and who stands behind it. */
export interface AddressStanding {
  readonly standing: Standing;
  /** The address with whose it is, or was last, as policy is asked about it. */
  readonly resource: Resource;
  /** Whose active statement it is. */
  readonly person?: DescribedPerson | undefined;
  /** Whether it is the newest statement, and not the one before a rotation that waits for its publication. */
  readonly isNewest: boolean;
}

/** Finds where addresses stand at the time of the call; those that were never anybody's are absent. */
export type FindStandings = (addresses: readonly string[]) => Promise<ReadonlyMap<string, AddressStanding>>;

/** Some 3 KB each. */
const REMEMBERED = 10_000;

export function createStandings(database: Database, published: PublishedStatements): FindStandings {
  async function read(query: Query, addresses: readonly string[]): Promise<Map<string, AddressStanding>> {
    const [verified, latest] = await Promise.all([
      verifiedDomains(query),
      latestStatements(query, addresses),
    ]);
    const domains = new Set(verified);
    const standings = new Map<string, { standing: Standing; newest: SignedStatement }>();
    const subs = new Set<string>();
    for (const [address, newest] of latest) {
      if (!domains.has(parseAddress(address).domain)) continue;
      const standing = await published.standingOf(query, newest);
      standings.set(address, { standing, newest });
      if (standing.status === 'active') subs.add(standing.signed.statement.sub);
    }
    const persons = await describePersons(query, [...subs]);
    return new Map(
      [...standings].map(([address, { standing, newest }]) => [
        address,
        {
          standing,
          resource: addressResource(newest.statement),
          person: standing.status === 'active' ? persons.get(standing.signed.statement.sub) : undefined,
          isNewest: 'signed' in standing && standing.signed === newest,
        },
      ]),
    );
  }

  // A newest statement that waits for its publication is looked at again each time: more than a commit may end that.
  return rememberReads(database, read, { room: REMEMBERED, isSettled: ({ isNewest }) => isNewest });
}
