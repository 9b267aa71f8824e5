import { isCountersignError } from '../protocol/errors.ts';
import { statementHash } from '../protocol/key-statement.ts';
import type { ClientParts } from './own-account.ts';
import type { KeyFinding } from './own-key-answers.ts';

/** To the bridge, which may be the one that lies: the application was told before, whatever comes of this. */
export async function reportFinding(
  { api }: ClientParts,
  { finding, address, version, code }: KeyFinding,
): Promise<void> {
  const about =
    version === null
      ? {}
      : { version: version.statement.version, statement_hash: statementHash(version.statement) };
  const body = { finding, address, ...about, ...(code === null ? {} : { code }) };
  await api.act('POST', '/v1/me/key-findings', body).catch((error: unknown) => {
    if (!isCountersignError(error)) throw error;
  });
}
