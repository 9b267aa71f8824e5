import type { Query, Transaction } from '../storage/database.ts';
import type { AppsTable } from '../storage/tables/oauth.ts';
import type { App } from './app.ts';

type Reader = Query | Transaction;

export async function findApp(reader: Reader, id: string): Promise<App | undefined> {
  const row = await reader.selectFrom('apps').selectAll().where('id', '=', id).executeTakeFirst();
  return row === undefined ? undefined : appOf(row);
}

export async function listApps(reader: Reader): Promise<App[]> {
  const rows = await reader.selectFrom('apps').selectAll().orderBy('name').orderBy('id').execute();
  return rows.map(appOf);
}

export async function insertApp(tx: Transaction, app: App): Promise<void> {
  await tx
    .insertInto('apps')
    .values({
      id: app.id,
      name: app.name,
      redirect_uris: JSON.stringify(app.redirectUris),
      cors_origins: JSON.stringify(app.corsOrigins),
      created: app.created,
      kind: app.kind,
    })
    .execute();
}

export async function deleteApp(tx: Transaction, id: string): Promise<boolean> {
  const { numDeletedRows } = await tx.deleteFrom('apps').where('id', '=', id).executeTakeFirstOrThrow();
  return numDeletedRows > 0n;
}

function appOf(row: AppsTable): App {
  return {
    id: row.id,
    name: row.name,
    kind: row.kind,
    redirectUris: JSON.parse(row.redirect_uris),
    corsOrigins: JSON.parse(row.cors_origins),
    created: row.created,
  };
}
