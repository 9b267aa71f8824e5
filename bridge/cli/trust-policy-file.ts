import { readFile } from 'node:fs/promises';
import { CountersignError, type LogTrust, logTrustOf } from '../../client/index.ts';
import { UsageError } from './usage-error.ts';

/** Whom a file (C2SP policy; a group named auditors audits) trusts to watch logs. Throws `UsageError`. */
export async function readTrustPolicy(file: string): Promise<LogTrust> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new UsageError(`${file} cannot be read.`, { cause });
  });
  try {
    return logTrustOf(text);
  } catch (error) {
    if (error instanceof CountersignError) throw new UsageError(`${file}: ${error.detail}`, { cause: error });
    throw error;
  }
}
