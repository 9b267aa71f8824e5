import { entityId } from '../../protocol/claims.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { TXT_RECORDS } from '../lib/limits.ts';
import type { Resolver } from '../lib/resolver.ts';

/** What a domain's owner says in DNS: which bridge speaks for the domain, and by which root (PROTOCOL §6). */
export interface DomainRecord {
  readonly entityId: string;
  readonly rootThumbprint: string;
}

/** The text of the TXT record `_countersign.<domain>`. */
export function formatDomainRecord(record: DomainRecord): string {
  return `v=countersign1 entity=${record.entityId} root=${record.rootThumbprint}`;
}

/** The name under which the record stands. */
export function domainRecordName(domain: string): string {
  return `_countersign.${domain}`;
}

/**
 * The one record of a domain. Several, or one that is malformed, is refused rather than guessed about. Throws
 * `partner_dns`, or `name_unresolvable` when nobody could say.
 */
export async function readDomainRecord(resolver: Resolver, domain: string): Promise<DomainRecord> {
  const name = domainRecordName(domain);
  const texts = (await txtOrNone(resolver, name))
    .slice(0, TXT_RECORDS)
    .filter((text) => text.startsWith('v=countersign1'));
  const [text] = texts;
  if (text === undefined)
    throw new CountersignError('partner_dns', `There is no countersign1 record at ${name}.`);
  if (texts.length > 1)
    throw new CountersignError('partner_dns', `There are several records at ${name}; one is needed.`);
  const match = /^v=countersign1 entity=(\S+) root=([A-Za-z0-9_-]{43})$/.exec(text);
  const entity = entityId.safeParse(match?.[1]);
  if (!entity.success || match?.[2] === undefined) {
    throw new CountersignError('partner_dns', `The record at ${name} is malformed.`);
  }
  return { entityId: entity.data, rootThumbprint: match[2] };
}

async function txtOrNone(resolver: Resolver, name: string): Promise<readonly string[]> {
  try {
    return await resolver.txt(name);
  } catch (error) {
    if (error instanceof CountersignError && error.code === 'name_not_found') return [];
    throw error;
  }
}
