import { type KeyStatement, statementBytes } from '../key-statement.ts';
import type { OnlineKeys } from '../online-keys.ts';
import { logOrigin } from '../tlog/checkpoint.ts';
import { type VerifiedLog, verifyLogStaple } from './log-proof.ts';
import type { LogTrust } from './log-trust.ts';

/**
 * Verifies that a statement is in its issuer's log, as the newest version of its address. The statement and the online
 * keys must have been verified: what the proof is held against are its address, version and bytes. `now` in seconds.
 * Throws as `verifyLogStaple` does.
 */
export async function verifyLoggedStatement(
  staple: string,
  statement: KeyStatement,
  onlineKeys: OnlineKeys,
  context: { readonly trust: LogTrust | undefined; readonly now: number },
): Promise<VerifiedLog> {
  return verifyLogStaple({
    staple,
    kind: 'address',
    name: statement.address,
    version: statement.version,
    value: statementBytes(statement),
    origin: logOrigin(onlineKeys.iss),
    logKeys: onlineKeys.all('log'),
    ...context,
  });
}
