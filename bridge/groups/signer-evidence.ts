import { deviceBindingSchema, deviceEndorsementSchema } from '../../protocol/device.ts';
import type { SignerEvidence } from '../../protocol/groups/signer-evidence.ts';
import { decodeClaims } from '../../protocol/jws.ts';
import type { Credentials } from '../binding/services.ts';
import { findDevice } from '../directory/devices.ts';
import { activeStatementOf } from '../directory/statements.ts';
import type { Database } from '../storage/database.ts';

/**
 * Fresh evidence for a device of ours, without what only policy may tell (identity attributes), or `undefined` for one
 * that is nobody's, not yet or not any more, or another person's.
 */
export type FindSignerEvidence = (sub: string, deviceId: string) => Promise<SignerEvidence | undefined>;

export function createSignerEvidence(deps: {
  readonly database: Database;
  readonly credentials: Credentials;
}): FindSignerEvidence {
  const { database, credentials } = deps;
  return async (sub, deviceId) => {
    const address = await database.read(async (query) => {
      const device = await findDevice(query, deviceId);
      return device?.sub === sub ? (await activeStatementOf(query, sub))?.statement.address : undefined;
    });
    if (address === undefined) return undefined;
    const answer = await credentials.forAddress(address);
    const binding = await credentials.deviceBinding(deviceId);
    if (answer.status !== 'credential' || answer.sub !== sub || binding === null) return undefined;
    return { address, credential: answer.credential, device_binding: binding };
  };
}

/** The device that evidence of ours is for. */
export function deviceOf({ device_binding: binding }: SignerEvidence): string {
  const { endorsement } = decodeClaims(binding, 'device-binding+jwt', deviceBindingSchema);
  return decodeClaims(endorsement, 'device-endorsement+jwt', deviceEndorsementSchema).device_id;
}

/** Evidence for each of these devices once, as far as they are still somebody's. */
export async function evidenceFor(
  find: FindSignerEvidence,
  signers: readonly { readonly sub: string; readonly device_id: string }[],
): Promise<SignerEvidence[]> {
  const devices = new Map(signers.map(({ sub, device_id }) => [device_id, sub]));
  const found = await Promise.all([...devices].map(([deviceId, sub]) => find(sub, deviceId)));
  return found.filter((evidence) => evidence !== undefined);
}
