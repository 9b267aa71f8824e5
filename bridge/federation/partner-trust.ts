import { CountersignError } from '../../protocol/errors.ts';
import type { LogLevel, LogTrust } from '../../protocol/keytrans/log-trust.ts';
import {
  type LoggedTrust,
  type PublishedTrust,
  publishedTrustSchema,
  verifyPublishedTrust,
} from '../../protocol/published-trust.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import { LOGGED_TRUST_BYTES, PARTNER_TIMEOUT_MS, POLICY_BUNDLE_BYTES } from '../lib/limits.ts';
import type { Outbound } from '../lib/outbound.ts';
import { POLICY_BUNDLES_PATH } from '../policy/versions/published-paths.ts';
import type { Database } from '../storage/database.ts';
import { asPartnerFault } from './partner-faults.ts';
import { findPartner, type Partner } from './partner-store.ts';
import { LOGGED_TRUST_PATH } from './publish-trust.ts';

/** What a partner's log has of the partner itself. */
export interface CheckedTrust {
  readonly record: { readonly version: number; readonly domains: string[] };
  readonly policy: { readonly version: number; readonly hash: string };
  readonly level: LogLevel;
  readonly epoch: number;
  /** When it closed, seconds. */
  readonly time: number;
  /** By name. */
  readonly cosignedBy: string[];
  /** Approved here, and not the partner's own by its log. */
  readonly unlogged: string[];
}

/** Holds what a partner shows of itself against its key log. It believes nothing but the pin, and changes nothing. */
export interface PartnerTrust {
  /**
   * Throws `partner_unknown`, and what is wrong with the partner or its proofs: `partner_unreachable`, `partner_lying` and
   * the other faults of partners.
   */
  check(entityId: string): Promise<CheckedTrust>;
}

export function createPartnerTrust(deps: {
  readonly database: Database;
  readonly outbound: Pick<Outbound, 'text'>;
  readonly clock: Clock;
  readonly trust: LogTrust;
}): PartnerTrust {
  const { database, outbound, clock, trust } = deps;

  const read = (url: string, maxBytes: number, accept: string) =>
    outbound.text(url, { maxBytes, timeoutMs: PARTNER_TIMEOUT_MS, accept });

  async function readTrust(partner: Partner): Promise<LoggedTrust> {
    const { entity_id: entityId, root_thumbprint: rootThumbprint, serial: leastSerial } = partner;
    const text = await read(entityId + LOGGED_TRUST_PATH, LOGGED_TRUST_BYTES, 'application/json');
    const shown = parsePublished(text);
    const bundleUrl = `${entityId}${POLICY_BUNDLES_PATH}/${shown.policy.hash}`;
    const bundle = await read(bundleUrl, POLICY_BUNDLE_BYTES, 'application/policy-bundle+jwt');
    const context = { entityId, rootThumbprint, leastSerial, trust, now: seconds(clock) };
    return verifyPublishedTrust(shown, bundle.trim(), context);
  }

  return {
    async check(entityId) {
      const partner = await database.read((query) => findPartner(query, entityId));
      if (partner === undefined || partner.status === 'removed')
        throw new CountersignError('partner_unknown');
      try {
        return summarize(await readTrust(partner), partner);
      } catch (error) {
        throw asPartnerFault(error);
      }
    },
  };
}

/** Those whom this bridge itself relies on, by their vkeys; it is no witness of its own log, but may be of a partner's. */
export function logTrustBy(
  {
    witnesses,
    auditors,
  }: { readonly witnesses: readonly { readonly vkey: string }[]; readonly auditors: readonly string[] },
  ownWitness?: string,
): LogTrust {
  const own = ownWitness === undefined ? [] : [ownWitness];
  return {
    ...{ witnesses: [...witnesses.map(({ vkey }) => vkey), ...own], witnessQuorum: 1 },
    ...{ auditors, auditorQuorum: 1 },
  };
}

function parsePublished(text: string): PublishedTrust {
  try {
    const parsed = publishedTrustSchema.safeParse(JSON.parse(text));
    if (parsed.success) return parsed.data;
  } catch {
    // No JSON is as wrong as another.
  }
  throw new CountersignError('claims_invalid', 'it does not show what its log has of it');
}

function summarize({ record, policy }: LoggedTrust, { domains }: Partner): CheckedTrust {
  const isLevel = (level: LogLevel) => record.log.level === level || policy.log.level === level;
  const older = record.log.epoch <= policy.log.epoch ? record.log : policy.log;
  return {
    record: { version: record.version, domains: [...record.domains] },
    policy: { version: policy.bundle.version, hash: policy.bundle.hash },
    level: isLevel('logged') ? 'logged' : isLevel('witnessed') ? 'witnessed' : 'audited',
    ...{ epoch: older.epoch, time: older.time },
    cosignedBy: [...new Set(older.cosignatures.map(({ name }) => name))],
    unlogged: domains.filter((domain) => !record.domains.includes(domain)),
  };
}
