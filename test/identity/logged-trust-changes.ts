import type { Database } from '../../bridge/storage/database.ts';

/** A change of trust as the key log commits to it. */
export interface LoggedTrustChange {
  readonly iss: string;
  readonly name: string;
  readonly version: number;
  readonly change: string;
  readonly by: unknown;
  readonly at: number;
  readonly state: Record<string, unknown> | null;
}

const LABEL = 'countersign/trust-change/v1\n';

/** Those whose names begin so, by name and version; each must say of itself under which name and version it stands. */
export async function loggedTrustChanges(database: Database, prefix: string): Promise<LoggedTrustChange[]> {
  const rows = await database.read((query) =>
    query
      .selectFrom('logged_versions')
      .select(['name', 'version', 'value'])
      .where('kind', '=', 'trust-change')
      .where('name', 'like', `${prefix}%`)
      .orderBy('name')
      .orderBy('version')
      .execute(),
  );
  return rows.map(({ name, version, value }) => {
    const text = new TextDecoder().decode(value);
    if (!text.startsWith(LABEL)) throw new Error(`${name} is not labelled as a trust change`);
    const change: LoggedTrustChange = JSON.parse(text.slice(LABEL.length));
    if (change.name !== name || change.version !== version) {
      throw new Error(`${name} ${version} says that it is ${change.name} ${change.version}`);
    }
    return change;
  });
}
