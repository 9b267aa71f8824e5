import { CountersignError } from '../../protocol/errors.ts';
import type { RecoveryCase } from '../../protocol/escrow/organization-api.ts';
import {
  type OrganizationEscrow,
  verifyOrganizationEscrow,
} from '../../protocol/escrow/organization-escrow.ts';
import { signedStatementSchema } from '../../protocol/key-statement.ts';
import { seconds } from '../lib/clock.ts';
import type { Query, Transaction } from '../storage/database.ts';
import { openEscrow } from './escrow-checks.ts';
import { readEscrowed } from './escrows.ts';
import { openKept } from './kept-escrow-content.ts';
import { findKeptEscrow, type StoredKeptEscrow } from './kept-escrow-store.ts';
import type { StoredRecovery } from './recovery-store.ts';
import type { BindingDeps } from './services.ts';

export type CaseDeps = BindingDeps & {
  /** For how long what closed persons escrowed is kept, seconds; 0: not at all. */
  readonly escrowKeepSeconds: number;
};

/** What administrators open their shares of. */
export interface Case extends Pick<RecoveryCase, 'escrow' | 'current' | 'kept_boxes'> {
  readonly claims: OrganizationEscrow;
  readonly endorsements: readonly string[];
}

/** Throws `escrow_none`, `conflict`, and for a recovery `person_unknown`, `person_closed`, `unavailable`. */
export async function readCase(deps: CaseDeps, stored: StoredRecovery): Promise<Case> {
  const { database, signer } = deps;
  if (stored.purpose === 'reading') {
    const kept = await database.read((query) => keptOf(deps, query, stored));
    const { escrow, boxes, endorsements } = await openKept(signer, kept);
    const current = signedStatementSchema.parse(JSON.parse(kept.statement));
    const claims = await verifyOrganizationEscrow(escrow.token, current.statement);
    return { escrow, current, claims, kept_boxes: boxes, endorsements };
  }
  const { escrow: sealed, current } = await database.read((query) => escrowedOf(deps, query, stored));
  const name = { sub: stored.sub, keyVersion: stored.key_version };
  const escrow = await openEscrow(signer, name, sealed);
  const claims = await verifyOrganizationEscrow(escrow.token, current.statement);
  return { escrow, current, claims, kept_boxes: null, endorsements: [] };
}

/** Shares of what is gone by now, or of keys that are others, are of no use and not handed out. Throws what `readCase` throws. */
export async function assertStillEscrowed(
  deps: CaseDeps,
  reader: Query | Transaction,
  stored: StoredRecovery,
): Promise<void> {
  await (stored.purpose === 'reading' ? keptOf : escrowedOf)(deps, reader, stored);
}

async function escrowedOf(deps: CaseDeps, reader: Query | Transaction, { sub, key_version }: StoredRecovery) {
  const escrowed = await readEscrowed(deps, reader, sub, 'organization');
  if (escrowed.keys.key_version !== key_version) {
    throw new CountersignError('conflict', 'The keys are others by now: ask again.');
  }
  return escrowed;
}

async function keptOf(
  { clock, escrowKeepSeconds }: CaseDeps,
  reader: Query | Transaction,
  { kept }: Pick<StoredRecovery, 'kept'>,
): Promise<StoredKeptEscrow> {
  const since = seconds(clock) - escrowKeepSeconds;
  const found = kept === null ? undefined : await findKeptEscrow(reader, kept, since);
  if (found === undefined) throw new CountersignError('escrow_none');
  return found;
}
