import { getPublicSuffix } from 'tldts';
import { parseDomain } from '../../protocol/address.ts';
import { ISSUER_DOMAINS } from '../../protocol/claims.ts';
import { CountersignError, isCountersignError } from '../../protocol/errors.ts';
import { countHeldAddresses } from '../directory/addresses.ts';
import {
  type Domain,
  deleteDomain,
  domainsByConnection,
  findDomain,
  insertDomain,
  listDomains,
  setDomainCheck,
} from '../directory/domains.ts';
import type { EventLog } from '../events/event-log.ts';
import { type Change, succeeded } from '../events/succeeded.ts';
import type { StagingLog } from '../keylog/key-log.ts';
import type { LostNames } from '../keylog/lost-names.ts';
import type { TrustChangeKind } from '../keylog/trust-changes.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import { equalSecrets, newHandle } from '../lib/ids.ts';
import { DNS_NAME_LENGTH, DOMAIN_RECHECK_FAILURES, DOMAIN_RECHECK_S, TXT_RECORDS } from '../lib/limits.ts';
import { type RequestContext, SYSTEM } from '../lib/request-context.ts';
import type { Resolver } from '../lib/resolver.ts';
import type { Database, Query, Transaction } from '../storage/database.ts';
import { domainName, stageConnectionChange, stageDomainChange } from './trust-changes.ts';

/** A domain of the organization as administrators see it. Times in seconds. */
export interface OwnDomain extends Pick<Domain, 'domain' | 'status' | 'added' | 'verified' | 'checked'> {
  /** What to publish in DNS to prove it. */
  readonly record: { readonly type: 'TXT'; readonly name: string; readonly value: string };
}

/**
 * The domains that the organization speaks for, each proven by a TXT record. Whatever a domain is asked for as is
 * parsed first: `address_invalid`. Every change is an event, and staged in the key log, in the same
 * transaction.
 */
export interface Domains {
  /** Names a domain and answers the record to publish. Naming it again answers the same. Throws `domain_limit`, `domain_refused`. */
  add(domain: string, context: RequestContext): Promise<OwnDomain>;
  /** Looks for the record now. Throws `domain_unknown`, `domain_unproven`, `name_unresolvable`. */
  verify(domain: string, context: RequestContext): Promise<OwnDomain>;
  list(): Promise<OwnDomain[]>;
  /** Throws `domain_unknown`, and `domain_in_use` while people hold addresses there, unless `force`. */
  remove(domain: string, options: { force: boolean }, context: RequestContext): Promise<void>;
  /** Checks again what is due; one that fails too often in a row is lost. Answers how many it looked at. */
  recheck(): Promise<number>;
}

export interface DomainsDeps {
  readonly issuer: string;
  readonly database: Database;
  readonly events: EventLog;
  readonly keyLog: StagingLog;
  /** Without it the log has no versions of names that the store has never heard of. */
  readonly lostNames?: LostNames;
  readonly resolver: Resolver;
  readonly clock: Clock;
  /** The entity id of the active partner that a domain is approved for, if any. */
  readonly partnerOf: (reader: Query | Transaction, domain: string) => Promise<string | undefined>;
}

type DomainEvent = Extract<Change, { type: Extract<TrustChangeKind, `domain.${string}`> }>;

