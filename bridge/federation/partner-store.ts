import * as z from 'zod';
import { type PolicyReference, policyReference } from '../../protocol/entity-configuration.ts';
import type { TrustedIssuer } from '../../protocol/partner-record.ts';
import type { Query, Transaction } from '../storage/database.ts';
import type { PartnersTable } from '../storage/tables/federation.ts';

/** A partner as pinned. */
export type Partner = Readonly<Omit<PartnersTable, 'domains' | 'policy'>> & {
  readonly domains: readonly string[];
  /** By which it said that it decides, when it was last read. */
  readonly policy: PolicyReference | null;
};

const domainsSchema = z.array(z.string());

export async function findPartner(
  reader: Query | Transaction,
  entityId: string,
): Promise<Partner | undefined> {
  const row = await reader
    .selectFrom('partners')
    .selectAll()
    .where('entity_id', '=', entityId)
    .executeTakeFirst();
  return row === undefined ? undefined : parse(row);
}

/** All partners, removed ones included: their version counters go on. */
export async function listPartners(reader: Query | Transaction): Promise<Partner[]> {
  const rows = await reader.selectFrom('partners').selectAll().orderBy('entity_id').execute();
  return rows.map(parse);
}

/** How many partners there are of each status. */
export async function countPartners(query: Query): Promise<Map<Partner['status'], number>> {
  const rows = await query
    .selectFrom('partners')
    .select(['status', ({ fn }) => fn.countAll().as('count')])
    .groupBy('status')
    .execute();
  return new Map(rows.map(({ status, count }) => [status, Number(count)]));
}

/** Stores a partner as it stands now, new or known. */
export async function savePartner(transaction: Transaction, partner: Partner): Promise<void> {
  const policy = partner.policy === null ? null : JSON.stringify(partner.policy);
  const row = { ...partner, policy, domains: JSON.stringify(partner.domains) };
  const { entity_id, ...changes } = row;
  await transaction
    .insertInto('partners')
    .values(row)
    .onConflict((conflict) => conflict.column('entity_id').doUpdateSet(changes))
    .execute();
}

/** Whom and what a partner is believed about. */
export function trustedIssuer(partner: Partner): TrustedIssuer {
  return {
    entity_id: partner.entity_id,
    root_thumbprint: partner.root_thumbprint,
    domains: partner.domains,
    status: partner.status === 'active' ? 'active' : 'suspended',
  };
}

function parse(row: PartnersTable): Partner {
  const policy = row.policy === null ? null : policyReference.parse(JSON.parse(row.policy));
  return { ...row, policy, domains: domainsSchema.parse(JSON.parse(row.domains)) };
}
