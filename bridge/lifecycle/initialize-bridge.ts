import type { SigningKey } from '../../protocol/ed25519.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { decodeClaims } from '../../protocol/jws.ts';
import { onlineKeysSchema } from '../../protocol/online-keys.ts';
import { thumbprint } from '../../protocol/public-key.ts';
import type { EventLog } from '../events/event-log.ts';
import type { StagingLog } from '../keylog/key-log.ts';
import { stageTrustChange, type TrustChangeKind } from '../keylog/trust-changes.ts';
import type { Clock } from '../lib/clock.ts';
import { SYSTEM } from '../lib/request-context.ts';
import { type IssuedKeys, initializeKeys, rotateKeys } from '../signer/key-ceremony.ts';
import { findSigner } from '../signer/stored-keys.ts';
import type { Database, Transaction } from '../storage/database.ts';

/**
 * A key ceremony: the offline root is here for this. Each is one transaction, with its events and what the key log
 * commits to.
 */
export interface CeremonyDeps {
  readonly database: Database;
  readonly events: EventLog;
  readonly keyLog: StagingLog;
  readonly clock: Clock;
  readonly iss: string;
  readonly root: SigningKey;
  /** 32 bytes. */
  readonly keyEncryptionKey: Uint8Array;
  /** While it is replaced. */
  readonly previousKeyEncryptionKey?: Uint8Array;
  readonly onlineKeysDays: number;
}

type Rotation = Pick<Parameters<typeof rotateKeys>[1], 'purposes' | 'compromised' | 'lead'>;

/** The first online keys of a new store. Throws `conflict` where there are keys already. */
export async function initializeBridge(deps: CeremonyDeps): Promise<IssuedKeys> {
  return deps.database.transaction(async (tx) => {
    const issued = await initializeKeys(tx, deps);
    await stageOnlineKeys(deps, tx, 'keys.initialized');
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
    await stageOnlineKeys(deps, tx, thumbprints.length > 0 ? 'keys.compromised' : 'keys.rotated');
    const said = { actor: SYSTEM.actor, outcome: 'success' } as const;
    if (thumbprints.length > 0) {
      await deps.events.append(tx, { type: 'keys.compromised', ...said, data: { serial, thumbprints } });
    }
    const purposes = [...issued.purposes];
    await deps.events.append(tx, { type: 'keys.rotated', ...said, data: { serial, purposes } });
    return issued;
  });
}

/** Under which the key log has the online keys. */
export const ONLINE_KEYS_NAME = 'online-keys';

/** The online keys as they now stand in `tx`: whoever holds one of them speaks for this bridge. */
async function stageOnlineKeys(
  { iss: issuer, keyLog, clock }: CeremonyDeps,
  tx: Transaction,
  change: Extract<TrustChangeKind, `keys.${string}`>,
): Promise<void> {
  const stored = await findSigner(tx);
  if (stored === undefined) throw new CountersignError('state_refused', 'This store has no keys.');
  const { serial, exp, keys, compromised } = decodeClaims(stored.token, 'online-keys+jwt', onlineKeysSchema);
  await stageTrustChange({ issuer, keyLog, clock }, tx, {
    ...{ name: ONLINE_KEYS_NAME, change, by: SYSTEM.actor },
    state: {
      ...{ serial, root_thumbprint: stored.rootThumbprint, exp, compromised },
      keys: keys.map(({ purpose, jwk, nbf, exp }) => ({ purpose, thumbprint: thumbprint(jwk), nbf, exp })),
    },
  });
}
