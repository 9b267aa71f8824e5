import type { EscrowCoverage } from '../../protocol/escrow/organization-api.ts';
import { organizationEscrowSchema } from '../../protocol/escrow/organization-escrow.ts';
import { organizationKeyFingerprint } from '../../protocol/escrow/organization-key.ts';
import { decodeClaims } from '../../protocol/jws.ts';
import type { KeyStatement } from '../../protocol/key-statement.ts';
import { type EscrowedKeys, escrowedKeysAfter } from '../directory/person-keys.ts';
import { latestStatements } from '../directory/statements.ts';
import { COVERAGE_PAGE } from '../lib/limits.ts';
import type { Query } from '../storage/database.ts';
import { openEscrow } from './escrow-checks.ts';
import {
  type OrganizationEscrowSetting,
  type RecoveryFingerprints,
  readRecoveryFingerprints,
} from './recovery-key.ts';
import type { BindingDeps } from './services.ts';

/**
 * What of a person's keys the organization could recover: by the key that there is, one before it, or not at all. The
 * person chooses the halves of a rotation: `foreign` are those that never were the organization's, and nobody's to use here.
 */
export type Coverage = 'current' | 'before' | 'foreign' | 'passphrase' | 'none';

/** Whose keys the recovery key covers, for administrators. */
export interface EscrowCoverages {
  /** Those who are not covered: a page from behind `after` on; without it the first one, with counts of everybody. */
  report(after: string | undefined): Promise<EscrowCoverage>;
}

type Deps = Pick<BindingDeps, 'database' | 'signer'> & {
  readonly organizationEscrow: OrganizationEscrowSetting;
};

export function createEscrowCoverages(deps: Deps): EscrowCoverages {
  const { database, signer, organizationEscrow: setting } = deps;
  return {
    async report(after) {
      const ours = await database.read((query) => readRecoveryFingerprints(signer.iss, query));
      const counts = { current: 0, before: 0, foreign: 0, passphrase: 0, none: 0 };
      const uncovered: EscrowCoverage['uncovered'] = [];
      let next: string | null = null;
      for await (const { sub, address, coverage } of everybody(deps, ours, after ?? '')) {
        counts[coverage] += 1;
        if (coverage === 'current') continue;
        if (uncovered.length < COVERAGE_PAGE) uncovered.push({ sub, address, escrow: coverage });
        else next ??= uncovered.at(-1)?.sub ?? null;
        // Everybody was counted for the first page.
        if (next !== null && after !== undefined) break;
      }
      const fingerprint = ours.current;
      return { setting, fingerprint, counts: after === undefined ? counts : null, uncovered, next };
    },
  };
}

interface Covered extends Pick<EscrowedKeys, 'sub' | 'address'> {
  readonly coverage: Coverage;
}

/** People with keys, in the order of their ids, from behind `from` on. Services register their keys anew, and are none of them. */
async function* everybody(deps: Deps, ours: RecoveryFingerprints, from: string): AsyncGenerator<Covered> {
  let after = from;
  for (;;) {
    const page = await deps.database.read((query) => readPage(query, after));
    for (const { keys, statement } of page.people) {
      const coverage = await coverageOf(deps, keys, statement, ours);
      yield { sub: keys.sub, address: keys.address, coverage };
    }
    if (page.last === undefined) return;
    after = page.last;
  }
}

interface Page {
  readonly people: readonly { readonly keys: EscrowedKeys; readonly statement: KeyStatement }[];
  readonly last: string | undefined;
}

async function readPage(query: Query, after: string): Promise<Page> {
  const rows = await escrowedKeysAfter(query, after, COVERAGE_PAGE);
  const latest = await latestStatements(
    query,
    rows.map(({ address }) => address),
  );
  const people = rows.flatMap((keys) => {
    const statement = latest.get(keys.address)?.statement;
    const isTheirs = statement?.status === 'active' && statement.sub === keys.sub;
    return isTheirs && canEscrow(statement) ? [{ keys, statement }] : [];
  });
  return { people, last: rows.at(-1)?.sub };
}

/** Whoever registered the keys of a service registers new ones. */
export function canEscrow({ assurance }: Pick<KeyStatement, 'assurance'>): boolean {
  return !['gateway', 'recorder', 'bot'].includes(assurance);
}

export async function coverageOf(
  { signer }: Pick<BindingDeps, 'signer'>,
  keys: EscrowedKeys,
  statement: Pick<KeyStatement, 'escrow' | 'iss'>,
  ours: RecoveryFingerprints,
): Promise<Coverage> {
  if (statement.escrow !== 'organization' || keys.escrow === null) {
    return statement.escrow === 'passphrase' ? 'passphrase' : 'none';
  }
  const sealedTo = keys.escrow_key ?? (await readEscrowKey(signer, keys, keys.escrow, statement.iss));
  if (sealedTo === ours.current) return 'current';
  return ours.before.has(sealedTo) ? 'before' : 'foreign';
}

/** Of an escrow from before the fingerprint was noted beside it. */
async function readEscrowKey(
  signer: BindingDeps['signer'],
  { sub, key_version: keyVersion }: EscrowedKeys,
  escrow: Uint8Array,
  iss: string,
): Promise<string> {
  const { token } = await openEscrow(signer, { sub, keyVersion }, escrow);
  const { halves } = decodeClaims(token, 'organization-escrow+jwt', organizationEscrowSchema);
  return organizationKeyFingerprint(iss, halves);
}
