import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { apt, inCi } from './packages.ts';

/**
 * syslog-ng as Debian 12 packages it. It conflicts with rsyslog, so it is never installed: its packages, with those of
 * the libraries that the machine lacks, are unpacked aside.
 */
const PACKAGE = 'syslog-ng-core';

/** Of the project, outside of version control: what was fetched once need not be fetched again. */
const KEPT = join(process.cwd(), '.peers', 'syslog-ng');

/** Where syslog-ng is, unpacked. */
export interface UnpackedSyslogNg {
  readonly program: string;
  readonly modules: string;
  /** Folders of the libraries that came with it, for `LD_LIBRARY_PATH`. */
  readonly libraries: string;
}

/** Why syslog-ng cannot be run here; `null` when it can. In CI it is fetched, which must succeed. */
export async function syslogNgMissing(): Promise<string | null> {
  if (existsSync(KEPT)) return null;
  if (!inCi) {
    return (
      'It is not fetched outside of CI; as root, from the project’s folder: ' +
      `mkdir -p .peers/syslog-ng/partial && apt-get update && apt-get ${options('.peers/syslog-ng').join(' ')}`
    );
  }
  const fetched = `${KEPT}.new`;
  rmSync(fetched, { recursive: true, force: true });
  mkdirSync(join(fetched, 'partial'), { recursive: true });
  await apt('update');
  await apt(...options(fetched));
  renameSync(fetched, KEPT);
  return null;
}

/** Unpacks it below `folder`. */
export function unpackSyslogNg(folder: string): UnpackedSyslogNg {
  const root = join(folder, 'syslog-ng');
  const packages = readdirSync(KEPT).filter((name) => name.endsWith('.deb'));
  for (const name of packages) execFileSync('dpkg', ['-x', join(KEPT, name), root]);
  const files = readdirSync(root, { recursive: true, withFileTypes: true });
  const folders = new Set(files.filter(({ name }) => /\.so(\.|$)/.test(name)).map((file) => file.parentPath));
  const modules = files.find(({ name }) => name === 'libafsocket.so')?.parentPath;
  if (modules === undefined) throw new Error(`${PACKAGE} has no modules`);
  return { program: join(root, 'usr/sbin/syslog-ng'), modules, libraries: [...folders].join(':') };
}

function options(folder: string): string[] {
  return [
    ...['install', '-y', '--no-install-recommends', '--download-only'],
    ...['-o', `Dir::Cache::archives=${folder}`, '-o', 'APT::Sandbox::User=root', PACKAGE],
  ];
}
