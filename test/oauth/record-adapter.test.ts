import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../bridge/lib/clock.ts';
import { createRecordAdapters } from '../../bridge/oauth/record-adapter.ts';
import { purgeRecords } from '../../bridge/oauth/record-store.ts';
import type { Database } from '../../bridge/storage/database.ts';
import { MemoryCache } from '../../bridge/storage/memory-cache.ts';
import { openSqlite } from '../../bridge/storage/sqlite/open.ts';

let folder: string;
let database: Database;
let adapters: ReturnType<typeof createRecordAdapters>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'countersign-records-'));
  database = await openSqlite({ path: join(folder, 'bridge.db'), clock: systemClock });
  await database.migrate();
  const cache = new MemoryCache({ clock: systemClock });
  adapters = createRecordAdapters({ database, cache, clock: systemClock });
});

afterAll(async () => {
  await database.close();
  await rm(folder, { recursive: true });
});

describe.each(['AuthorizationCode', 'RefreshToken'])('A %s', (model) => {
  it('used twice at once is good for one, and its grant ends with all that it gave', async () => {
    const codes = adapters(model);
    await codes.upsert('the-code', { grantId: 'grant-1', clientId: 'meet', accountId: 'p' }, 60);
    await adapters('AccessToken').upsert('the-token', { grantId: 'grant-1', jkt: 'k' }, 60);
    expect(await codes.find('the-code')).toMatchObject({ jti: 'the-code', grantId: 'grant-1' });
    const results = await Promise.allSettled([codes.consume('the-code'), codes.consume('the-code')]);
    const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
    expect(refused).toMatchObject([{ message: 'invalid_grant' }]);
    expect(await codes.find('the-code')).toBeUndefined();
    expect(await adapters('AccessToken').find('the-token')).toBeUndefined();
  });
});

describe('What has expired', () => {
  it('is deleted, and nothing else', async () => {
    const now = Math.floor(systemClock.now() / 1000);
    await adapters('AccessToken').upsert('short', { grantId: 'grant-2' }, 60);
    await adapters('AccessToken').upsert('long', { grantId: 'grant-2' }, 600);
    expect(await database.transaction((tx) => purgeRecords(tx, now + 120))).toBe(1);
    expect(await adapters('AccessToken').find('short')).toBeUndefined();
    expect(await adapters('AccessToken').find('long')).toMatchObject({ grantId: 'grant-2' });
  });
});

describe('A pushed request', () => {
  it('is used once, also by two at once', async () => {
    const requests = adapters('PushedAuthorizationRequest');
    await requests.upsert('request-1', { request: 'x' }, 60);
    const results = await Promise.allSettled([requests.consume('request-1'), requests.consume('request-1')]);
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(await requests.find('request-1')).toBeUndefined();
  });
});

describe('A pushed request that is far larger than any app’s', () => {
  it('is refused, so that few of them cannot crowd everybody’s sign-ins out', async () => {
    const requests = adapters('PushedAuthorizationRequest');
    const payload = { request: 'x'.repeat(20_000) };
    await expect(requests.upsert('request-2', payload, 60)).rejects.toMatchObject({
      message: 'invalid_request',
    });
  });
});

describe('A DPoP proof', () => {
  it('is new once, also to two that look at once', async () => {
    const proofs = adapters('ReplayDetection');
    const seen = await Promise.all([proofs.find('hash'), proofs.find('hash'), proofs.find('hash')]);
    expect(seen.filter((found) => found === undefined)).toHaveLength(1);
  });
});

describe('A session of the library', () => {
  it('is never kept', async () => {
    await adapters('Session').upsert('s', { accountId: 'p', uid: 'u' }, 60);
    expect(await adapters('Session').find('s')).toBeUndefined();
    expect(await adapters('Session').findByUid('u')).toBeUndefined();
  });
});

describe('A sign-in under way', () => {
  it('is gone on with once, also by two at once, and needs no request to follow upon another', async () => {
    await adapters('PushedAuthorizationRequest').upsert('request-2', { request: 'x' }, 60);
    const interactions = adapters('Interaction');
    await interactions.upsert('one', { parJti: 'request-2' }, 60);
    await interactions.upsert('one', { parJti: 'request-2', result: {} }, 60);
    const results = await Promise.allSettled([interactions.destroy('one'), interactions.destroy('one')]);
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    await interactions.upsert('two', { parJti: 'request-2', lastSubmission: {} }, 60);
    expect(await interactions.find('two')).toMatchObject({ parJti: 'request-2' });
    const late = interactions.upsert('three', { parJti: 'request-2' }, 60);
    await expect(late).rejects.toMatchObject({ message: 'invalid_request_uri' });
  });
});
