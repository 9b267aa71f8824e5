import { expect } from 'vitest';
import type { StoredEvent } from '../../bridge/events/event.ts';
import { readEvents } from '../../bridge/events/event-store.ts';
import { newestCheckpoint } from '../../bridge/tlog/checkpoint-store.ts';
import { verifyChain } from '../events/verified-chain.ts';
import type { WholeBridge } from '../http/whole-bridge.ts';
import type { Replica } from './replicas.ts';

/** An administrator who makes tokens at whichever replica: an event and an entry of the key log each. */
export interface MadeTokens {
  ask(at: Replica, path: string, body: object): Promise<Response>;
  /** Answers the status; rejects if there is no answer. */
  make(at: Replica, name: string): Promise<number>;
  /** The names in the log of events, which is verified. */
  reported(): Promise<unknown[]>;
  /** The same of all events. */
  allEvents(): Promise<StoredEvent[]>;
  /** What of the key log has no place yet, and whether its newest head is signed. */
  standOfLog(): Promise<object>;
}

export const ALL_LOGGED = { staged: [], signed: true };

/** The bridge’s own process still runs, and may end then. `at`: another one of it. */
export async function madeTokens(bridge: WholeBridge, at: Replica): Promise<MadeTokens> {
  const post = (to: Replica, path: string, body: object, headers: Record<string, string> = {}) =>
    to.fetch(bridge.issuer + path, {
      ...{ method: 'POST', headers: { 'content-type': 'application/json', ...headers } },
      body: JSON.stringify(body),
    });
  const { url } = await bridge.running.services.administrators.createLink();
  const made = await post(at, '/admin/v1/bootstrap', { token: new URL(url).hash.slice(1), name: 'Ada' });
  const { token } = (await made.json()) as { token: string };
  const ask: MadeTokens['ask'] = (to, path, body) =>
    post(to, path, body, { authorization: `Bearer ${token}` });

  async function allEvents(): Promise<StoredEvent[]> {
    const { size } = await verifyChain(bridge.store, bridge.issuer);
    const events = await bridge.store.read((query) => readEvents(query, 0, size));
    expect(events).toHaveLength(size);
    return events;
  }

  return {
    ask,
    allEvents,
    async make(to, name) {
      const answer = await ask(to, '/admin/v1/tokens', { name });
      await answer.arrayBuffer().catch(() => undefined);
      return answer.status;
    },
    async reported() {
      const events = await allEvents();
      return events
        .filter(({ type }) => type === 'admin.token_created')
        .map(({ data }) => (data as { name?: unknown }).name);
    },
    standOfLog: () =>
      bridge.store.read(async (query) => {
        const staged = await query
          .selectFrom('logged_versions')
          .select('name')
          .where('position', 'is', null)
          .execute();
        const newest = await newestCheckpoint(query, 'keys');
        return { staged, signed: newest?.log_signature != null };
      }),
  };
}
