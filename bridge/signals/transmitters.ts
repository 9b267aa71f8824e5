import { CountersignError } from '../../protocol/errors.ts';
import type { EventLog } from '../events/event-log.ts';
import { succeeded } from '../events/succeeded.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import { sha256Base64url } from '../lib/hash.ts';
import { newHandle } from '../lib/ids.ts';
import { parseOutboundUrl } from '../lib/outbound.ts';
import type { RequestContext } from '../lib/request-context.ts';
import type { Database, Transaction } from '../storage/database.ts';
import type { KeySets } from './key-sets.ts';
import {
  deliveryPath,
  type NewTransmitter,
  newTransmitterSchema,
  type Transmitter,
  type TransmitterChange,
  type TransmitterSearch,
  transmitterChangeSchema,
  transmitterSearchSchema,
} from './transmitter.ts';
import type { FoundTransmitter, TransmitterDiscovery } from './transmitter-discovery.ts';
import {
  deleteTransmitter,
  findTransmitter,
  insertTransmitter,
  listTransmitters,
  type StoredTransmitter,
  updateTransmitter,
} from './transmitter-store.ts';

export interface TransmittersDeps {
  readonly issuer: string;
  readonly database: Database;
  readonly events: EventLog;
  readonly clock: Clock;
  readonly keySets: Pick<KeySets, 'count'>;
  readonly discovery: TransmitterDiscovery;
  /** Throws `connection_unknown`. */
  readonly connections: {
    get(id: string): Promise<{ readonly settings: Readonly<Record<string, unknown>> }>;
  };
}

/** A transmitter, and what its administrator must be told. The token is shown once. */
export interface IssuedTransmitter {
  readonly transmitter: Transmitter;
  readonly token: string;
}

/**
 * Who may send signals about the people of which connection. Throw `transmitter_unknown` for a connection that has none;
 * every change is an event in the same transaction.
 */
export interface Transmitters {
  /** Where the transmitter of a connection delivers. */
  deliveryUrl(connection: string): string;
  list(): Promise<Transmitter[]>;
  get(connection: string): Promise<Transmitter>;
  /**
   * What the issuer publishes of itself, for an administrator to confirm: nothing is taken over by itself. Without an
   * issuer, that of the connection. Throws `connection_unknown`, `malformed_request` where the connection has none, and
   * what `TransmitterDiscovery` throws.
   */
  find(given: TransmitterSearch): Promise<FoundTransmitter>;
  /** Throws `connection_unknown`, `conflict` where the connection has one, `outbound_refused` for a wrong jwks_uri. */
  add(given: NewTransmitter, context: RequestContext): Promise<IssuedTransmitter>;
  change(connection: string, change: TransmitterChange, context: RequestContext): Promise<Transmitter>;
  /** The token before is void at once. */
  replaceToken(connection: string, context: RequestContext): Promise<IssuedTransmitter>;
  remove(connection: string, context: RequestContext): Promise<void>;
  /** Fetches its keys; how many there are. Throws `upstream_unreachable`, `upstream_invalid`. */
  test(connection: string): Promise<{ keys: number }>;
}

