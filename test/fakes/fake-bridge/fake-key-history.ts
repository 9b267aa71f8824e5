import type { KeyFindingReport, KeyHistory } from '../../../protocol/key-history.ts';
import type { SignedStatement } from '../../../protocol/key-statement.ts';
import type { Company } from '../../protocol/company.ts';
import type { FakeLog } from './fake-log.ts';
import type { FakePerson } from './fake-person.ts';
import { type Lies, tell } from './lies.ts';

/** The versions of a person's address, from when they were first asked for or added here. */
export class FakeKeyHistory {
  /** By address: what was there before the current statement, and what a test adds. */
  readonly versions = new Map<string, SignedStatement[]>();
  /** What clients reported, as they did. */
  readonly reported: KeyFindingReport[] = [];
  readonly #company: Company;
  readonly #log: () => FakeLog | null;
  readonly #lies: Lies;
  readonly #now: () => number;

  constructor(company: Company, log: () => FakeLog | null, lies: Lies, now: () => number) {
    this.#company = company;
    this.#log = log;
    this.#lies = lies;
    this.#now = now;
  }

  /** Adds the next version to an address: logged and shown, whoever made it. */
  add(person: FakePerson, signed: SignedStatement): void {
    const versions = this.of(person);
    versions.push(signed);
    for (const { statement } of versions) this.#log()?.ensure(statement, this.#now());
    person.signed = signed.statement.status === 'active' ? signed : null;
    person.last = signed.statement;
  }

  of(person: FakePerson): SignedStatement[] {
    const versions = this.versions.get(person.address) ?? [];
    const { signed } = person;
    if (
      signed !== null &&
      !versions.some(({ statement }) => statement.version === signed.statement.version)
    ) {
      versions.push(signed);
    }
    this.versions.set(person.address, versions);
    return versions;
  }

  async answer(person: FakePerson, url: URL): Promise<KeyHistory> {
    const from = Number(url.searchParams.get('from'));
    const versions = this.of(person).slice(from);
    const log = this.#log();
    const newest = versions.at(-1);
    const staple = newest === undefined || log === null ? {} : await log.stapleOf(newest, this.#now());
    const honest: KeyHistory = {
      iss: this.#company.iss,
      address: person.address,
      online_keys: await this.#company.onlineKeysToken(),
      versions: versions.map((signed) => ({
        ...signed,
        logged: log?.timeOf(signed.statement) ?? null,
        by: { kind: 'person' },
      })),
      more: false,
      ...staple,
    };
    return tell(this.#lies, 'keyHistory', honest);
  }
}
