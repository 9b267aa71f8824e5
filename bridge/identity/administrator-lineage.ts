import * as z from 'zod';
import { ADMINISTRATOR_ROLES, type AdministratorRole } from '../policy/decision.ts';
import type { Query, Transaction } from '../storage/database.ts';
import { listTokens } from './administrators-store.ts';

/** A token in force, and which one it was made with. */
export interface TokenLine {
  readonly id: string;
  readonly name: string;
  readonly roles: readonly AdministratorRole[];
  readonly parent: string | null;
}

const storedRoles = z.array(z.enum(ADMINISTRATOR_ROLES));

/** The tokens that have not expired at `now` (seconds), the oldest first. */
export async function listTokenLines(reader: Query | Transaction, now: number): Promise<TokenLine[]> {
  const tokens = await listTokens(reader, now);
  return tokens.map(({ id, name, roles, parent }) => ({
    ...{ id, name, parent },
    roles: storedRoles.parse(JSON.parse(roles)),
  }));
}
