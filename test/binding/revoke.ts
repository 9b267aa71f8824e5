import { deleteDevicesOf } from '../../bridge/directory/devices.ts';
import { deletePersonKeys } from '../../bridge/directory/person-keys.ts';
import { restrictPerson } from '../../bridge/directory/persons.ts';
import { insertStatement, latestStatement } from '../../bridge/directory/statements.ts';
import { type KeyStatement, statementBytes, statementHash } from '../../protocol/key-statement.ts';
import type { BridgeParts } from '../fakes/bridge-parts.ts';

/** Revokes the key of an address as bridge/lifecycle does: deleted, restricted, and staged in one transaction. */
export async function revoke(
  parts: BridgeParts,
  address: string,
  reason: 'closed' | 'reset',
): Promise<KeyStatement> {
  const latest = await parts.database.read((query) => latestStatement(query, address));
  if (latest === undefined) throw new Error('nothing to revoke');
  const before = latest.statement;
  const statement: KeyStatement = {
    ...before,
    version: before.version + 1,
    status: 'revoked',
    since: Math.floor(parts.clock.now() / 1000),
    prev: statementHash(before),
    reason,
  };
  const signed = { statement, signatures: [await parts.signer.signStatement(statement)] };
  await parts.database.transaction(async (tx) => {
    await deletePersonKeys(tx, before.sub);
    await deleteDevicesOf(tx, before.sub);
    await restrictPerson(tx, before.sub, reason === 'closed' ? 'closed' : 'active');
    await insertStatement(tx, signed);
    const { version } = statement;
    await parts.keyLog.stage(tx, {
      kind: 'address',
      name: address,
      version,
      value: statementBytes(statement),
    });
  });
  return statement;
}
