import { vi } from 'vitest';
import { SOON } from './soon.ts';
import { startPostgres, type ThrowawayPostgres } from './throwaway-postgres.ts';

/** A PostgreSQL server, and a standby that follows it by streaming replication. */
export interface PostgresPair {
  /** Both of them, for `storage.url`. */
  readonly url: string;
  /** Ends, as an administrator can, every wait of a commit for the standby; answers how many there were. */
  cancelWaits(): Promise<number>;
  /** The standby hears nothing more of the primary, which goes on; answers what lets it hear again. */
  cutReplication(): Promise<() => Promise<void>>;
  /** The primary dies, and the standby takes its place. */
  failOver(): Promise<void>;
  stop(): Promise<void>;
}

/** @param synchronous - whether the primary answers a commit only when it is on the standby’s disk too */
export async function startPair({ synchronous }: { readonly synchronous: boolean }): Promise<PostgresPair> {
  const primary = await startPostgres();
  const standby = await primary.startStandby('standby');
  const follows = synchronous ? 'sync' : 'async';
  if (synchronous) await configure(primary, 'synchronous_standby_names', 'standby');
  await untilReplication(primary, [{ state: 'streaming', sync_state: follows }]);
  return {
    url: withHost(primary.url(), standby.port),
    async cutReplication() {
      const [before] = await standby.query('show primary_conninfo');
      await configure(standby, 'primary_conninfo', '');
      await untilReplication(primary, []);
      return () => configure(standby, 'primary_conninfo', String(before?.primary_conninfo));
    },
    async cancelWaits() {
      const waiting = `select pg_cancel_backend(pid) from pg_stat_activity where wait_event = 'SyncRep'`;
      return (await primary.query(waiting)).length;
    },
    async failOver() {
      await primary.stop();
      await standby.query('select pg_promote()');
    },
    async stop() {
      await Promise.all([primary.stop(), standby.stop()]);
    },
  };
}

/** In its configuration file, and in force. */
async function configure(server: ThrowawayPostgres, name: string, value: string): Promise<void> {
  await server.query(`alter system set ${name} = '${value.replaceAll("'", "''")}'`);
  await server.query('select pg_reload_conf()');
}

/** Who follows the primary, and how. */
function untilReplication(primary: ThrowawayPostgres, expected: readonly object[]): Promise<void> {
  return vi.waitFor(async () => {
    const followers = await primary.query('select state, sync_state from pg_stat_replication');
    if (JSON.stringify(followers) !== JSON.stringify(expected)) throw new Error(JSON.stringify(followers));
  }, SOON);
}

function withHost(url: string, port: number): string {
  return url.replace(/@([^/]+)/, `@$1,127.0.0.1:${port}`);
}
