import type { LoginCallback } from '../../connectors/identity/connector.ts';
import { parseAddress } from '../../protocol/address.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import { connectionsOfDomain, domainsOfConnection } from '../directory/domains.ts';
import type { EventLog } from '../events/event-log.ts';
import { type Change, succeeded } from '../events/succeeded.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import { ADDRESSES_PER_PERSON } from '../lib/limits.ts';
import type { RequestContext } from '../lib/request-context.ts';
import { type Decide, requireAllowed } from '../policy/decision.ts';
import type { Keyspace } from '../storage/cache.ts';
import type { Database, Query, Transaction } from '../storage/database.ts';
import { consumeOnce } from '../storage/one-time.ts';
import { countAddresses, describeUncounted } from './asserted-addresses.ts';
import type { Connections } from './connection.ts';
import { activeConnections, type ConnectionRow, findConnection } from './connection-store.ts';
import { resolvePerson } from './link-person.ts';
import { type CompletedSignIn, createPendingSignIns } from './pending-sign-ins.ts';
import { type Completed, type SignedIn, SignInFailure, type SignIns } from './sign-in.ts';

export interface SignInsDeps {
  readonly database: Database;
  readonly cache: Keyspace;
  readonly events: EventLog;
  readonly clock: Clock;
  readonly decide: Decide;
  readonly connections: Connections;
}

export function createSignIns(deps: SignInsDeps): SignIns {
  const { database, clock, connections } = deps;
  const pending = createPendingSignIns(deps.cache);

  const complete = async (
    connectionId: string,
    handle: string,
    callback: LoginCallback,
  ): Promise<Completed> => {
    await database.read((query) => permitted(query, connectionId, deps.decide));
    const begun = await pending.takeBegun(handle);
    if (begun.connectionId !== connectionId) {
      const code = callback.protocol === 'oidc' ? 'oidc_state' : 'saml_in_response_to';
      throw new CountersignError(code, 'The answer belongs to a sign-in through another connection.');
    }
    const { interaction } = begun;
    try {
      const connector = await connections.connector(connectionId);
      const proven = await connector.complete(callback, begun.pending);
      const { evidence: _evidence, groups: _groups, ...identity } = proven;
      return { interaction, handle: await pending.complete({ interaction, connectionId, identity }) };
    } catch (error) {
      throw new SignInFailure({ interaction, connectionId }, error);
    }
  };

  return {
    async choices(address, whose = 'people') {
      const rows = await database.read(async (query) => {
        if (address === undefined) return activeConnections(query);
        return activeConnections(query, await connectionsOfDomain(query, parseAddress(address).domain));
      });
      return rows
        .filter(({ assurance }) => (assurance === 'room') === (whose === 'rooms'))
        .map(({ id, name }) => ({ id, name }));
    },

    async begin({ interaction, connectionId, loginHint, fresh }) {
      await database.read((query) => permitted(query, connectionId, deps.decide));
      const connector = await connections.connector(connectionId);
      const handle = pending.newHandle();
      const redirect = await connector.begin({
        handle,
        ...(loginHint === undefined ? {} : { loginHint }),
        ...(fresh === undefined ? {} : { fresh }),
      });
      await pending.begin(handle, { interaction, connectionId, pending: redirect.pending });
      return redirect.url;
    },

    async completeOidc(connectionId, url) {
      const states = new URL(url).searchParams.getAll('state');
      if (states.length !== 1 || states[0] === undefined) throw new CountersignError('sign_in_unknown');
      return complete(connectionId, states[0], { protocol: 'oidc', url });
    },

    async completeSaml(connectionId, form) {
      const handle = Object.hasOwn(form, 'RelayState') ? form.RelayState : undefined;
      if (handle === undefined) throw new CountersignError('sign_in_unknown');
      return complete(connectionId, handle, { protocol: 'saml', form });
    },

    async resume({ interaction, handle }, context) {
      const completed = await pending.takeCompleted(handle, interaction);
      try {
        return await database.transaction((tx) => record(tx, completed, context, deps, seconds(clock)));
      } catch (error) {
        throw new SignInFailure({ interaction, connectionId: completed.connectionId }, error);
      }
    },
  };
}

/** Uses the assertion up, finds or makes the person, and reports it, all in one transaction (PROTOCOL §12). */
async function record(
  tx: Transaction,
  { connectionId, identity }: CompletedSignIn,
  { actor, requestId }: RequestContext,
  { events, decide }: SignInsDeps,
  now: number,
): Promise<SignedIn> {
  if (identity.assertionId !== null) {
    const id = sha256Base64url(`${connectionId}\n${identity.assertionId}`);
    await consumeOnce(tx, 'saml-assertion', id, identity.assertionExpires * 1000);
  }
  const connection = await permitted(tx, connectionId, decide);
  const domains = await domainsOfConnection(tx, connectionId);
  const { counted, dropped } = countAddresses(identity.addresses, domains);
  const report = (change: Change) => events.append(tx, succeeded(change, { actor, requestId }));
  const sub = await resolvePerson(
    tx,
    {
      ...{ connectionId, now, addresses: counted, assurance: connection.assurance },
      ...{ subject: identity.subject, name: identity.name },
      whyNone: describeUncounted(dropped, domains),
    },
    report,
  );
  const { signIn } = identity;
  const address = actor.address === undefined ? {} : { address: actor.address };
  await events.append(tx, {
    type: 'sign_in.succeeded',
    actor: { kind: 'person', sub, ...address },
    requestId,
    outcome: 'success',
    subject: { sub, connection: connectionId },
    data: {
      protocol: signIn.protocol,
      acr: signIn.acr,
      amr: signIn.amr.slice(0, 16),
      auth_time: signIn.authTime,
      ...(dropped.length === 0 ? {} : { dropped_addresses: dropped.slice(0, ADDRESSES_PER_PERSON) }),
    },
  });
  return { sub, connectionId, signIn };
}

/** Read at the start, at the answer, and once more when it counts: a connection may be disabled meanwhile. */
async function permitted(
  reader: Query | Transaction,
  connectionId: string,
  decide: Decide,
): Promise<ConnectionRow> {
  const connection = await findConnection(reader, connectionId);
  if (connection === undefined) throw new CountersignError('connection_unknown');
  if (connection.status !== 'active') throw new CountersignError('connection_inactive');
  requireAllowed(decide, {
    action: 'sign-in',
    principal: { kind: 'anonymous', id: 'anonymous' },
    resource: { kind: 'connection', id: connectionId },
    context: { connectionStatus: connection.status },
  });
  return connection;
}
