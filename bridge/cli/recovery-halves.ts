import { CountersignError } from '../../protocol/errors.ts';
import type { RecoveryKey } from '../../protocol/escrow/organization-api.ts';
import { organizationKeyFingerprint, type RecoveryHalves } from '../../protocol/escrow/organization-key.ts';
import { type EncryptionKey, thumbprint } from '../../protocol/public-key.ts';

/*
 * What the bridge says of the recovery key is attacker-controlled. Halves and the fingerprint of others beside them would
 * have an administrator hand out, or sign, what nobody compared: so the fingerprint is reckoned here, from the halves.
 */

type ShownHalves = RecoveryKey['halves'];

/** Both halves in their order, or null while one is missing. */
export function pairOf(halves: ShownHalves): RecoveryHalves | null {
  const [first, second] = halves;
  return first === undefined || second === undefined ? null : [first.half, second.half];
}

/** The fingerprint of these halves, or null while one is missing. */
export function fingerprintOfHalves(iss: string, halves: ShownHalves): string | null {
  const pair = pairOf(halves);
  return pair === null ? null : organizationKeyFingerprint(iss, pair);
}

/** Throws `recovery_half` where the bridge shows others than this officer's own. */
export function assertShown(halves: ShownHalves, own: EncryptionKey): void {
  if (halves.some(({ half }) => thumbprint(half) === thumbprint(own))) return;
  throw new CountersignError(
    'recovery_half',
    'The bridge shows a recovery key without your half: hand its fingerprint to nobody.',
  );
}

/** The same with the fingerprints of these halves, whatever the bridge says they are. */
export function reckoned(key: RecoveryKey): RecoveryKey {
  const { iss, halves, replacement } = key;
  return {
    ...key,
    fingerprint: fingerprintOfHalves(iss, halves),
    replacement:
      replacement === null
        ? null
        : { ...replacement, fingerprint: fingerprintOfHalves(iss, replacement.halves) },
  };
}
