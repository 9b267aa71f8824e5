import { CountersignError } from '../../protocol/errors.ts';
import { type SignerEvidence, signerEvidenceSchema } from '../../protocol/groups/signer-evidence.ts';
import type { Credentials } from '../binding/services.ts';
import { findDevice } from '../directory/devices.ts';
import type { Signer } from '../signer/signer.ts';
import type { Database } from '../storage/database.ts';
import type { StoredSealedKey } from './sealed-key-store.ts';
import { createSignerEvidence } from './signer-evidence.ts';

type Sealer = Pick<StoredSealedKey, 'iss' | 'sub' | 'device_id' | 'evidence'>;

/**
 * What shows whose device sealed a key: fresh for a device of ours; else what showed it when the key was stored. The
 * receiver sees how old that is. `undefined` where nothing shows it any more.
 */
export type FindSealerEvidence = (sealed: Sealer) => Promise<SignerEvidence | undefined>;

interface SealerEvidenceDeps {
  readonly database: Database;
  readonly credentials: Credentials;
  readonly signer: Signer;
}

export function createSealerEvidence(deps: SealerEvidenceDeps): FindSealerEvidence {
  const find = createSignerEvidence(deps);
  return async ({ iss, sub, device_id, evidence }) => {
    const fresh = iss === deps.signer.iss ? await find(sub, device_id) : undefined;
    if (fresh !== undefined || evidence === null) return fresh;
    return signerEvidenceSchema.parse(JSON.parse(evidence));
  };
}

/**
 * The same for a key that is to be opened: nobody could use it without. Throws `unavailable` while the sealer's new keys
 * are not published yet, `sealed_key_unknown` where the device is nobody's any more.
 */
export function requireSealerEvidence(deps: SealerEvidenceDeps): (sealed: Sealer) => Promise<SignerEvidence> {
  const find = createSealerEvidence(deps);
  return async (sealed) => {
    const evidence = await find(sealed);
    if (evidence !== undefined) return evidence;
    const device = await deps.database.read((query) => findDevice(query, sealed.device_id));
    if (device?.sub === sealed.sub) {
      throw new CountersignError('unavailable', 'The key of the sealer is not published yet.');
    }
    throw new CountersignError('sealed_key_unknown', 'The device that sealed it is nobody’s any more.');
  };
}
