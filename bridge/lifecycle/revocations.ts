import {
  type KeyStatement,
  type SignedStatement,
  statementBytes,
  statementHash,
} from '../../protocol/key-statement.ts';
import { addressesOf } from '../directory/addresses.ts';
import { findPersonKeys } from '../directory/person-keys.ts';
import { insertStatement, latestStatements } from '../directory/statements.ts';
import type { StagingLog } from '../keylog/key-log.ts';
import type { Signer } from '../signer/signer.ts';
import type { Transaction } from '../storage/database.ts';

/** Every statement that others would believe of this person, published or not. */
export async function activeStatements(tx: Transaction, sub: string): Promise<KeyStatement[]> {
  const held = (await addressesOf(tx, sub)).map(({ address }) => address);
  const keys = await findPersonKeys(tx, sub);
  const addresses = [...new Set([...held, ...(keys === undefined ? [] : [keys.address])])];
  const latest = [...(await latestStatements(tx, addresses)).values()].map(({ statement }) => statement);
  return latest.filter((statement) => statement.status === 'active' && statement.sub === sub);
}

/** The next version: the same keys, revoked, signed by the bridge alone (PROTOCOL §3). */
export async function revocation(
  signer: Signer,
  previous: KeyStatement,
  reason: 'closed' | 'reset',
  now: number,
): Promise<SignedStatement> {
  const statement: KeyStatement = {
    ...previous,
    version: previous.version + 1,
    status: 'revoked',
    since: now,
    prev: statementHash(previous),
    reason,
  };
  return { statement, signatures: [await signer.signStatement(statement)] };
}

/** Stores the statement, and stages it in the key log. */
export async function stageStatement(
  keyLog: StagingLog,
  tx: Transaction,
  signed: SignedStatement,
): Promise<void> {
  const { address: name, version } = signed.statement;
  await insertStatement(tx, signed);
  await keyLog.stage(tx, { kind: 'address', name, version, value: statementBytes(signed.statement) });
}
