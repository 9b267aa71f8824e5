import { spawnSync } from 'node:child_process';

/** Why system calls cannot be watched here, or made to fail; `undefined` where they can. */
export const NO_STRACE: string | undefined =
  spawnSync('strace', ['-f', '-o', '/dev/null', 'true']).status === 0
    ? undefined
    : 'strace is not installed, or may not trace (apt-get install strace)';
