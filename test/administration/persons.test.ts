import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { insertPerson } from '../../bridge/directory/persons.ts';
import { type BridgeFixture, bridgeFixture } from './bridge-fixture.ts';

let bridge: BridgeFixture;
let token: string;

beforeAll(async () => {
  bridge = await bridgeFixture();
  token = await bridge.administrator();
  await bridge.inStore((database) =>
    database.transaction(async (tx) => {
      for (const sub of ['p-1', 'p-2', 'p-3']) {
        await insertPerson(tx, { sub, name: null, assurance: 'member', created: 1 });
      }
    }),
  );
});
afterAll(() => bridge.remove());

const ask = (method: string, path: string, body?: unknown) => bridge.ask(method, path, body, token);

describe('the list of people', () => {
  it('comes in pages, each person once', async () => {
    const first = (await ask('GET', '/admin/v1/persons?limit=2')).body;
    expect(first).toMatchObject({ persons: [{ sub: 'p-1' }, { sub: 'p-2' }], next: 'p-2' });
    const second = (await ask('GET', `/admin/v1/persons?limit=2&after=${String(first.next)}`)).body;
    expect(second).toMatchObject({ persons: [{ sub: 'p-3' }], next: null });
  });

  it('is empty for an address that nobody holds', async () => {
    const { body } = await ask('GET', '/admin/v1/persons?address=nobody@acme.example');
    expect(body).toEqual({ persons: [], next: null });
  });
});

describe('closing and resetting over HTTP', () => {
  it('closes somebody without keys, and says the same when asked again', async () => {
    const close = () => ask('POST', '/admin/v1/persons/p-1/close', { reason: 'left' });
    const nothing = {
      sub: 'p-1',
      status: 'closed',
      revoked: [],
      devices: 0,
      tokens: 0,
      groups: 0,
      orphaned: [],
    };
    expect(await close()).toMatchObject({ status: 200, body: nothing });
    expect(await close()).toMatchObject({ status: 200, body: nothing });
    const closed = (await bridge.events()).filter(({ type }) => type === 'person.closed');
    expect(closed).toEqual([
      expect.objectContaining({
        actor: expect.objectContaining({ kind: 'administrator', name: 'Ada' }),
        data: { reason: 'left', receipt: expect.any(String) },
      }),
    ]);
    expect((await ask('POST', '/admin/v1/persons/p-1/reset', {})).body.code).toBe('person_closed');
  });

  it('shows what is left of a person', async () => {
    expect((await ask('GET', '/admin/v1/persons/p-1')).body).toMatchObject({
      ...{ sub: 'p-1', status: 'closed', addresses: [], statements: [], devices: [] },
    });
  });
});
