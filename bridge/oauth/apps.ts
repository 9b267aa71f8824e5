import { CountersignError } from '../../protocol/errors.ts';
import type { EventLog } from '../events/event-log.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import { newId } from '../lib/ids.ts';
import { type Database, isUniqueViolation } from '../storage/database.ts';
import { type App, type Apps, newAppSchema } from './app.ts';
import { deleteApp, findApp, insertApp, listApps } from './app-store.ts';
import { deleteGrants, deleteRecordsOf, grantsOf } from './record-store.ts';
import { isCorsOrigin, redirectUriKind } from './redirect-uri.ts';

export interface AppsDeps {
  readonly database: Database;
  readonly events: EventLog;
  readonly clock: Clock;
}

export function createApps({ database, events, clock }: AppsDeps): Apps {
  const list = () => database.read(listApps);

  return {
    list,

    find: (id) => database.read((query) => findApp(query, id)),

    async isAllowedOrigin(origin) {
      return (await list()).some(({ corsOrigins }) => corsOrigins.includes(origin));
    },

    async register(given, { actor, requestId }) {
      const app: App = { ...checkApp(given), created: seconds(clock) };
      await database
        .transaction(async (tx) => {
          await insertApp(tx, app);
          await events.append(tx, {
            ...{ type: 'app.registered', actor, requestId, outcome: 'success' },
            ...{ subject: { app: app.id }, data: { name: app.name } },
          });
        })
        .catch((error: unknown) => {
          if (!isUniqueViolation(error, 'apps')) throw error;
          throw new CountersignError('conflict', `There is an app ${app.id} already.`, { cause: error });
        });
      return app;
    },

    async remove(id, { actor, requestId }) {
      await database.transaction(async (tx) => {
        if (!(await deleteApp(tx, id))) throw new CountersignError('app_unknown');
        const count = await deleteGrants(tx, await grantsOf(tx, { appId: id }));
        const rest = await deleteRecordsOf(tx, 'app_id', id);
        const event = { actor, requestId, outcome: 'success', subject: { app: id } } as const;
        await events.append(tx, { ...event, type: 'app.removed', data: {} });
        if (count + rest > 0) {
          const data = { count: count + rest, reason: 'the app was removed' };
          await events.append(tx, { ...event, type: 'token.revoked', data });
        }
      });
    },
  };
}

function checkApp(given: unknown): Omit<App, 'created'> {
  const parsed = newAppSchema.safeParse(given);
  const faults = parsed.success
    ? faultsOf(parsed.data)
    : parsed.error.issues.map((issue) => `${issue.path.map(String).join('.') || '(all)'}: ${issue.message}`);
  if (!parsed.success || faults.length > 0) throw new CountersignError('config_invalid', faults.join('; '));
  return { ...parsed.data, id: parsed.data.id ?? newId() };
}

function faultsOf(app: {
  kind: App['kind'];
  redirectUris: readonly string[];
  corsOrigins: readonly string[];
}): string[] {
  const redirects = app.redirectUris.length > 0;
  return [
    ...(app.kind === 'person' && !redirects ? ['redirectUris: at least one is needed'] : []),
    ...(app.kind === 'room' && redirects ? ['redirectUris: a room app has none'] : []),
    ...app.redirectUris
      .filter((uri) => redirectUriKind(uri) === undefined)
      .map((uri) => `redirectUris: ${uri} is neither https nor a loopback address nor a private-use scheme`),
    ...app.corsOrigins
      .filter((origin) => !isCorsOrigin(origin))
      .map((origin) => `corsOrigins: ${origin} is not an origin such as https://app.example`),
  ];
}
