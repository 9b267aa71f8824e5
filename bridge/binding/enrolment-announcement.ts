import { type KeyStatement, statementHash } from '../../protocol/key-statement.ts';
import type { Logger } from '../lib/logger.ts';
import { openState } from './enrolment-state.ts';
import { markPublished, type StoredEnrolment, unannouncedEnrolments } from './enrolment-store.ts';
import type { BindingDeps } from './services.ts';

/** Writes the event of a published statement, exactly once for each enrolment. */
export async function announce(
  { database, events }: BindingDeps,
  stored: StoredEnrolment,
  statement: KeyStatement,
): Promise<void> {
  if (stored.status === 'published') return;
  const { sub, address, version, key_version, reason } = statement;
  await database.transaction(async (transaction) => {
    if (!(await markPublished(transaction, stored.enrolment_id))) return;
    await events.append(transaction, {
      type: 'statement.published',
      actor: { kind: 'system' },
      subject: { sub, address },
      outcome: 'success',
      data: {
        version,
        key_version,
        statement_hash: statementHash(statement),
        ...(reason === undefined ? {} : { reason }),
      },
    });
  });
}

/** The same for those whose clients did not wait, or whose bridge stopped in between. */
export async function announceOverdue(deps: BindingDeps & { logger: Logger }): Promise<void> {
  for (const stored of await deps.database.read(unannouncedEnrolments)) {
    // One that is damaged must not hold up the others, nor what comes after them.
    await announceIfPublished(deps, stored).catch((err: unknown) =>
      deps.logger.error({ err, enrolment: stored.enrolment_id }, 'an enrolment could not be announced'),
    );
  }
}

async function announceIfPublished(deps: BindingDeps, stored: StoredEnrolment): Promise<void> {
  const { database, keyLog, signer } = deps;
  const { statement } = (await openState(signer, stored)).offer;
  const isPublished = await database.read((query) =>
    keyLog.isPublished(query, 'address', statement.address, statement.version),
  );
  if (isPublished) await announce(deps, stored, statement);
}
