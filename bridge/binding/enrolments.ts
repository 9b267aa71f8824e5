import { seconds } from '../lib/clock.ts';
import { REQUEST_ID_LIFE_S } from '../lib/limits.ts';
import type { Logger } from '../lib/logger.ts';
import { announceOverdue } from './enrolment-announcement.ts';
import { createConfirmations } from './enrolment-confirmation.ts';
import { createOffers, type OfferDeps } from './enrolment-offer.ts';
import { deleteExpiredOffers, deleteOldPublished } from './enrolment-store.ts';
import type { BindingDeps, Credentials, Enrolments } from './services.ts';

/** Enrolment in two steps (PROTOCOL §2). */
export function createEnrolments(deps: OfferDeps & { credentials: Credentials; logger: Logger }): Enrolments {
  return {
    offer: createOffers(deps),
    confirm: createConfirmations(deps),
    expire: () => expire(deps),
  };
}

async function expire(deps: BindingDeps & { logger: Logger }): Promise<number> {
  const { database, events, clock } = deps;
  await announceOverdue(deps);
  const now = seconds(clock);
  return database.transaction(async (transaction) => {
    const expired = await deleteExpiredOffers(transaction, now);
    for (const { enrolment_id, sub, device_id } of expired) {
      await events.append(transaction, {
        type: 'enrolment.expired',
        actor: { kind: 'system' },
        subject: { sub, device: device_id },
        outcome: 'failure',
        code: 'enrolment_expired',
        data: { enrolment_id },
      });
    }
    await deleteOldPublished(transaction, now - REQUEST_ID_LIFE_S);
    return expired.length;
  });
}
