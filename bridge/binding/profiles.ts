import type { DeviceSummary, Me } from '../../protocol/api.ts';
import type { SignedStatement } from '../../protocol/key-statement.ts';
import { addressesOf } from '../directory/addresses.ts';
import { type Device, devicesOf } from '../directory/devices.ts';
import { findPersonKeys, type PersonKeys } from '../directory/person-keys.ts';
import { requireActivePerson } from '../directory/persons.ts';
import { activeStatementOf } from '../directory/statements.ts';
import { seconds } from '../lib/clock.ts';
import type { Holder } from './holder.ts';
import { requirePersonPermission } from './permission.ts';
import { type OrganizationEscrowSetting, recoveryKeyToken } from './recovery-key.ts';
import type { BindingDeps, Credentials, Profiles } from './services.ts';

type ProfileDeps = BindingDeps & {
  readonly credentials: Credentials;
  /** Whether keys are escrowed to the organization; not if absent. */
  readonly organizationEscrow?: OrganizationEscrowSetting;
};

/** `GET /v1/me`. */
export function createProfiles(deps: ProfileDeps): Profiles {
  const { database, credentials, signer, organization } = deps;
  return {
    async describe(who) {
      requirePersonPermission(deps, who, {
        action: 'see-self',
        resource: { kind: 'person', id: who.sub, owner: who.sub },
      });
      const { person, addresses, keys, devices, active } = await database.read(async (query) => ({
        person: await requireActivePerson(query, who.sub),
        addresses: await addressesOf(query, who.sub),
        keys: await findPersonKeys(query, who.sub),
        devices: await devicesOf(query, who.sub),
        active: await activeStatementOf(query, who.sub),
      }));
      const answer = keys === undefined ? undefined : await credentials.forAddress(keys.address);
      const recoveryKey = await recoveryKeyToken(deps, deps.organizationEscrow ?? 'off');
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
        ...(keys === undefined ? {} : rotationDue(deps, keys, active)),
        ...(recoveryKey === undefined ? {} : { recovery_key: recoveryKey }),
      };
    },
  };
}

function summary({ device_id, label, added }: Device, who: Holder): DeviceSummary {
  return { device_id, label, added, current: device_id === who.deviceId };
}

/** Whoever had a removed device may have the keys; and the longer keys are used, the more places there are that they were copied to. */
function rotationDue(
  { clock, policy }: ProfileDeps,
  { removed }: PersonKeys,
  active: SignedStatement | undefined,
): Pick<Me, 'rotation_due'> {
  if (removed !== null) return { rotation_due: 'device_removed' };
  const since = active?.statement.since;
  const { personKeys } = policy.lifetimes;
  const isOld = personKeys > 0 && since !== undefined && since + personKeys <= seconds(clock);
  return isOld ? { rotation_due: 'scheduled' } : {};
}
