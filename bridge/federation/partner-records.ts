import { labelled } from '../../protocol/canonical-json.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import type { PartnerRecord } from '../../protocol/partner-record.ts';
import { verifiedDomains } from '../directory/domains.ts';
import type { KeyLog } from '../keylog/key-log.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import { newId } from '../lib/ids.ts';
import { PARTNER_RECORD_LIFE_S } from '../lib/limits.ts';
import type { Signer } from '../signer/signer.ts';
import type { Database, Transaction } from '../storage/database.ts';
import { readFact, writeFact } from '../storage/facts.ts';
import type { Partner } from './partner-store.ts';

/**
 * Signs the records that this bridge's clients pin (PROTOCOL §6): of its partners, and of the own company. Waits until
 * what they grant is published; rejects with `unavailable` where that takes too long.
 */
export interface PartnerRecords {
  ofPartner(partner: Partner): Promise<string>;
  /** The own company's: which domains it has verified. Its version rises when they change. */
  own(): Promise<string>;
}

const OWN_RECORD = 'own-record';

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
      await deps.keyLog.published('trust-change', partner.entity_id, version);
    }
    const exp = now + PARTNER_RECORD_LIFE_S;
    const claims: PartnerRecord = { iss: signer.iss, jti: newId(), iat: now, exp, version, partner };
    const token = await signer.sign('record', 'partner-record+jwt', claims);
    signed.set(partner.entity_id, { name, token, renewAt: now + PARTNER_RECORD_LIFE_S / 2 });
    return token;
  }

  /** The version of the own record: one more whenever root or domains are not what they were. */
  async function ownVersion(tx: Transaction, domains: readonly string[]): Promise<number> {
    const content = { iss: signer.iss, root_thumbprint: signer.rootThumbprint, domains };
    const hash = sha256Base64url(labelled('trust-change', content));
    const [known = '0', knownHash] = (await readFact(tx, OWN_RECORD))?.split(' ') ?? [];
    if (knownHash === hash) return Number(known);
    const version = Number(known) + 1;
    await writeFact(tx, OWN_RECORD, `${version} ${hash}`);
    await deps.keyLog.stage(tx, {
      kind: 'trust-change',
      name: signer.iss,
      version,
      value: labelled('trust-change', { ...content, version }),
    });
    return version;
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
    async own() {
      const { version, domains } = await currentOwnRecord(deps.database, ownVersion, signer);
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

/** Most calls change nothing and need no transaction: compare by reading first. */
async function currentOwnRecord(
  database: Database,
  ownVersion: (tx: Transaction, domains: readonly string[]) => Promise<number>,
  signer: Signer,
): Promise<{ version: number; domains: string[] }> {
  const { domains, stored } = await database.read(async (query) => ({
    domains: await verifiedDomains(query),
    stored: await readFact(query, OWN_RECORD),
  }));
  const content = { iss: signer.iss, root_thumbprint: signer.rootThumbprint, domains };
  const [version, hash] = stored?.split(' ') ?? [];
  if (version !== undefined && hash === sha256Base64url(labelled('trust-change', content))) {
    return { version: Number(version), domains };
  }
  return database.transaction(async (tx) => {
    const current = await verifiedDomains(tx);
    return { version: await ownVersion(tx, current), domains: current };
  });
}
