import { findDomain, setDomainCheck } from '../directory/domains.ts';
import type { EventLog } from '../events/event-log.ts';
import { type Change, succeeded } from '../events/succeeded.ts';
import type { TrustChangesDeps } from '../keylog/trust-changes.ts';
import { SYSTEM } from '../lib/request-context.ts';
import type { Transaction } from '../storage/database.ts';
import { deleteLinks, deleteWithDescendants } from './administrators-store.ts';
import { findConnection, updateConnection } from './connection-store.ts';
import { stageConnectionChange, stageDomainChange, stageTokenRevoked } from './trust-changes.ts';

export interface LostTrustDeps extends TrustChangesDeps {
  readonly events: Pick<EventLog, 'append'>;
}

const REASON = 'What was decided about it last is lost with the store.';
const { actor: by } = SYSTEM;

/**
 * After a recovery of the log, of whom this bridge trusts: what the log has newer versions of than the store is taken back.
 * A token is revoked with all that came of it, a connection is disabled, a domain is not verified any more. One-time links
 * end altogether: one that was used up is back. Answers the names that were none of these.
 */
export async function withdrawLostTrust(
  deps: LostTrustDeps,
  tx: Transaction,
  names: readonly string[],
): Promise<string[]> {
  await deleteLinks(tx);
  const others: string[] = [];
  for (const name of names) {
    const [kind = '', id = ''] = split(name);
    if (kind === 'administrator') await revokeToken(deps, tx, id, names);
    else if (kind === 'connection') await disableConnection(deps, tx, id);
    else if (kind === 'domain') await loseDomain(deps, tx, id);
    else others.push(name);
  }
  return others;
}

/** Entity ids of partners have a colon before their first slash. */
function split(name: string): string[] {
  const slash = name.indexOf('/');
  return slash < 0 || name.includes(':') ? [] : [name.slice(0, slash), name.slice(slash + 1)];
}

/** Whoever the log has newer versions of was revoked: that is all that happens to a token. */
async function revokeToken(
  deps: LostTrustDeps,
  tx: Transaction,
  id: string,
  lost: readonly string[],
): Promise<void> {
  for (const token of await deleteWithDescendants(tx, id)) {
    if (!lost.includes(`administrator/${token.id}`)) await stageTokenRevoked(deps, tx, token.id, by);
    const data = { id: token.id, name: token.name, roles: JSON.parse(token.roles) };
    await report(deps, tx, { type: 'admin.token_revoked', data });
  }
}

async function disableConnection(deps: LostTrustDeps, tx: Transaction, id: string): Promise<void> {
  if ((await findConnection(tx, id)) === undefined) return;
  await updateConnection(tx, id, { status: 'disabled' });
  await stageConnectionChange(deps, tx, id, { change: 'connection.disabled', by });
  await report(deps, tx, {
    ...{ type: 'connection.disabled', subject: { connection: id }, data: { reason: REASON } },
  });
}

async function loseDomain(deps: LostTrustDeps, tx: Transaction, domain: string): Promise<void> {
  const found = await findDomain(tx, domain);
  if (found === undefined) return;
  const { verified, checked, failures } = found;
  await setDomainCheck(tx, domain, { status: 'lost', verified, checked, failures });
  await stageDomainChange(deps, tx, domain, { change: 'domain.lost', by });
  await report(deps, tx, { type: 'domain.lost', subject: { domain }, data: { reason: REASON } });
}

function report({ events }: LostTrustDeps, tx: Transaction, change: Change): Promise<void> {
  return events.append(tx, succeeded(change, SYSTEM));
}
