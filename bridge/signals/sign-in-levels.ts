import * as z from 'zod';
import { isMultiFactor } from '../../protocol/multi-factor.ts';
import type { StoredEvent } from '../events/event.ts';
import type { Transaction } from '../storage/database.ts';
import type { SignalLevelsTable } from '../storage/tables/signals.ts';
import type { ChangeToSignal } from './changes-to-signal.ts';
import { CAEP } from './event-uris.ts';

type Level = SignalLevelsTable['level'];

/** CAEP 1.0 leaves other namespaces to transmitter and receiver. An IdP’s word for several factors is no NIST level. */
const NAMESPACE = 'countersign-factors';

const signInSchema = z.object({ acr: z.string().nullable(), amr: z.array(z.string()) });

/** Keeps how strongly a person signed in; what there is to signal if it differs from the time before. */
export async function levelChange(tx: Transaction, event: StoredEvent): Promise<ChangeToSignal[]> {
  const { sub } = event.subject;
  if (sub === undefined) return [];
  if (event.type === 'person.erased') await tx.deleteFrom('signal_levels').where('sub', '=', sub).execute();
  if (event.type !== 'sign_in.succeeded') return [];
  const level: Level = isMultiFactor(signInSchema.parse(event.data)) ? 'multi-factor' : 'single-factor';
  const before = await tx
    .selectFrom('signal_levels')
    .select('level')
    .where('sub', '=', sub)
    .executeTakeFirst();
  if (before?.level === level) return [];
  await tx
    .insertInto('signal_levels')
    .values({ sub, level })
    .onConflict((conflict) => conflict.column('sub').doUpdateSet({ level }))
    .execute();
  if (before === undefined) return [];
  const change = level === 'multi-factor' ? 'increase' : 'decrease';
  return [
    {
      ...{ uri: CAEP.assuranceLevelChange, sub, for: 'receivers' },
      members: {
        ...{ namespace: NAMESPACE, current_level: level, previous_level: before.level },
        change_direction: change,
        event_timestamp: Math.floor(Date.parse(event.time) / 1000),
        initiating_entity: 'user',
        reason_admin: { en: 'The person signed in with another number of factors than before.' },
      },
    },
  ];
}
