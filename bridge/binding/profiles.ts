import type { DeviceSummary, Me } from '../../protocol/api.ts';
import type { KeyStatement, SignedStatement } from '../../protocol/key-statement.ts';
import { addressesOf } from '../directory/addresses.ts';
import { type Device, devicesOf } from '../directory/devices.ts';
import { findPersonKeys, type PersonKeys } from '../directory/person-keys.ts';
import { requireActivePerson } from '../directory/persons.ts';
import { activeStatementOf } from '../directory/statements.ts';
import { seconds } from '../lib/clock.ts';
import { canEscrow, coverageOf } from './escrow-coverage.ts';
import type { Holder } from './holder.ts';
import { requirePersonPermission } from './permission.ts';
import {
  type OrganizationEscrowSetting,
  readRecoveryFingerprints,
  recoveryKeyToken,
} from './recovery-key.ts';
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
        ...(keys === undefined ? {} : await rotationDue(deps, keys, active)),
        ...(recoveryKey === undefined ? {} : { recovery_key: recoveryKey }),
      };
    },
  };
}

function summary({ device_id, label, added }: Device, who: Holder): DeviceSummary {
  return { device_id, label, added, current: device_id === who.deviceId };
}

/**
 * Whoever had a removed device may have the keys; and the longer keys are used, the more places there are that they were
 * copied to. What was escrowed to halves that were replaced is worth nothing to these only once the keys are others.
 */
async function rotationDue(
  deps: ProfileDeps,
  keys: PersonKeys,
  active: SignedStatement | undefined,
): Promise<Pick<Me, 'rotation_due'>> {
  if (keys.removed !== null) return { rotation_due: 'device_removed' };
  if (active === undefined) return {};
  const escrow = await escrowDue(deps, keys, active.statement);
  if (escrow === 'recovery_key_replaced') return { rotation_due: escrow };
  const { personKeys } = deps.policy.lifetimes;
  const isOld = personKeys > 0 && active.statement.since + personKeys <= seconds(deps.clock);
  // First what needs nobody's consent.
  if (isOld) return { rotation_due: 'scheduled' };
  return escrow === null ? {} : { rotation_due: escrow };
}

async function escrowDue(
  deps: ProfileDeps,
  keys: PersonKeys,
  statement: KeyStatement,
): Promise<'recovery_key_replaced' | 'escrow_required' | null> {
  const { organizationEscrow: setting = 'off' } = deps;
  if (setting === 'off') return null;
  const ours = await deps.database.read((query) => readRecoveryFingerprints(statement.iss, query));
  // While a half is missing, nobody can be made to escrow.
  if (ours.current === null) return null;
  const coverage = await coverageOf(deps, keys, statement, ours);
  if (coverage === 'before' || coverage === 'foreign') return 'recovery_key_replaced';
  return coverage !== 'current' && setting === 'required' && canEscrow(statement) ? 'escrow_required' : null;
}
