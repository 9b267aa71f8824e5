import { CountersignError, isCountersignError } from '../../../protocol/errors.ts';

/** What only somebody at the machine can mend. A folder that is not there may be a disk that is mounted later. */
const MISCONFIGURED = new Set([
  ...['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EISDIR', 'ELOOP', 'ENAMETOOLONG', 'ENXIO'],
]);

const WORDS: Readonly<Record<string, string>> = {
  ENOSPC: 'The disk is full',
  EDQUOT: 'The quota of the disk is used up',
  EFBIG: 'The file is as large as the system lets it be',
  EACCES: 'The bridge may not write this file',
  EROFS: 'The disk can only be read',
  ENOENT: 'The folder is not there',
  ELOOP: 'The path is a symbolic link',
};

/** What an error of the file system means to a sink. */
export function fileFault(cause: unknown): CountersignError {
  if (isCountersignError(cause)) return cause;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
  const detail = `${WORDS[code] ?? 'The file cannot be written'} (${code}).`;
  return new CountersignError(MISCONFIGURED.has(code) ? 'sink_misconfigured' : 'sink_unavailable', detail, {
    cause,
  });
}
