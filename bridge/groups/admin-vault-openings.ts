import { encodeBase64url } from '../../protocol/base64url.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { openTransformKey } from '../binding/transform-keys.ts';
import { assertStillAdmin, requireAdmin } from './admin-access.ts';
import type { GroupDeps, GroupKeys } from './services.ts';

/** An admin's vault of a group, through the asking device's transform (PROTOCOL §8, §10). */
export function createGroupVaultOpenings(deps: GroupDeps): GroupKeys['openVault'] {
  const { database, events, keyLog, signer, transforms } = deps;
  return async (who, group, context) => {
    const before = await database.read(async (query) => {
      const found = await requireAdmin(deps, query, who, group);
      const { address, version } = found.access.statement;
      const isPublished = await keyLog.isPublished(query, 'address', address, version);
      if (!isPublished) throw new CountersignError('unavailable', 'The key is not published yet.');
      return found;
    });
    const { vault } = before.admin;
    if (vault === null) throw new CountersignError('group_vault_missing');
    const { device } = before.access;
    const name = { sub: who.sub, deviceId: device.device_id, keyVersion: device.key_version };
    const transformKey = await openTransformKey(signer, name, device.transform_key);
    const transformed = await transforms.run({
      ...{ encrypted: vault, box: true, keys: [transformKey], maxBlocks: 0 },
      ...{ priority: 'asset', turn: [signer.iss, who.sub, who.sub] },
    });
    // Read again and reported in one transaction: what a restriction overtook is neither reported nor released.
    await database.transaction(async (transaction) => {
      const after = await requireAdmin(deps, transaction, who, group);
      assertStillAdmin(before, after);
      if (after.admin.vault === null)
        throw new CountersignError('conflict', 'Access was restricted meanwhile.');
      await events.append(transaction, {
        type: 'group.vault_opened',
        actor: context.actor,
        subject: { sub: who.sub, device: who.deviceId, group },
        outcome: 'success',
        requestId: context.requestId,
        data: {},
      });
    });
    return { vault: encodeBase64url(transformed), key_version: before.group.key_version };
  };
}
