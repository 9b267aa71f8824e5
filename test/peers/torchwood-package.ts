import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { inCi, unavailable } from './packages.ts';

/**
 * Torchwood (github.com/FiloSottile/torchwood), which Debian 12 does not have: the package of Debian sid, which needs
 * the C library alone, is unpacked aside and never installed. Should Debian have dropped this build, pin the newer one.
 */
const PACKAGE = {
  name: 'torchwood_0.9.0-6_amd64.deb',
  sha256: '1b5791fccfb96dac2609cb66aa727839ac4eca2db2d7b14e5882f5fa9c35fcb2',
  urls: [
    'http://deb.debian.org/debian/pool/main/t/torchwood/torchwood_0.9.0-6_amd64.deb',
    // by SHA-1: where Debian keeps what it has dropped
    'http://snapshot.debian.org/file/3eb9ef00177ae198b7828d98c9c4d90c10df40d1',
  ],
} as const;

/** Of the project, outside of version control: what was fetched once need not be fetched again. */
const KEPT = join(process.cwd(), '.peers', PACKAGE.name);

/** Debian's own client: it goes through the proxies that apt is set up with, and checks the hash. */
const DOWNLOADER = '/usr/lib/apt/apt-helper';

/** Why torchwood cannot be run here; `null` when it can. */
export async function torchwoodMissing(): Promise<string | null> {
  return (await unavailable('torchwood')) ?? (await unobtainable());
}

/** Unpacks the programs below `folder`; answers where they are. */
export function unpackTorchwood(folder: string): string {
  if (!isKept()) throw new Error(`${KEPT} is not the pinned package`);
  execFileSync('dpkg', ['-x', KEPT, join(folder, 'torchwood')]);
  return join(folder, 'torchwood', 'usr', 'bin');
}

async function unobtainable(): Promise<string | null> {
  if (isKept()) return null;
  if (process.arch !== 'x64') return `${PACKAGE.name} does not run on ${process.arch}.`;
  const [url] = PACKAGE.urls;
  if (!inCi) {
    return `It is not fetched outside of CI; from the project's folder: mkdir -p .peers && curl -fo .peers/${PACKAGE.name} ${url}`;
  }
  const failures: string[] = [];
  for (const from of PACKAGE.urls) {
    const failure = await fetchFrom(from);
    if (failure === null) return null;
    failures.push(failure);
  }
  // Debian moves on without us: no reason to hold a change up that has nothing to do with it.
  if (failures[0]?.includes('404')) return `Debian has dropped ${PACKAGE.name}: pin the newer build.`;
  throw new Error(`${PACKAGE.name} cannot be fetched:\n${failures.join('\n')}`);
}

function isKept(): boolean {
  if (!existsSync(KEPT)) return false;
  return createHash('sha256').update(readFileSync(KEPT)).digest('hex') === PACKAGE.sha256;
}

/** Answers why it failed. */
async function fetchFrom(url: string): Promise<string | null> {
  const target = `${KEPT}.new`;
  mkdirSync(join(KEPT, '..'), { recursive: true });
  rmSync(target, { force: true });
  try {
    await promisify(execFile)(DOWNLOADER, ['download-file', url, target, `SHA256:${PACKAGE.sha256}`]);
  } catch (error) {
    const { stdout = '', stderr = '', message } = error as Error & { stdout?: string; stderr?: string };
    return `${url}: ${`${stdout}${stderr}`.trim() || message}`;
  }
  renameSync(target, KEPT);
  return isKept() ? null : `${url}: another file`;
}
