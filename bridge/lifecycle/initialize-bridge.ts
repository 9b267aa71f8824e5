import type { SigningKey } from '../../protocol/ed25519.ts';
import type { EventLog } from '../events/event-log.ts';
import type { Clock } from '../lib/clock.ts';
import { SYSTEM } from '../lib/request-context.ts';
import { type IssuedKeys, initializeKeys, rotateKeys } from '../signer/key-ceremony.ts';
import type { Database } from '../storage/database.ts';

/** A key ceremony: the offline root is here for this. Each is one transaction, with its events. */
export interface CeremonyDeps {
  readonly database: Database;
  readonly events: EventLog;
  readonly clock: Clock;
  readonly iss: string;
  readonly root: SigningKey;
  /** 32 bytes. */
  readonly keyEncryptionKey: Uint8Array;
  readonly onlineKeysDays: number;
}

type Rotation = Pick<Parameters<typeof rotateKeys>[1], 'purposes' | 'compromised' | 'lead'>;

/** The first online keys of a new store. Throws `conflict` where there are keys already. */
export async function initializeBridge(deps: CeremonyDeps): Promise<IssuedKeys> {
  return deps.database.transaction(async (tx) => {
    const issued = await initializeKeys(tx, deps);
    await deps.events.append(tx, {
      type: 'keys.initialized',
      actor: SYSTEM.actor,
      outcome: 'success',
      data: { serial: issued.serial, root_thumbprint: deps.root.kid },
    });
    return issued;
  });
}

/** New online keys, or the end of compromised ones. Throws what `rotateKeys` throws. */
export async function rotateBridgeKeys(deps: CeremonyDeps, rotation: Rotation): Promise<IssuedKeys> {
  return deps.database.transaction(async (tx) => {
    const issued = await rotateKeys(tx, { ...deps, ...rotation });
    const { serial } = issued;
    const thumbprints = [...(rotation.compromised ?? [])];
    const said = { actor: SYSTEM.actor, outcome: 'success' } as const;
    if (thumbprints.length > 0) {
      await deps.events.append(tx, { type: 'keys.compromised', ...said, data: { serial, thumbprints } });
    }
    const purposes = [...issued.purposes];
    await deps.events.append(tx, { type: 'keys.rotated', ...said, data: { serial, purposes } });
    return issued;
  });
}
