import { assertCommitment } from '../../protocol/device-comparison.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { findDevice } from '../directory/devices.ts';
import { parseKeyPair } from '../directory/person-keys.ts';
import { seconds } from '../lib/clock.ts';
import { assertPending, currentRequest, requireApprover, requireParty } from './device-request-access.ts';
import { advance, type StoredDeviceRequest } from './device-request-store.ts';
import type { Holder } from './holder.ts';
import type { BindingDeps, DeviceAdditions } from './services.ts';

/**
 * The six digits by commit-then-reveal (PROTOCOL §9). The new device has committed to its nonce; the approver's comes
 * next, and only then the reveal. Each once: whoever could take a step twice could try codes.
 */
export function createComparing(deps: BindingDeps): Pick<DeviceAdditions, 'challenge' | 'reveal'> {
  const { database, clock } = deps;
  return {
    async challenge(who, id, nonce) {
      const stored = await requireParty(deps, who, id);
      await requireApprover(deps, who, stored);
      assertPending(deps, stored);
      if (stored.method !== 'code') {
        throw new CountersignError('device_request_state', 'It is compared by fingerprint.');
      }
      await database.transaction(async (transaction) => {
        const approver = await findDevice(transaction, who.deviceId);
        if (approver?.sub !== who.sub) throw new CountersignError('device_not_endorsed');
        const taken = await advance(
          transaction,
          id,
          { step: 'open', now: seconds(clock) },
          {
            approver_device: who.deviceId,
            approver_sig: JSON.stringify(approver.keys[1]),
            approver_nonce: nonce,
          },
        );
        if (!taken) throw new CountersignError('device_request_state', 'It was challenged before.');
      });
      return currentRequest(deps, id);
    },

    async reveal(who, id, nonce) {
      const stored = await requireParty(deps, who, id);
      assertPending(deps, stored);
      assertMayReveal(deps, who, stored, nonce);
      await database.transaction(async (transaction) => {
        const at = { step: 'challenged', now: seconds(clock) } as const;
        const taken = await advance(transaction, id, at, { device_nonce: nonce });
        if (!taken) throw new CountersignError('device_request_state', 'It was revealed before.');
      });
      return currentRequest(deps, id);
    },
  };
}

/** The approving device checks the commitment itself; that the bridge does too only ends a wrong attempt sooner. */
function assertMayReveal({ signer }: BindingDeps, who: Holder, stored: StoredDeviceRequest, nonce: string) {
  if (stored.device_id !== who.deviceId) {
    throw new CountersignError('forbidden', 'Only the device that asks reveals its nonce.');
  }
  if (stored.commitment === null || stored.approver_nonce === null || stored.device_nonce !== null) {
    throw new CountersignError('device_request_state', 'A nonce is revealed once, after the challenge.');
  }
  const [pre, sig] = parseKeyPair(stored.keys);
  assertCommitment({ iss: signer.iss, sub: stored.sub, pre, sig }, nonce, stored.commitment);
}
