import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type BrowserContext, chromium } from 'playwright-core';
import { CHROMIUM } from './find-browser.ts';

const run = promisify(execFile);

/** For each act in a page, and for the start of a browser: a busy machine takes long over both. Milliseconds. */
const PATIENCE_MS = 90_000;

/** Profiles of one machine, whose browsers trust `caFile` beside the public authorities, and check everything. */
export interface Browsers {
  /** The browser with this profile: the same name is the same profile, in a later run of the browser too. */
  open(profile: string): Promise<BrowserContext>;
}

export async function createBrowsers(folder: string, caFile: string): Promise<Browsers> {
  const home = join(folder, 'home');
  const database = join(home, '.pki', 'nssdb');
  await mkdir(database, { recursive: true });
  await run('certutil', ['-d', `sql:${database}`, '-N', '--empty-password']);
  await run('certutil', ['-d', `sql:${database}`, '-A', '-t', 'C,,', '-n', 'throwaway', '-i', caFile]);
  return {
    async open(profile) {
      const context = await chromium.launchPersistentContext(join(folder, `profile-${profile}`), {
        ...{ executablePath: CHROMIUM, timeout: PATIENCE_MS },
        env: { ...environment(), HOME: home },
        args: ['--disable-gpu', '--disable-quic', '--disable-background-networking', '--disable-sync'],
        chromiumSandbox: false,
      });
      context.setDefaultTimeout(PATIENCE_MS);
      return context;
    },
  };
}

function environment(): Record<string, string> {
  const entries = Object.entries(process.env).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value]],
  );
  return Object.fromEntries(entries);
}
