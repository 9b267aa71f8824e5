import { EventEmitter } from 'node:events';
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { writer } from '../../bridge/storage/postgres/dialect.ts';

/** A connection to a server that refuses to begin, and would take every statement on its own. */
class RefusingConnection extends EventEmitter {
  readonly sent: string[] = [];

  async query(statement: string | { text: string }): Promise<unknown> {
    const text = typeof statement === 'string' ? statement : statement.text;
    this.sent.push(text.split(' ', 1)[0] ?? '');
    if (!text.startsWith('begin')) return { command: '', rowCount: 0, rows: [] };
    const error = new pg.DatabaseError('canceling statement due to statement timeout', 0, 'error');
    throw Object.assign(error, { code: '57014' });
  }

  release(): void {}
}

describe('a transaction that the server does not begin', () => {
  const refused = async (write: Parameters<ReturnType<typeof writer>>[0]) => {
    const connection = new RefusingConnection();
    const run = writer({ lend: async () => connection as unknown as pg.PoolClient });
    await expect(run(write)).rejects.toMatchObject({ code: 'storage_busy' });
    return connection.sent;
  };

  it('sends nothing that would be stored on its own', async () => {
    const sent = await refused((tx) => tx.insertInto('meta').values({ key: 'a', value: '' }).execute());
    expect(sent).toEqual(['begin', 'rollback']);
  });

  it('fails although its reads are answered', async () => {
    const sent = await refused((tx) => tx.selectFrom('meta').selectAll().execute());
    expect(sent).toEqual(['begin', 'select', 'rollback']);
  });
});
