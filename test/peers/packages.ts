import { execFile, spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { promisify } from 'node:util';

/**
 * The Debian 12 packages of each peer. LemonLDAP::NG's package only recommends most of the Perl modules that its
 * portal loads for SAML; with fewer than these it answers 500 'Initialization failed'.
 */
export const PEER_PACKAGES = {
  lemonldap: [
    'lemonldap-ng',
    'lemonldap-ng-fastcgi-server',
    'nginx-light',
    'liblasso-perl',
    'libglib-perl',
    'libxml-simple-perl',
    'libxml-libxml-perl',
    'libstring-random-perl',
    'libemail-sender-perl',
    'libimage-magick-perl',
    'libgd-securityimage-perl',
    'libio-string-perl',
    'libmime-tools-perl',
    'libunicode-string-perl',
    'libio-socket-timeout-perl',
  ],
  simplesamlphp: ['simplesamlphp', 'php-cli', 'php-xml', 'php-sqlite3', 'php-curl', 'php-mbstring'],
  glewlwyd: ['glewlwyd', 'sqlite3'],
  /** Beside the package of torchwood-package.ts: its witness signs through an SSH agent. */
  torchwood: ['openssh-client'],
  rsyslog: ['rsyslog', 'rsyslog-gnutls', 'rsyslog-openssl'],
} as const satisfies Record<string, readonly string[]>;

export type PeerName = keyof typeof PEER_PACKAGES;

const INSTALL_OPTIONS = ['install', '-y', '--no-install-recommends'];

/** Another package manager may be at work: wait for it rather than fail. */
const PATIENCE = ['-o', 'DPkg::Lock::Timeout=120'];

/** Debian asks this script whether a package may start its daemon; 101 is 'no' (Debian Policy 9.3.3.2). */
const POLICY_FILE = '/usr/sbin/policy-rc.d';
const NO_DAEMONS = '#!/bin/sh\nexit 101\n';

/** In CI (`CI=true`) what is missing is installed, and what cannot be installed fails the suite. */
export const inCi: boolean = process.env.CI === 'true';

/** Those of the peer's packages that are not installed. */
function missingPackages(peer: PeerName): string[] {
  return PEER_PACKAGES[peer].filter((name) => !isInstalled(name));
}

function isInstalled(name: string): boolean {
  const query = spawnSync('dpkg-query', ['--status', name], { encoding: 'utf8' });
  return /^Status: .* installed$/m.test(query.stdout ?? '');
}

/**
 * Why the peer's tests cannot run here, with the command that remedies it; `null` when they can. In CI it installs
 * what is missing instead, and throws if that fails.
 */
export async function unavailable(peer: PeerName): Promise<string | null> {
  const missing = missingPackages(peer);
  if (missing.length === 0) return null;
  if (inCi) {
    await install(missing);
    return null;
  }
  return (
    `${peer} is not installed; on Debian 12, as root: ` +
    `apt-get update && apt-get ${INSTALL_OPTIONS.join(' ')} ${missing.join(' ')}`
  );
}

async function install(packages: readonly string[]): Promise<void> {
  const ours = !existsSync(POLICY_FILE);
  if (ours) writeFileSync(POLICY_FILE, NO_DAEMONS, { mode: 0o755 });
  try {
    await apt('update');
    await apt(...INSTALL_OPTIONS, ...packages);
  } finally {
    if (ours) rmSync(POLICY_FILE);
  }
}

/** Runs apt-get, as root. Its last lines stand in the error. */
export async function apt(...args: string[]): Promise<void> {
  const run = promisify(execFile)('apt-get', [...PATIENCE, ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    maxBuffer: 64 * 1024 * 1024,
  });
  run.child.stdin?.end();
  await run.catch((cause: { stdout?: string; stderr?: string }) => {
    const lastLines = `${cause.stdout ?? ''}${cause.stderr ?? ''}`.trim().split('\n').slice(-15).join('\n');
    throw new Error(`apt-get ${args[0]} failed:\n${lastLines}`, { cause });
  });
}
