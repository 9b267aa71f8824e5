import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The version of this build, as its package.json says; that stands above both the sources and the built files. */
export function readVersion(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const file = join(folder, 'package.json');
    if (existsSync(file)) {
      const manifest: unknown = JSON.parse(readFileSync(file, 'utf8'));
      const found = typeof manifest === 'object' && manifest !== null && 'version' in manifest;
      return found ? String(manifest.version) : 'unknown';
    }
    if (folder === dirname(folder)) return 'unknown';
  }
}
