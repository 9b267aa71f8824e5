import { makeOfficerKey } from '../../bridge/cli/officer-key.ts';
import { SYSTEM } from '../../bridge/lib/request-context.ts';
import type { TwoCompanies } from '../http/two-companies.ts';

/** The recovery key of the first company, by two administrators whose halves nobody needs again. */
export async function registerHalves({ stage, acme: { bridge } }: TwoCompanies): Promise<void> {
  for (const name of ['Olga', 'Otto']) {
    const { registration } = await makeOfficerKey(stage.engine, bridge.issuer);
    await bridge.running.services.recoveryKeys.register({ id: `admin-${name}`, name }, registration, SYSTEM);
  }
}
