import * as z from 'zod';
import type { TrustedIssuer } from '../../protocol/partner-record.ts';
import type { Query, Transaction } from '../storage/database.ts';
import type { PartnersTable } from '../storage/tables/federation.ts';

/** A partner as pinned. */
export type Partner = Readonly<Omit<PartnersTable, 'domains'>> & { readonly domains: readonly string[] };

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
  const row = { ...partner, domains: JSON.stringify(partner.domains) };
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
  return { ...row, domains: domainsSchema.parse(JSON.parse(row.domains)) };
}
