import type { Transaction } from '../database.ts';

/**
 * Whose token registered a half or gave a share: the first one that it came of, and its name. Told for what there is as far
 * as the tokens are still there; a token that is gone counts as an administrator of its own.
 */
export async function up(transaction: Transaction): Promise<void> {
  const { schema } = transaction;
  for (const table of ['recovery_halves', 'recovery_shares'] as const) {
    for (const column of ['admin_root', 'admin_root_name'] as const) {
      await schema
        .alterTable(table)
        .addColumn(column, 'text', (added) => added.notNull().defaultTo(''))
        .execute();
    }
  }
  const tokens = await transaction
    .selectFrom('administrator_tokens')
    .select(['id', 'name', 'parent'])
    .execute();
  const byId = new Map(tokens.map((token) => [token.id, token]));
  const rootOf = (id: string): { id: string; name: string } => {
    const token = byId.get(id);
    if (token === undefined) return { id, name: '' };
    return token.parent === null || !byId.has(token.parent) ? token : rootOf(token.parent);
  };
  for (const { half, admin, admin_name } of await transaction
    .selectFrom('recovery_halves')
    .select(['half', 'admin', 'admin_name'])
    .execute()) {
    const { id, name } = rootOf(admin);
    await transaction
      .updateTable('recovery_halves')
      .set({ admin_root: id, admin_root_name: name === '' ? admin_name : name })
      .where('half', '=', half)
      .execute();
  }
  for (const { recovery, half, admin } of await transaction
    .selectFrom('recovery_shares')
    .select(['recovery', 'half', 'admin'])
    .execute()) {
    const { id, name } = rootOf(admin);
    await transaction
      .updateTable('recovery_shares')
      .set({ admin_root: id, admin_root_name: name })
      .where('recovery', '=', recovery)
      .where('half', '=', half)
      .execute();
  }
}
