import { join } from 'node:path';
import { CountersignError, isCountersignError } from '../../../protocol/errors.ts';
import { Handle } from '../../storage/sqlite/handle.ts';

const LOCK = 'lock.db';

/**
 * Holds a folder for this process until the function that it answers is called: two auditors in one folder would write
 * over each other, and sign with one key. The lock is the system's, on an empty database: it ends with the process,
 * whatever ends that, and holds between containers, where a process id says nothing.
 *
 * Throws `audit_state` while another process has it.
 */
export function lockFolder(path: string): () => void {
  const handle = new Handle(join(path, LOCK));
  try {
    handle.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    handle.close();
    if (!isCountersignError(error, 'storage_busy')) throw error;
    throw new CountersignError('audit_state', `Another process audits in ${path}.`, { cause: error });
  }
  return () => {
    handle.exec('ROLLBACK');
    handle.close();
  };
}
