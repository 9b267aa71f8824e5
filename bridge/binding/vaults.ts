import { encodeBase64url } from '../../protocol/base64url.ts';
import { assertUnchanged, readAccess, readPublishedAccess } from './access.ts';
import { requirePersonPermission } from './permission.ts';
import type { BindingDeps, Vaults } from './services.ts';
import { openTransformKey } from './transform-keys.ts';

/** The vault, through the asking device's transform (PROTOCOL §1, §8). */
export function createVaults(deps: BindingDeps): Vaults {
  const { database, events, keyLog, signer, transforms } = deps;
  return {
    async open(who, context) {
      requirePersonPermission(deps, who, {
        action: 'open-vault',
        resource: { kind: 'person', id: who.sub, owner: who.sub },
      });
      const before = await database.read((query) => readPublishedAccess(query, keyLog, who));
      const { device, keys, statement } = before;
      const name = { sub: who.sub, deviceId: device.device_id, keyVersion: device.key_version };
      const transformKey = await openTransformKey(signer, name, device.transform_key);
      const transformed = await transforms.run({
        ...{ encrypted: keys.vault, box: true, keys: [transformKey], maxBlocks: 0 },
        ...{ priority: 'asset', turn: [signer.iss, who.sub, who.sub] },
      });
      const vault = encodeBase64url(transformed);
      // Read again and reported in one transaction: what a restriction overtook is neither reported nor released.
      await database.transaction(async (transaction) => {
        assertUnchanged(before, await readAccess(transaction, who));
        await events.append(transaction, {
          type: 'vault.opened',
          actor: context.actor,
          subject: { sub: who.sub, address: statement.address, device: who.deviceId },
          outcome: 'success',
          requestId: context.requestId,
          data: {},
        });
      });
      return { vault, statement };
    },
  };
}
