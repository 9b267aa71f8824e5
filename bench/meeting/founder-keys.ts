import { openTransformKey, sealTransformKey } from '../../bridge/binding/transform-keys.ts';
import type { Config } from '../../bridge/config/index.ts';
import { findDevice } from '../../bridge/directory/devices.ts';
import { findMember } from '../../bridge/groups/member-store.ts';
import { openMemberKey, sealMemberKey } from '../../bridge/groups/sealed-group-keys.ts';
import { systemClock } from '../../bridge/lib/clock.ts';
import { openLocalSigner } from '../../bridge/signer/local-signer.ts';
import type { Database } from '../../bridge/storage/database.ts';
import type { EncryptionKey } from '../../protocol/public-key.ts';

/** Transform keys for people of a crowd, each sealed for whom it is. */
export interface CrowdKeys {
  /** Of the person and of the device. */
  readonly pre: readonly [EncryptionKey, EncryptionKey];
  toMember(name: Parameters<typeof sealMemberKey>[1]): Promise<Uint8Array>;
  toDevice(name: Parameters<typeof sealTransformKey>[1]): Promise<Uint8Array>;
}

/**
 * The keys of whoever founded a group, for others too: real ones, so that bridges transform and devices decrypt as for
 * anybody, and made once, as thousands would cost the bench minutes.
 */
export async function founderKeys(
  database: Database,
  config: Config,
  founder: { readonly team: string; readonly sub: string; readonly deviceId: string },
): Promise<CrowdKeys> {
  const { issuer: iss } = config;
  const keyEncryptionKey = new Uint8Array(
    Buffer.from(config.signer.key_encryption_key.reveal(), 'base64url'),
  );
  const signer = await openLocalSigner({ database, keyEncryptionKey, iss, clock: systemClock });
  const { team, sub, deviceId } = founder;
  const { member, device } = await database.read(async (query) => ({
    member: await findMember(query, team, { iss, sub }),
    device: await findDevice(query, deviceId),
  }));
  if (member === undefined || device === undefined) throw new Error('the founder is in their own group');
  const name = { sub, deviceId, keyVersion: device.key_version };
  const toPerson = await openMemberKey(signer, member, member.transform_key);
  const toTheirDevice = await openTransformKey(signer, name, device.transform_key);
  return {
    pre: [device.keys[0], device.keys[0]],
    toMember: (each) => sealMemberKey(signer, each, toPerson),
    toDevice: (each) => sealTransformKey(signer, each, toTheirDevice),
  };
}
