import { cp, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import Libsql from 'libsql';
import type { RunningBridge } from '../../bridge/main.ts';
import { isCountersignError } from '../../client/index.ts';
import { must } from '../finding.ts';
import type { Company } from '../stage/company.ts';
import { amendConfiguration } from '../stage/configuration.ts';
import type { Stage } from '../stage/stage.ts';
import { readConfig, runBridge } from '../stage/start-company.ts';

/** A store that was put back: the company's configuration and keys, and its database as it was at the backup. */
export interface Restored {
  readonly configPath: string;
}

/** Backs the database up while the bridge runs, as the administrator's guide says, and puts it into a folder of its own. */
export async function backUp(stage: Stage, company: Company): Promise<Restored> {
  const folder = join(stage.folder, `${company.key}-restored`);
  const { storage } = readConfig(company.configPath);
  must(storage.driver === 'sqlite', 'the store is not embedded');
  const filter = (path: string) => !path.startsWith(storage.path);
  await cp(company.folder, folder, { recursive: true, filter });
  const database = new Libsql(storage.path);
  database.prepare('VACUUM INTO ?').run(join(folder, basename(storage.path)));
  database.close();
  return { configPath: join(folder, basename(company.configPath)) };
}

/** Puts the head beside the restored store that is kept beside the real one, or takes it away. */
export async function keepHead(company: Company, { configPath }: Restored, kept: boolean): Promise<void> {
  const [newest, beside] = [company.configPath, configPath].map((path) => readConfig(path).key_log.head_file);
  must(newest !== undefined && beside !== undefined, 'no head file is kept');
  if (kept) await cp(newest, beside);
  else await rm(beside);
}

/** Why the bridge does not start on it: `state_refused`, without the advice that follows. */
export async function refusedToStart(
  stage: Stage,
  company: Company,
  { configPath }: Restored,
): Promise<string> {
  const refusal = await runBridge(stage, company, readConfig(configPath)).catch((error: unknown) => error);
  must(isCountersignError(refusal, 'state_refused'), `a restored backup was answered with ${refusal}`);
  const [, why = refusal.message] = /newest key log: (.*?)\. It may be/.exec(refusal.message) ?? [];
  return `${refusal.code}: ${why}`;
}

/** Runs on the copy all the same: whoever has the machine takes the witness out of the configuration. */
export async function signOn(
  stage: Stage,
  company: Company,
  { configPath }: Restored,
): Promise<RunningBridge> {
  await amendConfiguration(configPath, 'key_log', { witnesses: [] });
  return runBridge(stage, company, readConfig(configPath));
}
