import { TRUST_CHANGES_PAGE, type TrustChanges } from '../../protocol/trust-changes.ts';
import type { Signer } from '../signer/signer.ts';
import type { Database, Query } from '../storage/database.ts';
import type { KeyLog } from './key-log.ts';
import { newestVersion } from './version-store.ts';

/** Behind which change a page begins. */
export interface TrustChangePlace {
  readonly name: string;
  readonly version: number;
}

/** The changes of whom this bridge trusts, a page at a time, each with what opens it in the key log. */
export type ListTrustChanges = (after?: TrustChangePlace) => Promise<TrustChanges>;

export function createTrustChangeList(deps: {
  readonly database: Database;
  readonly keyLog: Pick<KeyLog, 'staple' | 'proveEntry'>;
  readonly signer: Pick<Signer, 'iss' | 'onlineKeysToken'>;
}): ListTrustChanges {
  const { database, keyLog, signer } = deps;

  async function prove(
    query: Query,
    { name, version, value }: Row,
  ): Promise<TrustChanges['changes'][number]> {
    const newest = await newestVersion(query, 'trust-change', name);
    if (value.length === 0) return { name, version, value: null, version_proof: null };
    const change = {
      ...{ name, version, value: new TextDecoder().decode(value) },
      version_proof: await keyLog.proveEntry(query, 'trust-change', name, version),
    };
    if (newest?.version !== version) return change;
    return { ...change, log_proof: await keyLog.staple(query, 'trust-change', name, version) };
  }

  return async (after) => {
    const [changes, next] = await database.read(async (query) => {
      const rows = await readRows(query, after);
      const proven: TrustChanges['changes'] = [];
      for (const row of rows) proven.push(await prove(query, row));
      const last = rows.length < TRUST_CHANGES_PAGE ? undefined : rows.at(-1);
      return [proven, last === undefined ? null : { name: last.name, version: last.version }] as const;
    });
    return { iss: signer.iss, online_keys: signer.onlineKeysToken(), changes, next };
  };
}

type Row = Awaited<ReturnType<typeof readRows>>[number];

/** In the order of the key (kind, name, version), so that no other kind of thing is read. */
function readRows(query: Query, after: TrustChangePlace | undefined) {
  const rows = query
    .selectFrom('logged_versions')
    .select(['name', 'version', 'value'])
    .where('kind', '=', 'trust-change');
  const behind =
    after === undefined
      ? rows
      : rows
          .where('name', '>=', after.name)
          .where(({ eb, or }) => or([eb('name', '>', after.name), eb('version', '>', after.version)]));
  return behind.orderBy('name').orderBy('version').limit(TRUST_CHANGES_PAGE).execute();
}
