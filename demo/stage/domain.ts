/** A domain as the admin API shows it. */
export interface Domain {
  readonly domain: string;
  readonly status: string;
  /** Proves the domain to the own bridge. */
  readonly record: DnsRecord;
  /** Tells partners which bridge speaks for the domain. */
  readonly federationRecord: DnsRecord;
}

interface DnsRecord {
  readonly name: string;
  readonly value: string;
}
