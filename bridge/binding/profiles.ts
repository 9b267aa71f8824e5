import type { DeviceSummary } from '../../protocol/api.ts';
import { addressesOf } from '../directory/addresses.ts';
import { type Device, devicesOf } from '../directory/devices.ts';
import { findPersonKeys } from '../directory/person-keys.ts';
import { requireActivePerson } from '../directory/persons.ts';
import { requireAllowed } from '../policy/decision.ts';
import type { Holder } from './holder.ts';
import { principalOf } from './permission.ts';
import type { BindingDeps, Credentials, Profiles } from './services.ts';

/** `GET /v1/me`. */
export function createProfiles(deps: BindingDeps & { credentials: Credentials }): Profiles {
  const { database, policy, credentials, signer, organization } = deps;
  return {
    async describe(who) {
      requireAllowed(policy.decide, {
        action: 'see-self',
        principal: principalOf(who),
        resource: { kind: 'person', id: who.sub, owner: who.sub },
        context: {},
      });
      const { person, addresses, keys, devices } = await database.read(async (query) => ({
        person: await requireActivePerson(query, who.sub),
        addresses: await addressesOf(query, who.sub),
        keys: await findPersonKeys(query, who.sub),
        devices: await devicesOf(query, who.sub),
      }));
      const answer = keys === undefined ? undefined : await credentials.forAddress(keys.address);
      const isOwnDevice = devices.some((device) => device.device_id === who.deviceId);
      return {
        iss: signer.iss,
        sub: who.sub,
        organization,
        name: person.name,
        addresses: addresses.map(({ address }) => address),
        assurance: person.assurance,
        credential: answer?.status === 'credential' ? answer.credential : null,
        device_binding: isOwnDevice ? await credentials.deviceBinding(who.deviceId) : null,
        devices: devices.map((device) => summary(device, who)),
      };
    },
  };
}

function summary({ device_id, label, added }: Device, who: Holder): DeviceSummary {
  return { device_id, label, added, current: device_id === who.deviceId };
}
