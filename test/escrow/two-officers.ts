import { createRecoveryKeys } from '../../bridge/binding/recovery-key.ts';
import { makeOfficerKey } from '../../bridge/cli/officer-key.ts';
import { SYSTEM } from '../../bridge/lib/request-context.ts';
import type { RecoveryHalves } from '../../protocol/escrow/organization-key.ts';
import type { BridgeParts } from '../fakes/bridge-parts.ts';

/** Both halves of a recovery key, by two administrators who never use them. */
export async function halvesOfTwoOfficers(parts: BridgeParts): Promise<RecoveryHalves> {
  const names = ['Olga', 'Otto'];
  const tokens = names.map((name) => ({ id: `admin-${name}`, name, roles: [], parent: null }));
  const keys = createRecoveryKeys({ ...parts, administrators: async () => tokens });
  for (const name of names) {
    const { registration } = await makeOfficerKey(parts.engine, parts.signer.iss);
    await keys.register({ id: `admin-${name}`, name }, registration, SYSTEM);
  }
  const [first, second] = (await keys.describe()).halves;
  if (first === undefined || second === undefined) throw new Error('there are two');
  return [first.half, second.half];
}
