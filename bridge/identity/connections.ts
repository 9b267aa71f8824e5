import { isDeepStrictEqual } from 'node:util';
import type { ConnectorProbe } from '../../connectors/identity/connector.ts';
import { parseDomain } from '../../protocol/address.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import { domainsByConnection, findDomain, setConnectionDomains } from '../directory/domains.ts';
import { hasPeople } from '../directory/upstream-identities.ts';
import type { EventLog } from '../events/event-log.ts';
import { type Change, succeeded } from '../events/succeeded.ts';
import type { StagingLog } from '../keylog/key-log.ts';
import type { LostNames } from '../keylog/lost-names.ts';
import type { TrustChangeKind } from '../keylog/trust-changes.ts';
import { seconds } from '../lib/clock.ts';
import { newId } from '../lib/ids.ts';
import type { RequestContext } from '../lib/request-context.ts';
import { type Database, isUniqueViolation, type Transaction } from '../storage/database.ts';
import { checkInput } from './checked-input.ts';
import {
  type Connection,
  type Connections,
  connectionChangeSchema,
  newConnectionSchema,
} from './connection.ts';
import { type CheckedSettings, checkSettings, ourUrls } from './connection-settings.ts';
import {
  type ConnectionRow,
  deleteConnection,
  findConnection,
  insertConnection,
  listConnections,
  updateConnection,
} from './connection-store.ts';
import { type ConnectorDeps, createConnectors, openSecret, sealSecret } from './connectors.ts';
import { connectionName, stageConnectionChange } from './trust-changes.ts';

export interface ConnectionsDeps extends ConnectorDeps {
  readonly database: Database;
  readonly events: EventLog;
  readonly keyLog: StagingLog;
  /** Without it the log has no versions of names that the store has never heard of. */
  readonly lostNames?: LostNames;
  /** Ends what was issued to people who came through a connection; answers how many records. */
  readonly endGrants: (tx: Transaction, connectionId: string) => Promise<number>;
}

type ConnectionEvent = Extract<Change, { type: Extract<TrustChangeKind, `connection.${string}`> }>;

