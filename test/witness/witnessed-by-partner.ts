import type { Config } from '../../bridge/config/index.ts';
import { createLogger } from '../../bridge/lib/logger.ts';
import { type RunningBridge, startBridge } from '../../bridge/main.ts';
import { entityConfigurationSchema } from '../../protocol/entity-configuration.ts';
import { decodeClaims } from '../../protocol/jws.ts';
import { type Company, startTwoCompanies, type TwoCompanies } from '../http/two-companies.ts';

/** Two companies, of which Globex's bridge is a witness of Acme's log. */
export interface WitnessedByPartner {
  readonly companies: TwoCompanies;
  /** As Globex's entity configuration names it. */
  readonly witness: { readonly vkey: string; readonly url: string };
  /** As they run now, with these settings. */
  readonly acme: RunningBridge;
  readonly globex: RunningBridge;
  close(): Promise<void>;
}

export async function startWitnessedByPartner(): Promise<WitnessedByPartner> {
  const companies = await startTwoCompanies();
  const { stage, acme, globex } = companies;
  const running: RunningBridge[] = [];
  const close = async () => {
    for (const bridge of running) await bridge.stop();
    await companies.close();
  };
  try {
    const witnessing = await restarted(companies, globex, { witness: { partners: true, logs: [] } });
    running.push(witnessing);
    const token = await (await stage.fetch(`${globex.bridge.issuer}/.well-known/openid-federation`)).text();
    const { metadata } = decodeClaims(token, 'entity-statement+jwt', entityConfigurationSchema);
    const { witness } = metadata.key_bridge;
    if (witness === undefined) throw new Error('it is no witness');
    const keyLog = { ...acme.bridge.config.key_log, witnesses: [witness], quorum: 1 };
    const witnessed = await restarted(companies, acme, { key_log: keyLog });
    running.push(witnessed);
    return { companies, witness, acme: witnessed, globex: witnessing, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The company's bridge on what it had stored, with other settings. */
async function restarted(
  { stage }: TwoCompanies,
  { bridge }: Company,
  changes: Partial<Config>,
): Promise<RunningBridge> {
  await bridge.running.stop();
  const logger = createLogger({ level: 'silent' });
  const given = { resolver: stage.names, clock: bridge.clock, engine: stage.engine, logger };
  return startBridge({ ...bridge.config, ...changes }, given);
}
