import { labelled } from '../../protocol/canonical-json.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import { loggedOwnRecord, type OwnRecord } from '../../protocol/logged-records.ts';
import type { PartnerRecord } from '../../protocol/partner-record.ts';
import { verifiedDomains } from '../directory/domains.ts';
import type { KeyLog } from '../keylog/key-log.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import { newId } from '../lib/ids.ts';
import { PARTNER_RECORD_LIFE_S } from '../lib/limits.ts';
import type { Signer } from '../signer/signer.ts';
import type { Database, Transaction } from '../storage/database.ts';
import { readFact, writeFact } from '../storage/facts.ts';
import { rememberRead } from '../storage/remembered-reads.ts';
import { loggedRecord } from './logged-record.ts';
import type { Partner } from './partner-store.ts';

/**
 * Signs the records that this bridge's clients pin (PROTOCOL §6): of its partners, and of the own company. Waits until
 * what they grant is published; rejects with `unavailable` where that takes too long.
 */
export interface PartnerRecords {
  ofPartner(partner: Partner): Promise<string>;
  /** The own company's: which domains it has verified. Its version rises when they change. */
  own(): Promise<string>;
  /** What the key log has of the own company, or is about to. */
  ownRecord(): Promise<OwnRecord>;
}

export const OWN_RECORD = 'own-record';

export function createPartnerRecords(deps: {
  signer: Signer;
  database: Database;
  keyLog: KeyLog;
  clock: Clock;
}): PartnerRecords {
  const { signer, clock } = deps;
  const signed = new Map<string, { name: string; token: string; renewAt: number }>();

  async function record(version: number, partner: PartnerRecord['partner']): Promise<string> {
    const now = seconds(clock);
    const name = JSON.stringify([version, partner, signer.onlineKeys().serial]);
    const known = signed.get(partner.entity_id);
    if (known !== undefined && known.name === name && now < known.renewAt) return known.token;
    // It grants: nobody gets it before it is published (PROTOCOL §8). A suspension acts at once.
    if (partner.status === 'active') {
      const logged = loggedRecord(partner.entity_id, version);
      await deps.keyLog.published(logged.kind, logged.name, logged.version);
    }
    const exp = now + PARTNER_RECORD_LIFE_S;
    const claims: PartnerRecord = { iss: signer.iss, jti: newId(), iat: now, exp, version, partner };
    const token = await signer.sign('record', 'partner-record+jwt', claims);
    signed.set(partner.entity_id, { name, token, renewAt: now + PARTNER_RECORD_LIFE_S / 2 });
    return token;
  }

  const contentOf = (domains: readonly string[]) => ({
    iss: signer.iss,
    root_thumbprint: signer.rootThumbprint,
    domains,
  });
  const contentHash = (domains: readonly string[]) =>
    sha256Base64url(labelled('trust-change', contentOf(domains)));

  /** The version of the own record: one more whenever root or domains are not what they were. */
  async function ownVersion(tx: Transaction, domains: readonly string[]): Promise<number> {
    const hash = contentHash(domains);
    const [known = '0', knownHash] = (await readFact(tx, OWN_RECORD))?.split(' ') ?? [];
    if (knownHash === hash) return Number(known);
    const version = Number(known) + 1;
    await writeFact(tx, OWN_RECORD, `${version} ${hash}`);
    await deps.keyLog.stage(tx, loggedOwnRecord({ ...contentOf(domains), version }));
    return version;
  }

  const readOwn = rememberRead(deps.database, async (query) => {
    const domains = await verifiedDomains(query);
    const [version, hash] = (await readFact(query, OWN_RECORD))?.split(' ') ?? [];
    const isCurrent = version !== undefined && hash === contentHash(domains);
    return { domains, version: isCurrent ? Number(version) : undefined, root: signer.rootThumbprint };
  });

  /** Most calls change nothing and need no transaction: compare by reading first. */
  async function currentOwn(): Promise<{ version: number; domains: string[] }> {
    const { version, domains, root } = await readOwn();
    // The signer learns of a new root a little after it was stored.
    if (version !== undefined && root === signer.rootThumbprint) return { version, domains };
    return deps.database.transaction(async (tx) => {
      const current = await verifiedDomains(tx);
      return { version: await ownVersion(tx, current), domains: current };
    });
  }

  return {
    ofPartner: (partner) =>
      record(partner.version, {
        entity_id: partner.entity_id,
        root_thumbprint: partner.root_thumbprint,
        domains: [...partner.domains],
        scope: ['lookup'],
        status: partner.status === 'active' ? 'active' : 'suspended',
      }),
    async ownRecord() {
      const { version, domains } = await currentOwn();
      return { ...contentOf(domains), version };
    },
    async own() {
      const { version, domains } = await currentOwn();
      return record(version, {
        entity_id: signer.iss,
        root_thumbprint: signer.rootThumbprint,
        domains,
        scope: ['lookup'],
        status: 'active',
      });
    },
  };
}
