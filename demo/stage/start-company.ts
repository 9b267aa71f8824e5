import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pino from 'pino';
import { type Config, loadConfig } from '../../bridge/config/index.ts';
import { systemClock } from '../../bridge/lib/clock.ts';
import { createLogger } from '../../bridge/lib/logger.ts';
import { type RunningBridge, startBridge } from '../../bridge/main.ts';
import { initializeKeys } from '../../bridge/signer/key-ceremony.ts';
import { createRootKey, openRootKey } from '../../bridge/signer/root-key.ts';
import { openDatabase } from '../../bridge/storage/open-storage.ts';
import { bootstrapAdministrator } from './administrator.ts';
import type { Company, CompanyPlan } from './company.ts';
import { writeConfiguration } from './configuration.ts';
import { freePort } from './free-port.ts';
import { startIdentityProvider } from './identity-providers.ts';
import { logFile, type Stage } from './stage.ts';

/** Sets a company up as its administrator would: configuration, key ceremony, bridge, one-time link. */
export async function startCompany(stage: Stage, plan: CompanyPlan): Promise<Company> {
  const port = await freePort();
  const issuer = `https://${plan.bridgeHost}:${port}`;
  const folder = join(stage.folder, plan.key);
  stage.names.addHost(plan.bridgeHost, '127.0.0.1');
  const tls = await stage.ca.issue([plan.bridgeHost]);
  const stores = await stage.newStores();
  const given = { issuer, port, caFile: stage.caFile, tls, stores };
  const configPath = await writeConfiguration(folder, plan, given);
  const config = readConfig(configPath);
  const rootThumbprint = await holdKeyCeremony(config, folder);
  const identityProvider = await startIdentityProvider(stage, plan, issuer);
  const bridge = await runBridge(stage, plan, config);
  const { url } = await bridge.services.administrators.createLink();
  return {
    ...plan,
    ...{ issuer, port, folder, configPath, rootThumbprint, identityProvider, bridge },
    administrator: await bootstrapAdministrator(issuer, url, stage.fetch),
  };
}

/** Stops the bridge, lets `meanwhile` have its address, and starts it again on what it had stored. */
export async function whileStopped<Result>(
  stage: Stage,
  company: Company,
  meanwhile: () => Promise<Result>,
): Promise<Result> {
  await company.bridge.stop();
  try {
    return await meanwhile();
  } finally {
    company.bridge = await runBridge(stage, company, readConfig(company.configPath));
  }
}

/** Stops the bridge and starts it again: what was changed in its configuration is in force. */
export function restart(stage: Stage, company: Company): Promise<void> {
  return whileStopped(stage, company, async () => undefined);
}

export function readConfig(path: string): Config {
  return loadConfig({ path, env: {} });
}

export async function runBridge(
  stage: Stage,
  company: Pick<CompanyPlan, 'key'>,
  config: Config,
): Promise<RunningBridge> {
  const destination = pino.destination({ dest: logFile(stage, company), sync: true });
  const logger = createLogger({ destination });
  const bridge = await startBridge(config, { resolver: stage.names, logger });
  stage.onClose(() => bridge.stop());
  return bridge;
}

/** Makes the offline root and has it vouch for the first online keys; answers the root's fingerprint. */
async function holdKeyCeremony(config: Config, folder: string): Promise<string> {
  const file = await createRootKey();
  await writeFile(join(folder, 'root-key.json'), JSON.stringify(file), { mode: 0o600 });
  const root = await openRootKey(file);
  const clock = systemClock;
  const database = await openDatabase(config.storage, clock);
  try {
    await database.migrate();
    const keyEncryptionKey = new Uint8Array(
      Buffer.from(config.signer.key_encryption_key.reveal(), 'base64url'),
    );
    await database.transaction((tx) =>
      initializeKeys(tx, { iss: config.issuer, root, keyEncryptionKey, clock }),
    );
  } finally {
    await database.close();
  }
  return file.thumbprint;
}
