import type { Json } from '../../../protocol/canonical-json.ts';
import { sha256Base64url } from '../../../protocol/hash.ts';
import type { SignedStatement } from '../../../protocol/key-statement.ts';
import { type LookUpResponse, type LookUpResult, lookUpBodySchema } from '../../../protocol/look-up.ts';
import type { PartnerRecord } from '../../../protocol/partner-record.ts';
import type { Company } from '../../protocol/company.ts';
import type { FakePerson } from './fake-person.ts';
import { type Lies, tell } from './lies.ts';

/** The log proof that a company staples to a statement of its own; nothing where it keeps no log. */
export type Staple = (by: Company, signed: SignedStatement) => Promise<{ log_proof?: string }>;

/** Look-ups of own persons, and of the one person of each partner; `results` and `records` replace what is honest. */
export class FakeLookUps {
  readonly partners: Company[] = [];
  /** By address: what is said in place of the honest result. */
  readonly results = new Map<string, (honest: LookUpResult) => LookUpResult | Promise<LookUpResult>>();
  /** By entity id: changes to the record, or null for none at all. */
  readonly records = new Map<string, ((honest: PartnerRecord) => PartnerRecord) | null>();
  readonly #company: Company;
  readonly #persons: () => Iterable<FakePerson>;
  readonly #lies: Lies;
  readonly #now: () => number;
  readonly #staple: Staple;

  constructor(
    company: Company,
    persons: () => Iterable<FakePerson>,
    lies: Lies,
    now: () => number,
    staple: Staple = async () => ({}),
  ) {
    this.#staple = staple;
    this.#company = company;
    this.#persons = persons;
    this.#lies = lies;
    this.#now = now;
  }

  async answer(text: string, deviceId: string): Promise<string> {
    const body = lookUpBodySchema.parse(JSON.parse(text));
    const results = await Promise.all(body.addresses.map((address) => this.#result(address)));
    const issuers = new Set(results.map(({ iss }) => iss));
    const records = await Promise.all([...issuers].map((iss) => this.#record(iss)));
    const honest: LookUpResponse = {
      iss: this.#company.iss,
      aud: deviceId,
      jti: body.request_id,
      request_hash: sha256Base64url(text),
      iat: this.#now(),
      exp: this.#now() + 60,
      results,
      records: records.filter((record) => record !== null),
    };
    const told = await tell(this.#lies, 'response', honest);
    const token = await this.#company.signs('federation', 'key-lookup-response+jwt', told as Json);
    return tell(this.#lies, 'responseToken', token);
  }

  async #result(address: string): Promise<LookUpResult> {
    const honest = await this.#honest(address);
    const changed = (await this.results.get(address)?.(honest)) ?? honest;
    return tell(this.#lies, 'result', changed);
  }

  async #honest(address: string): Promise<LookUpResult> {
    const as_of = this.#now();
    const partner = this.partners.find(({ domain }) => address.endsWith(`@${domain}`));
    const answered =
      partner === undefined
        ? { address, as_of, source: 'own' as const, iss: this.#company.iss }
        : { address, as_of, source: 'partner' as const, iss: partner.iss };
    if (partner?.person.address === address) {
      const signed = await partner.signedStatement();
      const credential = await partner.credential(signed, await this.#staple(partner, signed));
      const attributes = await partner.attributes(this.#company.iss, { name: 'Bob Builder' });
      return { status: 'credential', ...answered, credential: { ...credential, attributes } };
    }
    const person = [...this.#persons()].find((each) => each.address === address);
    if (person?.signed == null) return { status: 'not_found', ...answered };
    const staple = await this.#staple(this.#company, person.signed);
    const credential = await this.#company.credential(person.signed, staple);
    return { status: 'credential', ...answered, credential };
  }

  async #record(iss: string): Promise<string | null> {
    const change = this.records.get(iss);
    if (change === null) return null;
    const about = this.partners.find((partner) => partner.iss === iss) ?? this.#company;
    const honest = this.#company.partnerRecordClaims(about.trusted());
    return this.#company.signs('record', 'partner-record+jwt', (change?.(honest) ?? honest) as Json);
  }
}
