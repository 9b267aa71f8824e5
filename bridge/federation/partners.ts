import { parseDomain } from '../../protocol/address.ts';
import type { VerifiedEntity } from '../../protocol/entity-configuration.ts';
import { CountersignError, isCountersignError } from '../../protocol/errors.ts';
import { loggedPartnerRecord } from '../../protocol/logged-records.ts';
import { findDomain } from '../directory/domains.ts';
import type { EventLog } from '../events/event-log.ts';
import type { KeyLog } from '../keylog/key-log.ts';
import type { LostNames } from '../keylog/lost-names.ts';
import { type Clock, elapsed, seconds } from '../lib/clock.ts';
import { equalSecrets } from '../lib/ids.ts';
import { PARTNER_REFRESH_PAUSE_MS } from '../lib/limits.ts';
import type { Logger } from '../lib/logger.ts';
import { type RequestContext, SYSTEM } from '../lib/request-context.ts';
import type { Resolver } from '../lib/resolver.ts';
import type { Database, Transaction } from '../storage/database.ts';
import { readDomainRecord } from './domain-record.ts';
import type { ReadEntity } from './entity-reader.ts';
import { loggedRecord, newestLoggedRecord } from './logged-record.ts';
import { asPartnerFault } from './partner-faults.ts';
import { findPartner, listPartners, type Partner, savePartner } from './partner-store.ts';