export function createDomains(deps: DomainsDeps): Domains {
  const { database, events, resolver, clock } = deps;

  /** The event of a change that was made to a domain, and what the log is to know of it. */
  async function report(
    tx: Transaction,
    event: DomainEvent,
    domain: string,
    context: RequestContext,
  ): Promise<void> {
    await stageDomainChange(deps, tx, domain, { change: event.type, by: context.actor });
    await events.append(tx, succeeded({ ...event, subject: { domain } }, context));
  }

  async function hasRecord({ domain, challenge }: Domain): Promise<boolean> {
    const texts = await resolver.txt(recordName(domain)).catch((error: unknown) => {
      if (isCountersignError(error, 'name_not_found')) return [];
      throw error;
    });
    return texts.slice(0, TXT_RECORDS).some((text) => equalSecrets(text.trim(), recordValue(challenge)));
  }

  async function noteFound(tx: Transaction, before: Domain, context: RequestContext): Promise<void> {
    const now = seconds(clock);
    const verified = before.status === 'verified' ? before.verified : now;
    await setDomainCheck(tx, before.domain, { status: 'verified', verified, checked: now, failures: 0 });
    if (before.status !== 'verified') {
      await report(tx, { type: 'domain.verified', data: {} }, before.domain, context);
    }
  }

  async function noteMissing(tx: Transaction, before: Domain): Promise<void> {
    const failures = before.failures + 1;
    const lost = failures >= DOMAIN_RECHECK_FAILURES;
    const status = lost ? 'lost' : before.status;
    await setDomainCheck(tx, before.domain, {
      ...{ status, verified: before.verified, checked: seconds(clock), failures },
    });
    if (!lost) return;
    const reason = `The TXT record was missing ${failures} times in a row.`;
    await report(tx, { type: 'domain.lost', data: { reason } }, before.domain, SYSTEM);
  }

  /** Looks outside of any transaction, then writes if the domain is still as it was looked at. */
  async function recheckOne(before: Domain): Promise<void> {
    const found = await hasRecord(before).catch((error: unknown) => {
      if (isCountersignError(error, 'name_unresolvable')) return false;
      throw error;
    });
    await database.transaction(async (tx) => {
      const current = await findDomain(tx, before.domain);
      if (current?.status !== 'verified' || current.challenge !== before.challenge) return;
      await (found ? noteFound(tx, current, SYSTEM) : noteMissing(tx, current));
    });
  }

  return {
    async add(text, context) {
      const domain = parseDomain(text);
      assertNoPublicSuffix(domain);
      assertProvable(domain);
      await deps.lostNames?.settle('trust-change', domainName(domain));
      return database.transaction(async (tx) => {
        const known = await findDomain(tx, domain);
        if (known !== undefined) return view(known);
        const partner = await deps.partnerOf(tx, domain);
        if (partner !== undefined) {
          throw new CountersignError('domain_refused', `${domain} is approved for the partner ${partner}.`);
        }
        // One more, once verified, and nobody could read what the bridge signs about itself.
        if ((await listDomains(tx)).length >= ISSUER_DOMAINS) {
          throw new CountersignError('domain_limit', `At most ${ISSUER_DOMAINS} domains; remove one first.`);
        }
        await insertDomain(tx, { domain, challenge: newHandle(), added: seconds(clock) });
        await report(tx, { type: 'domain.added', data: {} }, domain, context);
        return view(await required(tx, domain));
      });
    },

    async verify(text, context) {
      const domain = parseDomain(text);
      const before = await database.read((query) => required(query, domain));
      if (!(await hasRecord(before))) throw unproven(before);
      return database.transaction(async (tx) => {
        const current = await required(tx, domain);
        if (current.challenge !== before.challenge) throw new CountersignError('conflict');
        await noteFound(tx, current, context);
        return view(await required(tx, domain));
      });
    },

    async list() {
      return (await database.read(listDomains)).map(view);
    },

    async remove(text, { force }, context) {
      const domain = parseDomain(text);
      await database.transaction(async (tx) => {
        await required(tx, domain);
        const held = await countHeldAddresses(tx, domain);
        if (held > 0 && !force) {
          const detail = `${held} addresses are on ${domain}; without it, their credentials cannot be verified.`;
          throw new CountersignError('domain_in_use', detail);
        }
        const connections = await connectionsThatAssert(tx, domain);
        await deleteDomain(tx, domain);
        for (const id of connections) {
          await stageConnectionChange(deps, tx, id, { change: 'connection.changed', by: context.actor });
        }
        await report(tx, { type: 'domain.removed', data: {} }, domain, context);
      });
    },

    async recheck() {
      const due = seconds(clock) - DOMAIN_RECHECK_S;
      const domains = (await database.read(listDomains)).filter(
        ({ status, checked }) => status === 'verified' && (checked ?? 0) <= due,
      );
      for (const domain of domains) await recheckOne(domain);
      return domains.length;
    },
  };
}

/** Those that lose it with the domain, whether it is verified or not. */
async function connectionsThatAssert(tx: Transaction, domain: string): Promise<string[]> {
  const domains = await domainsByConnection(tx);
  return [...domains.keys()].filter((id) => domains.get(id)?.includes(domain));
}

function view({ domain, status, added, verified, checked, challenge }: Domain): OwnDomain {
  const record = { type: 'TXT' as const, name: recordName(domain), value: recordValue(challenge) };
  return { domain, status, added, verified, checked, record };
}

function recordName(domain: string): string {
  return `_countersign-challenge.${domain}`;
}

function recordValue(challenge: string): string {
  return `countersign-domain-verification=${challenge}`;
}

/** Nobody owns a public suffix: whoever could claim `co.uk` would speak for everyone below it in our people's eyes. */
function assertNoPublicSuffix(domain: string): void {
  if (getPublicSuffix(domain, { allowPrivateDomains: true }) === domain) {
    throw new CountersignError('domain_refused', `${domain} is a public suffix: nobody’s own domain.`);
  }
}

/**
 * DNS has no room for the record of a longer one, nor the log for its name: its label is one
 * byte of the kind, `domain/` and the domain, at most 255 bytes together.
 */
function assertProvable(domain: string): void {
  if (recordName(domain).length > DNS_NAME_LENGTH) {
    throw new CountersignError('domain_refused', `${domain} is too long: no record can prove it.`);
  }
}

async function required(reader: Query | Transaction, domain: string): Promise<Domain> {
  const found = await findDomain(reader, domain);
  if (found === undefined) throw new CountersignError('domain_unknown');
  return found;
}

function unproven(domain: Domain): CountersignError {
  const { record } = view(domain);
  const detail = `Publish ${record.name} TXT "${record.value}", wait until DNS answers it, and verify again.`;
  return new CountersignError('domain_unproven', detail);
}
