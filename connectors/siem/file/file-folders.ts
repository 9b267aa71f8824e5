import { realpathSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import { CountersignError } from '../../../protocol/errors.ts';

/**
 * Where files may be written is for whoever configures the machine to say, and not for who administers the bridge over
 * its API. What counts is where a folder really is, so that no symbolic link leads out.
 */
const OUTSIDE =
  'path is below none of the folders that events may be written to. Name its folder in events.file_folders of the ' +
  'configuration, then restart.';

/** `config_invalid` for a file below none of the folders; these and its own need not be there yet. */
export function assertWithinFolders(path: string, folders: readonly string[]): void {
  const folder = realFolder(dirname(path));
  if (!folders.some((allowed) => isWithin(folder, realFolder(allowed)))) {
    throw new CountersignError('config_invalid', OUTSIDE);
  }
}

/**
 * The path under which the file is to be opened, without symbolic links but for the file itself. `sink_misconfigured`
 * where that is below none of the folders by now; errors of the file system where its folder is not there.
 */
export async function pathWithinFolders(path: string, folders: readonly string[]): Promise<string> {
  const folder = await realpath(dirname(path));
  for (const one of folders) {
    const allowed = await realpath(one).catch(() => undefined);
    if (allowed !== undefined && isWithin(folder, allowed)) return join(folder, basename(path));
  }
  throw new CountersignError('sink_misconfigured', OUTSIDE);
}

/** What is not there, or cannot be looked at, is taken as it is written: before anything is written, it is looked at. */
function realFolder(folder: string): string {
  try {
    return realpathSync(folder);
  } catch {
    const parent = dirname(folder);
    return parent === folder ? folder : join(realFolder(parent), basename(folder));
  }
}

function isWithin(folder: string, allowed: string): boolean {
  const way = relative(allowed, folder);
  return way !== '..' && !way.startsWith(`..${sep}`);
}
