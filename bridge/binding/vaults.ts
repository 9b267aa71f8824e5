import { encodeBase64url } from '../../protocol/base64url.ts';
import { CountersignError } from '../../protocol/errors.ts';
import type { KeyStatement } from '../../protocol/key-statement.ts';
import { decodeTransformKey } from '../../recrypt/encoding.ts';
import { transformSealed } from '../../recrypt/sealed-box.ts';
import { type Device, findDevice } from '../directory/devices.ts';
import type { Reader } from '../directory/handle.ts';
import { findPersonKeys, type PersonKeys } from '../directory/person-keys.ts';
import { type Person, requireActivePerson } from '../directory/persons.ts';
import { activeStatementOf } from '../directory/statements.ts';
import type { Holder } from './holder.ts';
import { principalOf, requirePermission } from './permission.ts';
import type { BindingDeps, Vaults } from './services.ts';
import { openTransformKey } from './transform-keys.ts';

/** The vault, through the asking device's transform (PROTOCOL §1, §8). */
export function createVaults(deps: BindingDeps): Vaults {
  const { database, engine, events, keyLog, signer } = deps;
  return {
    async open(who, context) {
      await requirePermission(
        deps,
        {
          action: 'open-vault',
          principal: principalOf(who),
          resource: { kind: 'person', id: who.sub, owner: who.sub },
          context: {},
        },
        context,
      );
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

interface Access {
  readonly person: Person;
  readonly keys: PersonKeys;
  readonly device: Device;
  readonly statement: KeyStatement;
}

async function readAccess(reader: Reader, who: Holder): Promise<Access> {
  const person = await requireActivePerson(reader, who.sub);
  const keys = await findPersonKeys(reader, who.sub);
  const device = await findDevice(reader, who.deviceId);
  const active = await activeStatementOf(reader, who.sub);
  if (keys === undefined || active === undefined || device?.sub !== who.sub) {
    throw new CountersignError('device_not_endorsed');
  }
  const versions = new Set([keys.key_version, device.key_version, active.statement.key_version]);
  if (versions.size > 1) throw new CountersignError('device_not_endorsed', 'The keys were rotated since.');
  return { person, keys, device, statement: active.statement };
}

function assertUnchanged(before: Access, after: Access): void {
  const unchanged =
    before.person.generation === after.person.generation &&
    before.device.generation === after.device.generation &&
    before.device.added === after.device.added &&
    before.statement.version === after.statement.version;
  if (!unchanged) throw new CountersignError('conflict', 'Access was restricted meanwhile.');
}
