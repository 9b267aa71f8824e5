import type { Reader } from '../directory/handle.ts';
import type { Transaction } from '../storage/database.ts';
import type { RecoveryDrillAnswersTable, RecoveryDrillsTable } from '../storage/tables/binding.ts';

export type StoredDrill = Readonly<RecoveryDrillsTable>;
export type StoredDrillAnswer = Readonly<RecoveryDrillAnswersTable>;

export async function findDrill(reader: Reader, id: string): Promise<StoredDrill | undefined> {
  return reader.selectFrom('recovery_drills').selectAll().where('id', '=', id).executeTakeFirst();
}

export async function newestDrill(reader: Reader): Promise<StoredDrill | undefined> {
  return reader
    .selectFrom('recovery_drills')
    .selectAll()
    .orderBy('begun', 'desc')
    .orderBy('id')
    .limit(1)
    .executeTakeFirst();
}

export async function insertDrill(tx: Transaction, drill: StoredDrill): Promise<void> {
  await tx.insertInto('recovery_drills').values(drill).execute();
}

/** Before the next one: one is enough to look back at. */
export async function deleteDrills(tx: Transaction): Promise<void> {
  await tx.deleteFrom('recovery_drill_answers').execute();
  await tx.deleteFrom('recovery_drills').execute();
}

export async function answersOf(reader: Reader, drill: string): Promise<StoredDrillAnswer[]> {
  return reader.selectFrom('recovery_drill_answers').selectAll().where('drill', '=', drill).execute();
}

/** A unique violation means that this half was shown to work meanwhile. */
export async function insertAnswer(tx: Transaction, answer: StoredDrillAnswer): Promise<void> {
  await tx.insertInto('recovery_drill_answers').values(answer).execute();
}

export async function passDrill(tx: Transaction, id: string, now: number): Promise<void> {
  await tx.updateTable('recovery_drills').set({ passed: now }).where('id', '=', id).execute();
}
