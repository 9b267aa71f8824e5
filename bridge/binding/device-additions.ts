import { seconds } from '../lib/clock.ts';
import { REQUEST_ID_LIFE_S } from '../lib/limits.ts';
import { createAsking } from './device-asking.ts';
import { createComparing } from './device-comparing.ts';
import { createDeciding } from './device-deciding.ts';
import { deleteOldDeviceRequests, expireDeviceRequests } from './device-request-store.ts';
import type { BindingDeps, DeviceAdditions } from './services.ts';

/** Adding a device by approval (PROTOCOL §9). */
export function createDeviceAdditions(deps: BindingDeps): DeviceAdditions {
  return {
    ...createAsking(deps),
    ...createComparing(deps),
    ...createDeciding(deps),
    expire: () => expire(deps),
  };
}

async function expire({ database, events, clock }: BindingDeps): Promise<number> {
  const now = seconds(clock);
  return database.transaction(async (transaction) => {
    const expired = await expireDeviceRequests(transaction, now);
    for (const { sub, device_id, label } of expired) {
      await events.append(transaction, {
        type: 'device.refused',
        actor: { kind: 'system' },
        subject: { sub, device: device_id },
        outcome: 'failure',
        code: 'device_request_expired',
        data: { label, reason: 'expired' },
      });
    }
    await deleteOldDeviceRequests(transaction, now - REQUEST_ID_LIFE_S);
    return expired.length;
  });
}
