import { CountersignError } from '../../protocol/errors.ts';
import {
  type AdministratorToken,
  administratorRoots,
  isAnotherAdministrator,
} from '../policy/changes/administrator-roots.ts';
import type { Query, Transaction } from '../storage/database.ts';

/** An administrator, as the token that they use says it. */
export interface Officer {
  readonly id: string;
  readonly name: string;
}

/** Who did something, as it is kept with what they did. */
export interface StoredOfficer {
  /** The token that they used. */
  readonly admin: string;
  /** The first token of those that it came of, and the name of that one. */
  readonly admin_root: string;
  readonly admin_root_name: string;
}

export interface OfficersDeps {
  /** The tokens of administrators that are in force. */
  readonly administrators: (reader: Query | Transaction) => Promise<readonly AdministratorToken[]>;
}

/**
 * Answers what to keep of an administrator who acts after `before`. All tokens that came of one link are one administrator,
 * as they are in changes of the policy: whoever has one can make any number. Throws `recovery_officer` where one of
 * `before` is the same one, `unauthenticated` for a token that has ended.
 */
export async function requireAnotherOfficer(
  { administrators }: OfficersDeps,
  tx: Transaction,
  officer: Officer,
  before: readonly StoredOfficer[],
): Promise<StoredOfficer> {
  const root = administratorRoots(await administrators(tx)).rootOf(officer.id);
  const isOther = (one: StoredOfficer) =>
    isAnotherAdministrator({ id: one.admin_root, name: one.admin_root_name }, root);
  if (!before.every(isOther)) throw new CountersignError('recovery_officer');
  return { admin: officer.id, admin_root: root.id, admin_root_name: root.name };
}
