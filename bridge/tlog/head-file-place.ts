import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Whether the head file is on another device than the database, so that what puts the one back leaves the other as it
 * is. `databasePath`: undefined for one on a server. What cannot be looked at is taken for beside it.
 */
export async function isHeadFileApart(
  headFilePath: string | undefined,
  databasePath: string | undefined,
): Promise<boolean> {
  if (headFilePath === undefined) return false;
  if (databasePath === undefined) return true;
  try {
    const [one, other] = await Promise.all([stat(dirname(headFilePath)), stat(dirname(databasePath))]);
    return one.dev !== other.dev;
  } catch {
    return false;
  }
}
