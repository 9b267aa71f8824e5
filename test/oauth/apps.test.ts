import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEventLog } from '../../bridge/events/database-event-log.ts';
import { systemClock } from '../../bridge/lib/clock.ts';
import { createLogger } from '../../bridge/lib/logger.ts';
import { SYSTEM } from '../../bridge/lib/request-context.ts';
import type { Apps } from '../../bridge/oauth/app.ts';
import { createApps } from '../../bridge/oauth/apps.ts';
import { redirectUriKind } from '../../bridge/oauth/redirect-uri.ts';
import type { Database } from '../../bridge/storage/database.ts';
import { openSqlite } from '../../bridge/storage/sqlite/open.ts';

let folder: string;
let database: Database;
let events: ReturnType<typeof createEventLog>;
let apps: Apps;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'countersign-apps-'));
  const clock = systemClock;
  database = await openSqlite({ path: join(folder, 'bridge.db'), clock });
  await database.migrate();
  const logger = createLogger({ level: 'silent' });
  events = createEventLog({ database, clock, logger, iss: 'https://bridge.acme.example' });
  apps = createApps({ database, events, clock });
});

afterAll(async () => {
  await events.stop();
  await database.close();
  await rm(folder, { recursive: true });
});

describe('A redirect URI', () => {
  it.each([
    ['https://app.example/callback', 'web'],
    ['https://app.example:8443/callback?from=bridge', 'web'],
    ['http://127.0.0.1/callback', 'native'],
    ['http://[::1]:8080/callback', 'native'],
    ['http://localhost:5173/callback', 'native'],
    ['com.example.meet:/callback', 'native'],
  ])('%s is of a %s app', (uri, kind) => {
    expect(redirectUriKind(uri)).toBe(kind);
  });

  it.each([
    'http://app.example/callback',
    'http://127.0.0.1.evil.example/callback',
    'https://localhost/callback',
    'https://user:password@app.example/callback',
    'https://app.example/callback#fragment',
    'https://app.example/call back',
    'https://app.example/\u0430',
    'javascript:alert(1)',
    'data:text/html,x',
    'file:///etc/passwd',
    'meet:/callback',
    '/callback',
    '',
  ])('%j cannot be registered', (uri) => {
    expect(redirectUriKind(uri)).toBeUndefined();
  });
});

describe('A client app', () => {
  it('is registered, listed and removed, each change an event', async () => {
    const app = { id: 'meet', name: 'Meet', redirectUris: ['https://meet.example/cb'] };
    expect(await apps.register(app, SYSTEM)).toMatchObject({ ...app, corsOrigins: [] });
    expect(await apps.find('meet')).toMatchObject(app);
    expect(await apps.list()).toHaveLength(1);
    await expect(apps.register(app, SYSTEM)).rejects.toMatchObject({ code: 'conflict' });
    await apps.remove('meet', SYSTEM);
    await expect(apps.remove('meet', SYSTEM)).rejects.toMatchObject({ code: 'app_unknown' });
    expect(await apps.find('meet')).toBeUndefined();
    await events.settled();
    const types = (await events.page({ since: 0, limit: 10 })).map(({ type }) => type);
    expect(types).toEqual(['app.registered', 'app.removed']);
  });

  it('names every fault of its redirect URIs and origins at once', async () => {
    const register = apps.register(
      { name: 'Bad', redirectUris: ['http://a.example/'], corsOrigins: ['https://b.example/', 'null'] },
      SYSTEM,
    );
    await expect(register).rejects.toMatchObject({
      code: 'config_invalid',
      detail: expect.stringMatching(/a\.example.*b\.example.*null/),
    });
    expect(await apps.list()).toEqual([]);
  });

  it('lets exactly the origins in that it was registered with', async () => {
    const corsOrigins = ['https://web.example', 'http://localhost:5173'];
    await apps.register(
      { id: 'web', name: 'Web', redirectUris: ['https://web.example/cb'], corsOrigins },
      SYSTEM,
    );
    const asked = [...corsOrigins, 'https://web.example.evil.example', 'http://web.example', 'null', '*', ''];
    const allowed = await Promise.all(asked.map((origin) => apps.isAllowedOrigin(origin)));
    expect(allowed).toEqual([true, true, false, false, false, false, false]);
  });
});
