import { spawnSync } from 'node:child_process';

export const CHROMIUM = '/usr/bin/chromium';
const INSTALL = 'apt-get install -y --no-install-recommends chromium libnss3-tools';

/** Why no browser can be driven here, and what to install; `undefined` where one can. */
export const NO_BROWSER = findMissing();

function findMissing(): string | undefined {
  const missing = [CHROMIUM, 'certutil'].filter((program) => !isFound(program));
  return missing.length === 0
    ? undefined
    : `no browser, for ${missing.join(' and ')} cannot be run (${INSTALL})`;
}

function isFound(program: string): boolean {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined;
}
