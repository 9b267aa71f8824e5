import type { KeyStatement, SignedStatement } from '../../protocol/key-statement.ts';
import { thumbprint } from '../../protocol/public-key.ts';
import { findStatement } from '../directory/statements.ts';
import type { KeyLog } from '../keylog/key-log.ts';
import type { Query } from '../storage/database.ts';

/** Where an address stands, by its newest statement and what of it is published (PROTOCOL §8). */
export type Standing =
  | { readonly status: 'active'; readonly signed: SignedStatement }
  | { readonly status: 'revoked'; readonly signed: SignedStatement }
  | { readonly status: 'revoked_pending' }
  | { readonly status: 'none' };

export interface PublishedStatements {
  /** Whether transaction 2 has sequenced this statement. */
  isPublished(query: Query, statement: KeyStatement): Promise<boolean>;

  /**
   * A grant counts for nobody before it is published, a revocation at once. While the newest version waits: an
   * address that never had a key, or whose holder was erased, has none, a revoked one is still revoked, and for a key that is being replaced
   * nothing is said, least of all the old one. A rotation takes nothing back: what is encrypted meanwhile is encrypted to
   * the same key, so the version before it stands until then.
   */
  standingOf(query: Query, latest: SignedStatement | undefined): Promise<Standing>;
}

/** A version once published stays published, so that much is remembered, by version and address. */
const REMEMBERED = 200_000;

export function createPublishedStatements(keyLog: KeyLog): PublishedStatements {
  const known = new Set<string>();

  function remember(name: string): void {
    known.add(name);
    for (const oldest of known) {
      if (known.size <= REMEMBERED) break;
      known.delete(oldest);
    }
  }

  async function isPublished(query: Query, statement: KeyStatement): Promise<boolean> {
    const name = `${statement.version} ${statement.address}`;
    if (known.has(name)) return true;
    const published = await keyLog.isPublished(query, 'address', statement.address, statement.version);
    if (published) remember(name);
    return published;
  }

  async function beforePublication(query: Query, latest: KeyStatement): Promise<Standing> {
    const { address, version } = latest;
    if (version === 0) return { status: 'none' };
    const previous = await findStatement(query, address, version - 1);
    // Whose it was is erased: until now the address stood for nobody.
    if (previous === undefined) return { status: 'none' };
    if (!(await isPublished(query, previous.statement))) return { status: 'revoked_pending' };
    if (previous.statement.status === 'revoked') return { status: 'revoked', signed: previous };
    return isContinued(previous.statement, latest)
      ? { status: 'active', signed: previous }
      : { status: 'revoked_pending' };
  }

  return {
    isPublished,
    async standingOf(query, latest) {
      if (latest === undefined) return { status: 'none' };
      const { statement } = latest;
      if (await isPublished(query, statement)) return { status: statement.status, signed: latest };
      return statement.status === 'revoked'
        ? { status: 'revoked_pending' }
        : beforePublication(query, statement);
    },
  };
}

/** Rotated by its owner, or stated anew, behind the same public key. */
function isContinued(previous: KeyStatement, { sub, keys, reason }: KeyStatement): boolean {
  const samePerson = previous.status === 'active' && previous.sub === sub && reason === undefined;
  return samePerson && thumbprint(previous.keys[0]) === thumbprint(keys[0]);
}