export function createConnections(deps: ConnectionsDeps): Connections {
  const { database, events, clock, signer, issuer } = deps;
  const connectors = createConnectors(deps);

  const row = (id: string) => database.read(async (query) => known(await findConnection(query, id)));

  const get = async (id: string) =>
    database.read(async (query) => {
      const found = known(await findConnection(query, id));
      return view(issuer, found, (await domainsByConnection(query)).get(id) ?? []);
    });

  /** The event of a change that was made to a connection, and what the log is to know of it. */
  const note = async (
    tx: Transaction,
    id: string,
    event: ConnectionEvent,
    context: RequestContext,
    probe?: ConnectorProbe,
  ) => {
    await stageConnectionChange(deps, tx, id, { change: event.type, by: context.actor, probe });
    await events.append(tx, succeeded({ ...event, subject: { connection: id } }, context));
  };

  /** Changes one connection. `work` sees the row as it is within the transaction. */
  const alter = async (
    id: string,
    event: ConnectionEvent,
    context: RequestContext,
    work: (tx: Transaction, current: ConnectionRow) => Promise<void>,
    probe?: ConnectorProbe,
  ): Promise<Connection> => {
    await database.transaction(async (tx) => {
      await work(tx, known(await findConnection(tx, id)));
      await note(tx, id, event, context, probe);
    });
    return get(id);
  };

  const endTokens = async (tx: Transaction, id: string, reason: string, context: RequestContext) => {
    const count = await deps.endGrants(tx, id);
    if (count === 0) return;
    const event = { type: 'token.revoked', subject: { connection: id }, data: { count, reason } } as const;
    await events.append(tx, succeeded(event, context));
  };

  /** Seals anew only what changed, so that the same settings keep their fingerprint. */
  const stored = async (id: string, checked: CheckedSettings, before?: ConnectionRow) => {
    const settings = JSON.stringify(checked.shown);
    const kept = before === undefined ? null : await openSecret(signer, before);
    const secret =
      before !== undefined && isDeepStrictEqual(kept, checked.secret)
        ? before.secret
        : await sealSecret(signer, id, checked.secret);
    return { settings, secret, fingerprint: fingerprintOf(settings, secret) };
  };

  return {
    get,

    async list() {
      return database.read(async (query) => {
        const domains = await domainsByConnection(query);
        return (await listConnections(query)).map((found) =>
          view(issuer, found, domains.get(found.id) ?? []),
        );
      });
    },

    async create(given, context) {
      const asked = checkInput(newConnectionSchema, given);
      const id = asked.id ?? newId();
      const checked = checkSettings(asked.protocol, asked.settings, ourUrls(issuer, id), null);
      const now = seconds(clock);
      const values = await stored(id, checked);
      await deps.lostNames?.settle('trust-change', connectionName(id));
      await database
        .transaction(async (tx) => {
          const { name, protocol, assurance } = asked;
          await insertConnection(tx, {
            ...{ id, name, protocol, assurance, status: 'draft' },
            ...values,
            ...{ tested_fingerprint: null, tested: null, created: now, changed: now },
          });
          await setConnectionDomains(tx, id, await knownDomains(tx, asked.domains));
          await note(tx, id, { type: 'connection.created', data: { name, protocol } }, context);
        })
        .catch((error: unknown) => {
          if (!isUniqueViolation(error, 'connections')) throw error;
          throw new CountersignError('conflict', `There is a connection ${id} already.`, { cause: error });
        });
      return get(id);
    },

    async change(id, given, context) {
      const asked = checkInput(connectionChangeSchema, given);
      const before = await row(id);
      const values =
        asked.settings === undefined
          ? undefined
          : await stored(
              id,
              checkSettings(
                before.protocol,
                asked.settings,
                ourUrls(issuer, id),
                await openSecret(signer, before),
              ),
              before,
            );
      const event = { type: 'connection.changed', data: { changed: Object.keys(asked) } } as const;
      return alter(id, event, context, async (tx, current) => {
        if (current.changed !== before.changed || current.fingerprint !== before.fingerprint) {
          throw new CountersignError('conflict', 'Somebody else changed this connection meanwhile.');
        }
        const untested = values !== undefined && values.fingerprint !== current.tested_fingerprint;
        await updateConnection(tx, id, {
          ...(asked.name === undefined ? {} : { name: asked.name }),
          ...(asked.assurance === undefined ? {} : { assurance: asked.assurance }),
          ...values,
          ...(untested ? { status: 'draft', tested: null, tested_fingerprint: null } : {}),
          changed: seconds(clock),
        });
        if (asked.domains !== undefined) {
          await setConnectionDomains(tx, id, await knownDomains(tx, asked.domains));
        }
      });
    },

    async test(id, context) {
      const before = await row(id);
      const probe = await (await connectors.of(before)).probe();
      const event = { type: 'connection.tested', data: { issuer: probe.issuer } } as const;
      const markTested = async (tx: Transaction, current: ConnectionRow) => {
        if (current.fingerprint !== before.fingerprint) {
          throw new CountersignError('conflict', 'The settings were changed during the test.');
        }
        await updateConnection(tx, id, {
          tested_fingerprint: before.fingerprint,
          tested: seconds(clock),
          ...(current.status === 'draft' ? { status: 'tested' } : {}),
        });
      };
      return { connection: await alter(id, event, context, markTested, probe), probe };
    },

    activate: (id, context) =>
      alter(id, { type: 'connection.activated', data: {} }, context, async (tx, current) => {
        if (current.tested_fingerprint !== current.fingerprint) {
          throw new CountersignError('connection_untested');
        }
        await updateConnection(tx, id, { status: 'active' });
      }),

    disable: (id, reason, context) =>
      alter(
        id,
        { type: 'connection.disabled', data: reason === undefined ? {} : { reason } },
        context,
        async (tx) => {
          await updateConnection(tx, id, { status: 'disabled' });
          await endTokens(tx, id, 'the connection was disabled', context);
        },
      ),

    async remove(id, context) {
      await database.transaction(async (tx) => {
        const current = known(await findConnection(tx, id));
        if (current.status === 'active') throw new CountersignError('conflict', 'Disable it first.');
        if (await hasPeople(tx, id)) {
          throw new CountersignError('conflict', 'People are known through it; it can only be disabled.');
        }
        await setConnectionDomains(tx, id, []);
        await deleteConnection(tx, id);
        await endTokens(tx, id, 'the connection was removed', context);
        await stageConnectionChange(deps, tx, id, { change: 'connection.removed', by: context.actor });
        const event = { type: 'connection.disabled', data: { reason: 'removed' } } as const;
        await events.append(tx, succeeded({ ...event, subject: { connection: id } }, context));
      });
    },

    connector: async (id) => connectors.of(await row(id)),

    async metadata(id) {
      const found = await row(id);
      if (found.protocol !== 'saml') throw new CountersignError('not_found');
      return connectors.samlMetadata(found);
    },
  };
}

function known(row: ConnectionRow | undefined): ConnectionRow {
  if (row === undefined) throw new CountersignError('connection_unknown');
  return row;
}

async function knownDomains(tx: Transaction, given: readonly string[]): Promise<string[]> {
  const domains = [...new Set(given.map(parseDomain))];
  for (const domain of domains) {
    if ((await findDomain(tx, domain)) === undefined) {
      throw new CountersignError('config_invalid', `domains: ${domain} is not known; add it first`);
    }
  }
  return domains;
}

function view(issuer: string, row: ConnectionRow, domains: readonly string[]): Connection {
  const { redirectUri, ...saml } = ourUrls(issuer, row.id);
  return {
    id: row.id,
    name: row.name,
    protocol: row.protocol,
    assurance: row.assurance,
    status: row.status,
    settings: JSON.parse(row.settings),
    domains,
    ours: row.protocol === 'oidc' ? { redirectUri } : saml,
    hasSecret: row.secret !== null,
    tested: row.tested_fingerprint === row.fingerprint ? row.tested : null,
    created: row.created,
    changed: row.changed,
  };
}

function fingerprintOf(settings: string, secret: Uint8Array | null): string {
  return sha256Base64url(
    JSON.stringify([settings, secret === null ? null : Buffer.from(secret).toString('base64')]),
  );
}
