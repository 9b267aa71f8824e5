import type { Assurance } from '../../protocol/claims.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { addressesOf, findAddress } from '../directory/addresses.ts';
import { devicesOf } from '../directory/devices.ts';
import { findPerson, listPersons, type Person } from '../directory/persons.ts';
import { latestStatements } from '../directory/statements.ts';
import type { Database, Query } from '../storage/database.ts';

/** A person as administrators see them. Times in seconds. */
export interface PersonSummary {
  readonly sub: string;
  readonly status: 'active' | 'closed';
  readonly name: string | null;
  readonly assurance: Assurance;
  readonly created: number;
  /** The primary one first; none once closed. */
  readonly addresses: readonly string[];
}

export interface PersonOverview extends PersonSummary {
  /** The newest statement of each address of theirs. */
  readonly statements: readonly {
    readonly address: string;
    readonly version: number;
    readonly keyVersion: number;
    readonly status: 'active' | 'revoked';
    readonly since: number;
  }[];
  readonly devices: readonly {
    readonly id: string;
    readonly label: string;
    readonly added: number;
    readonly lastSeen: number;
  }[];
}

/** What stands in the directory, for administrators. Shows no key, share or vault. */
export interface PersonOverviews {
  /** In the order of their ids, from the one after `after`; with `address`, at most who holds it now. */
  list(page: {
    after?: string | undefined;
    limit: number;
    address?: string | undefined;
  }): Promise<PersonSummary[]>;
  /** Throws `person_unknown`. */
  get(sub: string): Promise<PersonOverview>;
}

export function createPersonOverviews({ database }: { readonly database: Database }): PersonOverviews {
  return {
    list: ({ after, limit, address }) =>
      database.read(async (query) => {
        const persons =
          address === undefined
            ? await listPersons(query, { limit, ...(after === undefined ? {} : { after }) })
            : await holderOf(query, address);
        return Promise.all(persons.map((person) => summary(query, person)));
      }),

    get: (sub) =>
      database.read(async (query) => {
        const person = await findPerson(query, sub);
        if (person === undefined) throw new CountersignError('person_unknown');
        const found = await summary(query, person);
        const statements = await latestStatements(query, found.addresses);
        const devices = await devicesOf(query, sub);
        return {
          ...found,
          statements: [...statements.values()]
            .map(({ statement }) => statement)
            .filter((statement) => statement.sub === sub)
            .map(({ address, version, key_version: keyVersion, status, since }) => ({
              ...{ address, version, keyVersion, status, since },
            })),
          devices: devices.map(({ device_id: id, label, added, last_seen: lastSeen }) => ({
            ...{ id, label, added, lastSeen },
          })),
        };
      }),
  };
}

async function holderOf(query: Query, address: string): Promise<Person[]> {
  const held = await findAddress(query, address);
  const person = held === undefined ? undefined : await findPerson(query, held.sub);
  return person === undefined ? [] : [person];
}

async function summary(query: Query, person: Person): Promise<PersonSummary> {
  const { sub, status, name, assurance, created } = person;
  const addresses = (await addressesOf(query, sub)).map(({ address }) => address);
  return { sub, status, name, assurance, created, addresses };
}