export interface PartnersDeps {
  readonly iss: string;
  readonly database: Database;
  readonly events: EventLog;
  readonly keyLog: KeyLog;
  /** Without it the log has no versions of names that the store has never heard of. */
  readonly lostNames?: LostNames;
  readonly resolver: Resolver;
  readonly readEntity: ReadEntity;
  /** Hears what time it is by the clock of a partner that was read, seconds. */
  readonly heardTime?: (name: string, time: number) => void;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What an administrator is shown before anything is believed. */
export interface DiscoveredBridge {
  readonly entityId: string;
  /** To be compared with what the partner says by another way. */
  readonly rootThumbprint: string;
  readonly organizationName: string;
  /** Claimed by the bridge; `confirmed` ones name it in DNS too and can be approved. */
  readonly domains: readonly { readonly domain: string; readonly confirmed: boolean }[];
}

/** An administrator's approval: the fingerprint that they compared, and the domains that they grant. */
export interface Approval {
  readonly entityId: string;
  readonly rootThumbprint: string;
  readonly domains: readonly string[];
}

export interface Partners {
  /** Finds the bridge of a domain by DNS and its entity configuration. Nothing is stored. */
  discover(domain: string, context: RequestContext): Promise<DiscoveredBridge>;
  /** Pins root and domains. Throws `partner_fingerprint`, `partner_domain`, `partner_dns`. */
  approve(approval: Approval, context: RequestContext): Promise<Partner>;
  suspend(entityId: string, reason: string, context: RequestContext): Promise<Partner>;
  remove(entityId: string, context: RequestContext): Promise<Partner>;
  list(): Promise<Partner[]>;
  /** Reads one partner again under its pinned root; a broken pin suspends it. Answers how it stands then. */
  refresh(entityId: string, context: RequestContext): Promise<Partner>;
  /**
   * The same, at most once a minute for each partner: for what an unverified request makes us do, which anybody can
   * send. Answers how it stands.
   */
  refreshUnlessRecent(entityId: string): Promise<Partner>;
}

export function createPartners(deps: PartnersDeps): Partners {
  const { database, events, clock } = deps;

  async function discover(domain: string, context: RequestContext): Promise<DiscoveredBridge> {
    const record = await readDomainRecord(deps.resolver, parseDomain(domain));
    if (record.entityId === deps.iss) throw new CountersignError('partner_domain', 'This domain is our own.');
    const entity = await readPartner(record);
    const { organization_name, domains } = entity.configuration.metadata.key_bridge;
    const found = {
      entityId: record.entityId,
      rootThumbprint: record.rootThumbprint,
      organizationName: organization_name,
      domains: await Promise.all(
        domains.map(async (name) => ({ domain: name, confirmed: await isConfirmed(name, record) })),
      ),
    };
    await events.record({
      type: 'partner.discovered',
      actor: context.actor,
      subject: { partner: record.entityId, domain },
      outcome: 'success',
      requestId: context.requestId,
      data: { root_thumbprint: record.rootThumbprint, domains: domains.slice(0, 50) },
    });
    return found;
  }

  async function readPartner(expected: Parameters<ReadEntity>[0]): Promise<VerifiedEntity> {
    try {
      return await deps.readEntity(expected);
    } catch (error) {
      if (isCountersignError(error, 'root_mismatch')) {
        throw new CountersignError('partner_fingerprint', undefined, { cause: error });
      }
      throw asPartnerFault(error);
    }
  }

  async function isConfirmed(
    domain: string,
    expected: Pick<Approval, 'entityId' | 'rootThumbprint'>,
  ): Promise<boolean> {
    const record = await readDomainRecord(deps.resolver, domain).catch((error: unknown) => {
      if (isCountersignError(error, 'partner_dns')) return undefined;
      throw error;
    });
    return (
      record?.entityId === expected.entityId && equalSecrets(record.rootThumbprint, expected.rootThumbprint)
    );
  }

  async function approve(approval: Approval, context: RequestContext): Promise<Partner> {
    const domains = [...new Set(approval.domains.map(parseDomain))].sort();
    if (domains.length === 0)
      throw new CountersignError('partner_domain', 'Name at least one domain to approve.');
    if (approval.entityId === deps.iss)
      throw new CountersignError('partner_domain', 'This bridge is our own.');
    const before = await database.read((query) => findPartner(query, approval.entityId));
    const entity = await readPartner({ ...approval, leastSerial: leastSerial(before, approval) });
    const bridge = entity.configuration.metadata.key_bridge;
    for (const domain of domains) {
      if (!bridge.domains.includes(domain)) {
        throw new CountersignError('partner_domain', `${approval.entityId} does not claim ${domain}.`);
      }
      if (!(await isConfirmed(domain, approval))) {
        throw new CountersignError('partner_dns', `The record of ${domain} names another bridge or root.`);
      }
    }
    await deps.lostNames?.settle('trust-change', approval.entityId);
    const partner = await database.transaction(async (tx) => {
      await assertDomainsFree(tx, approval.entityId, domains);
      const known = await findPartner(tx, approval.entityId);
      if (entity.onlineKeys.serial < leastSerial(known, approval)) throw new CountersignError('conflict');
      const approved: Partner = {
        ...observed(entity, clock),
        entity_id: approval.entityId,
        status: 'active',
        root_thumbprint: approval.rootThumbprint,
        domains,
        version: (known?.version ?? (await newestLoggedRecord(tx, approval.entityId))) + 1,
        reason: null,
      };
      await savePartner(tx, approved);
      await stageTrustChange(tx, approved);
      await events.append(tx, {
        type: 'partner.approved',
        actor: context.actor,
        subject: { partner: approved.entity_id },
        outcome: 'success',
        requestId: context.requestId,
        data: {
          root_thumbprint: approved.root_thumbprint,
          domains: domains.slice(0, 50),
          version: approved.version,
        },
      });
      return approved;
    });
    const { kind, name, version } = loggedRecord(partner.entity_id, partner.version);
    await deps.keyLog.published(kind, name, version);
    return partner;
  }

  async function assertDomainsFree(
    tx: Transaction,
    entityId: string,
    domains: readonly string[],
  ): Promise<void> {
    const others = (await listPartners(tx)).filter(
      (partner) => partner.entity_id !== entityId && partner.status !== 'removed',
    );
    for (const domain of domains) {
      if ((await findDomain(tx, domain)) !== undefined) {
        throw new CountersignError('partner_domain', `${domain} is a domain of our own.`);
      }
      const holder = others.find((partner) => partner.domains.includes(domain));
      if (holder !== undefined) {
        throw new CountersignError('partner_domain', `${domain} is approved for ${holder.entity_id}.`);
      }
    }
  }

  /** A partner's pinned record is a trust change: the log commits to it (PROTOCOL §6, §7). */
  async function stageTrustChange(tx: Transaction, partner: Partner): Promise<void> {
    await deps.keyLog.stage(tx, loggedPartnerRecord({ ...partner, iss: deps.iss }));
  }

  async function restrict(
    entityId: string,
    status: 'suspended' | 'removed',
    reason: string,
    context: RequestContext,
  ): Promise<Partner> {
    return database.transaction(async (tx) => {
      const known = await requirePartner(tx, entityId);
      if (known.status === status) return known;
      const restricted: Partner = { ...known, status, reason, version: known.version + 1 };
      await savePartner(tx, restricted);
      await stageTrustChange(tx, restricted);
      await events.append(tx, {
        type: status === 'removed' ? 'partner.removed' : 'partner.suspended',
        actor: context.actor,
        subject: { partner: entityId },
        outcome: 'success',
        requestId: context.requestId,
        data: { reason: reason.slice(0, 200) },
      });
      return restricted;
    });
  }

  async function refresh(entityId: string, context: RequestContext): Promise<Partner> {
    const known = await database.read((query) => requirePartner(query, entityId));
    if (known.status !== 'active') return known;
    const { entity, broken } = await readUnderPin(known);
    if (broken !== undefined) return restrict(entityId, 'suspended', broken, context);
    if (entity === undefined) return known;
    return database.transaction(async (tx) => {
      const current = await requirePartner(tx, entityId);
      // Approved anew meanwhile: what was read is about the pin before.
      if (current.version !== known.version) return current;
      // Another reading was faster and saw newer keys: what it revoked must not come back.
      if (entity.onlineKeys.serial < current.serial) return current;
      const refreshed: Partner = { ...current, ...observed(entity, clock) };
      await savePartner(tx, refreshed);
      return refreshed;
    });
  }

  const attempts = new Map<string, number>();

  async function refreshUnlessRecent(entityId: string): Promise<Partner> {
    const now = elapsed(clock);
    const last = attempts.get(entityId);
    if (last !== undefined && now - last < PARTNER_REFRESH_PAUSE_MS) {
      return database.read((query) => requirePartner(query, entityId));
    }
    attempts.set(entityId, now);
    return refresh(entityId, SYSTEM);
  }

  /**
   * What the bridge says under its pin, or why the pin does not hold any more. Neither, after an outage of DNS or of
   * the partner: that breaks no pin, expiry does.
   */
  async function readUnderPin(partner: Partner): Promise<{ entity?: VerifiedEntity; broken?: string }> {
    const expected = { entityId: partner.entity_id, rootThumbprint: partner.root_thumbprint };
    try {
      for (const domain of partner.domains) {
        if (!(await isConfirmed(domain, expected))) {
          return { broken: `The DNS record of ${domain} does not name the pinned bridge and root any more.` };
        }
      }
      const entity = await deps.readEntity({ ...expected, leastSerial: partner.serial });
      deps.heardTime?.(partner.entity_id, entity.configuration.iat);
      return { entity };
    } catch (error) {
      if (isCountersignError(error, 'root_mismatch')) {
        return { broken: 'The bridge shows another root key than the pinned one.' };
      }
      if (isCountersignError(error, 'serial_rollback')) {
        return { broken: 'The bridge shows older online keys than before.' };
      }
      const fault = asPartnerFault(error);
      deps.logger.warn({ err: fault, partner: partner.entity_id }, 'a partner could not be read again');
      return {};
    }
  }

  return {
    discover,
    approve,
    suspend: (entityId, reason, context) => restrict(entityId, 'suspended', reason, context),
    remove: (entityId, context) => restrict(entityId, 'removed', 'removed by an administrator', context),
    list: () => database.read(listPartners),
    refresh,
    refreshUnlessRecent,
  };
}

/** Serials count under one root, and never go back under it. */
function leastSerial(
  known: Partner | undefined,
  { rootThumbprint }: Pick<Approval, 'rootThumbprint'>,
): number {
  return known?.root_thumbprint === rootThumbprint ? known.serial : 0;
}

async function requirePartner(reader: Parameters<typeof findPartner>[0], entityId: string): Promise<Partner> {
  const partner = await findPartner(reader, entityId);
  if (partner === undefined || partner.status === 'removed') throw new CountersignError('partner_unknown');
  return partner;
}

/** What a verified entity configuration says that is not pinned. */
function observed(
  entity: VerifiedEntity,
  clock: Clock,
): Omit<Partner, 'entity_id' | 'status' | 'root_thumbprint' | 'domains' | 'version' | 'reason'> {
  const bridge = entity.configuration.metadata.key_bridge;
  return {
    organization_name: bridge.organization_name,
    lookup_endpoint: bridge.lookup_endpoint,
    online_keys: entity.onlineKeysToken,
    serial: entity.onlineKeys.serial,
    expires: Math.min(entity.configuration.exp, entity.onlineKeys.exp),
    checked: seconds(clock),
    policy: bridge.policy ?? null,
  };
}
