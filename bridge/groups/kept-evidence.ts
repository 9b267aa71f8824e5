import { SIGNERS } from '../../protocol/groups/api.ts';
import {
  endOfEvidence,
  type KeptEvidence,
  signerEvidenceSchema,
} from '../../protocol/groups/signer-evidence.ts';
import type { Holder } from '../binding/holder.ts';
import { findDevice } from '../directory/devices.ts';
import type { Reader } from '../directory/handle.ts';
import { GROUP_EVIDENCE_REUSE_S } from '../lib/limits.ts';
import type { Database } from '../storage/database.ts';
import { evidenceMadeAt, hasEvidence, type StoredEvidence, timesOfEvidence } from './evidence-store.ts';
import type { FindSignerEvidence } from './signer-evidence.ts';

/**
 * What is to be stored with something that this device signs for a group now (seconds): null where what is stored still
 * serves, or where nothing shows yet whose device it is.
 */
export async function evidenceToKeep(
  { database, find }: { readonly database: Database; readonly find: FindSignerEvidence },
  who: Holder,
  group: string,
  now: number,
): Promise<StoredEvidence | null> {
  const { sub, deviceId } = who;
  const since = now - GROUP_EVIDENCE_REUSE_S;
  if (await database.read((query) => hasEvidence(query, { group, deviceId }, { since, now }))) return null;
  const evidence = await find(sub, deviceId);
  if (evidence === undefined) return null;
  const expires = endOfEvidence(evidence);
  const kept = { sub, device_id: deviceId, made: now, expires, evidence: JSON.stringify(evidence) };
  return { group_id: group, ...kept };
}

/** Something that was signed for a group, by whose device, and when it was stored, seconds. */
export interface SignedFor {
  readonly sub: string;
  readonly device_id: string;
  readonly stored: number;
}

/** Of the devices that are nobody's any more: what showed whose they were when they signed, each once. */
export async function keptEvidenceFor(
  reader: Reader,
  group: string,
  signed: readonly SignedFor[],
): Promise<KeptEvidence[]> {
  const kept: StoredEvidence[] = [];
  const people = new Map(signed.map(({ device_id, sub }) => [device_id, sub]));
  for (const [deviceId, sub] of people) {
    if ((await findDevice(reader, deviceId))?.sub === sub) continue;
    const times = await timesOfEvidence(reader, { group, deviceId });
    const stored = signed.filter(({ device_id }) => device_id === deviceId);
    const needed = stored.flatMap((each) => times.find((made) => made <= each.stored) ?? []);
    kept.push(...(await evidenceMadeAt(reader, { group, deviceId }, [...new Set(needed)])));
  }
  return kept.slice(0, SIGNERS).map(({ made, evidence }) => ({
    since: made,
    evidence: signerEvidenceSchema.parse(JSON.parse(evidence)),
  }));
}
