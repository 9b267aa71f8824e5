import { encodeBase64url } from '../../protocol/base64url.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { decodeTransformKey } from '../../recrypt/encoding.ts';
import { transformSealed } from '../../recrypt/sealed-box.ts';
import { assertUnchanged, readAccess } from './access.ts';
import { principalOf, requirePermission } from './permission.ts';
import type { BindingDeps, Vaults } from './services.ts';
import { openTransformKey } from './transform-keys.ts';

/** The vault, through the asking device's transform (PROTOCOL §1, §8). */
export function createVaults(deps: BindingDeps): Vaults {
  const { database, engine, events, keyLog, signer } = deps;
  return {
    async open(who, context) {
      requirePermission(deps, {
        action: 'open-vault',
        principal: principalOf(who),
        resource: { kind: 'person', id: who.sub, owner: who.sub },
        context: {},
      });
      const before = await database.read(async (query) => {
        const access = await readAccess(query, who);
        const { address, version } = access.statement;
        const isPublished = await keyLog.isPublished(query, 'address', address, version);
        if (!isPublished) throw new CountersignError('unavailable', 'The key is not published yet.');
        return access;
      });
      const { device, keys, statement } = before;
      const name = { sub: who.sub, deviceId: device.device_id, keyVersion: device.key_version };
      const transformKey = decodeTransformKey(await openTransformKey(signer, name, device.transform_key));
      const vault = encodeBase64url(transformSealed(engine, keys.vault, transformKey));
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
