import { parseAddress } from '../../protocol/address.ts';
import { verifiedDomains } from '../directory/domains.ts';
import { latestStatements } from '../directory/statements.ts';
import type { Database, Query } from '../storage/database.ts';
import { rememberReads } from '../storage/remembered-reads.ts';
import { type DescribedPerson, describePersons } from './credential-store.ts';
import type { PublishedStatements, Standing } from './published-statements.ts';

/** Where an address stands, and who stands behind it. */
export interface AddressStanding {
  readonly standing: Standing;
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
    const domains = new Set(await verifiedDomains(query));
    const latest = await latestStatements(query, addresses);
    const standings = new Map<string, Standing>();
    const subs = new Set<string>();
    for (const [address, statement] of latest) {
      if (!domains.has(parseAddress(address).domain)) continue;
      const standing = await published.standingOf(query, statement);
      standings.set(address, standing);
      if (standing.status === 'active') subs.add(standing.signed.statement.sub);
    }
    const persons = await describePersons(query, [...subs]);
    return new Map(
      [...standings].map(([address, standing]) => [
        address,
        {
          standing,
          person: standing.status === 'active' ? persons.get(standing.signed.statement.sub) : undefined,
          isNewest: 'signed' in standing && standing.signed === latest.get(address),
        },
      ]),
    );
  }

  // A newest statement that waits for its publication is looked at again each time: more than a commit may end that.
  return rememberReads(database, read, { room: REMEMBERED, isSettled: ({ isNewest }) => isNewest });
}
