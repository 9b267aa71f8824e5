import { decodeBase64url } from '../protocol/base64url.ts';
import { deviceFingerprint } from '../protocol/device-comparison.ts';
import { CountersignError } from '../protocol/errors.ts';
import { type Recovery, recoverySchema } from '../protocol/escrow/organization-api.ts';
import {
  joinShares,
  releasedShareContext,
  verifyOrganizationEscrow,
} from '../protocol/escrow/organization-escrow.ts';
import type { KeyStatement } from '../protocol/key-statement.ts';
import type { VaultContent } from '../protocol/vault.ts';
import { openSealed } from '../recrypt/sealed-box.ts';
import type { Enrolment, OrganizationRecovery } from './client.ts';
import type { Device } from './context.ts';
import { admitRecovered, ownStatement } from './escrow-recovery.ts';
import { type ClientParts, currentDevice } from './own-account.ts';
import { readVault } from './own-vault.ts';
import { randomId } from './random-id.ts';
import { waitFor } from './waiting.ts';

/** What two administrators release to this device was sealed to it directly. */
const HOPS = 0;

/** Asks two administrators for the person's keys. Throws `escrow_none` where they cannot give them. */
export async function requestRecovery(
  parts: ClientParts,
  { label }: { label: string },
): Promise<OrganizationRecovery> {
  const { me, statement } = await ownStatement(parts, 'organization');
  const device = await currentDevice(parts.context);
  const keys = { iss: me.iss, sub: me.sub, pre: device.preJwk, sig: device.sig.publicKey };
  const asking = { request_id: randomId(), device_key: keys.pre, device_sig: keys.sig, label };
  const { id, expires } = await parts.api.post('/v1/recoveries', asking, recoverySchema);
  const fingerprint = deviceFingerprint(keys);
  const path = `/v1/recoveries/${encodeURIComponent(id)}`;
  const find = async () => releasedOf(await parts.api.get(path, recoverySchema));

  return {
    ...{ id, fingerprint, expires },
    waitForRelease: async (options): Promise<Enrolment> => {
      const released = await waitFor(find, parts.context.polling, options);
      const content = await openShares(parts, device, { statement, released, id, fingerprint });
      return admitRecovered(parts, { me, statement, content, label });
    },
  };
}

function releasedOf({ status, released }: Recovery): Recovery['released'] {
  if (status === 'expired') throw new CountersignError('recovery_expired');
  if (status === 'refused') throw new CountersignError('recovery_refused');
  return released;
}

interface Released {
  readonly statement: KeyStatement;
  readonly released: NonNullable<Recovery['released']>;
  readonly id: string;
  readonly fingerprint: string;
}

/** The content of the vault; whether it is the person's, `admitRecovered` holds against the statement. */
async function openShares(
  { context: { engine } }: ClientParts,
  device: Device,
  { statement, released, id, fingerprint }: Released,
): Promise<VaultContent> {
  const { halves } = await verifyOrganizationEscrow(released.token, statement);
  const open = (share: string, half: (typeof halves)[0]) => {
    const aad = releasedShareContext(statement, half, { id, fingerprint });
    return openSealed(engine, device.pre, decodeBase64url(share), aad, HOPS);
  };
  const first = await open(released.shares[0], halves[0]);
  const second = await open(released.shares[1], halves[1]);
  const opened = joinShares(first, second);
  try {
    return readVault(opened);
  } finally {
    for (const bytes of [first, second, opened]) bytes.fill(0);
  }
}
