import { labelled } from '../../../protocol/canonical-json.ts';
import { findValue, newestVersion } from '../../keylog/version-store.ts';
import type { Query, Transaction } from '../../storage/database.ts';

/** Under which the key log has the policy's versions. */
export const POLICY_NAME = 'policy';

type Reader = Query | Transaction;

export interface LoggedPolicy {
  readonly version: number;
  readonly hash: string;
  /** From before there were bundles: the rules were part of the program then. */
  readonly builtIn: boolean;
}

/** The newest version of the policy that the key log has committed to. */
export async function newestLoggedPolicy(reader: Reader): Promise<LoggedPolicy | undefined> {
  const newest = await newestVersion(reader, 'policy', POLICY_NAME);
  return newest === undefined ? undefined : findLoggedPolicy(reader, newest.version);
}

export async function findLoggedPolicy(reader: Reader, version: number): Promise<LoggedPolicy | undefined> {
  const found = await findValue(reader, { kind: 'policy', name: POLICY_NAME, version });
  if (found === undefined) return undefined;
  const builtIn = BUILT_IN.every((byte, index) => found.value[index] === byte);
  return { version, hash: found.value_hash, builtIn };
}

/** How the documents of built-in policies began. */
const BUILT_IN = labelled('policy', { engine: 'built-in/v1' }).slice(0, -1);
