import { makeOfficerKey } from '../../bridge/cli/officer-key.ts';
import { SYSTEM } from '../../bridge/lib/request-context.ts';
import type { TwoCompanies } from '../http/two-companies.ts';

/** Another administrator of the first company, by a link of their own: their token. */
export async function anotherAdministrator({ acme }: TwoCompanies, name: string) {
  const { administrators } = acme.bridge.running.services;
  const { url } = await administrators.createLink();
  return administrators.bootstrap({ token: new URL(url).hash.slice(1), name }, SYSTEM);
}

/** The recovery key of the first company, by two administrators whose halves nobody needs again. */
export async function registerHalves(companies: TwoCompanies): Promise<void> {
  const { stage, acme } = companies;
  const { recoveryKeys } = acme.bridge.running.services;
  for (const name of ['Olga', 'Otto']) {
    const { registration } = await makeOfficerKey(stage.engine, acme.bridge.issuer);
    await recoveryKeys.register(await anotherAdministrator(companies, name), registration, SYSTEM);
  }
}
