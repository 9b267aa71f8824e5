import { isCountersignError } from '../../../protocol/errors.ts';
import type { Evidence } from './evidence.ts';
import type { StateFolder } from './state-folder.ts';
import type { StateRecord } from './state-record.ts';

/** Where evidence was written; or why it could not be, which takes nothing from what it proves. */
export interface KeptEvidence {
  readonly path: string | null;
  readonly unkept?: unknown;
}

/** Throws `audit_evidence` alone, for what proves nothing by itself where there is enough of that. */
export async function keptEvidence(
  keep: ((evidence: Evidence, proven: boolean) => Promise<string>) | undefined,
  evidence: Evidence,
  proven: boolean,
): Promise<KeptEvidence> {
  try {
    return { path: (await keep?.(evidence, proven)) ?? null };
  } catch (unkept) {
    if (!proven && isCountersignError(unkept, 'audit_evidence')) throw unkept;
    return { path: null, unkept };
  }
}

/** For a record that cannot be saved: in the room that was taken for this. Answers what to say where that fails too. */
export async function keepWithoutRecord(
  folder: Pick<StateFolder, 'keepAlarm' | 'path'>,
  alarm: NonNullable<StateRecord['alarm']>,
): Promise<string | undefined> {
  try {
    await folder.keepAlarm(alarm);
    return undefined;
  } catch (error) {
    return `The alarm could not be written into ${folder.path}, and will not stand after this run: ${String(error)}`;
  }
}