export function createTransmitters(deps: TransmittersDeps): Transmitters {
  const { database, clock, events } = deps;
  const deliveryUrl = (connection: string) => deps.issuer + deliveryPath(connection);

  async function report(
    tx: Transaction,
    kind: 'added' | 'removed',
    transmitter: Transmitter,
    context: RequestContext,
  ): Promise<void> {
    const { connection, issuer, jwks_uri } = transmitter;
    const change = {
      type: `signal.transmitter_${kind}`,
      subject: { connection },
      data: { issuer, jwks_uri },
    } as const;
    await events.append(tx, succeeded(change, context));
  }

  async function alter(
    connection: string,
    context: RequestContext,
    next: (known: StoredTransmitter) => { transmitter: StoredTransmitter; changed: string[] },
  ): Promise<Transmitter> {
    return database.transaction(async (tx) => {
      const { transmitter: altered, changed } = next(await requireTransmitter(tx, connection));
      const transmitter = { ...altered, changed: seconds(clock) };
      await updateTransmitter(tx, transmitter);
      const { issuer, jwks_uri } = transmitter;
      const data = { issuer, jwks_uri, changed };
      await events.append(
        tx,
        succeeded({ type: 'signal.transmitter_changed', subject: { connection }, data }, context),
      );
      return shown(transmitter);
    });
  }

  return {
    deliveryUrl,
    list: async () => (await database.read(listTransmitters)).map(shown),
    get: (connection) => database.read(async (query) => shown(await requireTransmitter(query, connection))),

    async find(given) {
      const asked = transmitterSearchSchema.parse(given);
      const ofConnection = issuerOf(await deps.connections.get(asked.connection));
      const issuer = asked.issuer ?? ofConnection;
      if (issuer === null) {
        throw new CountersignError(
          'malformed_request',
          'issuer: the connection has none; name the transmitter’s',
        );
      }
      return deps.discovery.find(issuer);
    },

    async add(given, context) {
      const { connection, ...asked } = newTransmitterSchema.parse(given);
      const ofConnection = issuerOf(await deps.connections.get(connection));
      parseOutboundUrl(asked.jwks_uri);
      const token = newHandle();
      const now = seconds(clock);
      const transmitter: StoredTransmitter = {
        ...{ ...asked, connection, token_hash: sha256Base64url(token) },
        audience: asked.audience ?? deliveryUrl(connection),
        subject_issuer: asked.subject_issuer ?? ofConnection,
        ...{ created: now, changed: now, last_signal: null },
      };
      await database.transaction(async (tx) => {
        if (!(await insertTransmitter(tx, transmitter))) {
          throw new CountersignError('conflict', 'The connection has a transmitter already.');
        }
        await report(tx, 'added', transmitter, context);
      });
      return { transmitter: shown(transmitter), token };
    },

    change: (connection, change, context) => {
      const given = transmitterChangeSchema.parse(change);
      if (given.jwks_uri !== undefined) parseOutboundUrl(given.jwks_uri);
      return alter(connection, context, (known) => ({
        transmitter: {
          ...known,
          issuer: given.issuer ?? known.issuer,
          jwks_uri: given.jwks_uri ?? known.jwks_uri,
          audience: given.audience ?? known.audience,
          subject_issuer: given.subject_issuer === undefined ? known.subject_issuer : given.subject_issuer,
          effects: given.effects ?? known.effects,
        },
        changed: Object.keys(given),
      }));
    },

    async replaceToken(connection, context) {
      const token = newHandle();
      const transmitter = await alter(connection, context, (known) => ({
        transmitter: { ...known, token_hash: sha256Base64url(token) },
        changed: ['token'],
      }));
      return { transmitter, token };
    },

    remove: (connection, context) =>
      database.transaction(async (tx) => {
        const transmitter = await requireTransmitter(tx, connection);
        await deleteTransmitter(tx, connection);
        await report(tx, 'removed', transmitter, context);
      }),

    async test(connection) {
      const { jwks_uri: uri } = await database.read((query) => requireTransmitter(query, connection));
      return { keys: await deps.keySets.count(uri) };
    },
  };
}

/** Of an OpenID provider; SAML has none. */
function issuerOf({ settings }: { readonly settings: Readonly<Record<string, unknown>> }): string | null {
  return typeof settings.issuer === 'string' ? settings.issuer : null;
}

async function requireTransmitter(
  reader: Parameters<typeof findTransmitter>[0],
  connection: string,
): Promise<StoredTransmitter> {
  const found = await findTransmitter(reader, connection);
  if (found === undefined) throw new CountersignError('transmitter_unknown');
  return found;
}

function shown({ token_hash: _hash, ...transmitter }: StoredTransmitter): Transmitter {
  return transmitter;
}
