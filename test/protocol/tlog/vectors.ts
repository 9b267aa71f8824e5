import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe } from 'vitest';

/** Public test vectors are read where somebody has put them beside the repository; they are not part of it. */
const FOLDER =
  process.env.COUNTERSIGN_VECTORS ?? fileURLToPath(new URL('../../../../shared/vectors', import.meta.url));

const MISSING = existsSync(FOLDER)
  ? undefined
  : 'there are no public test vectors; name their folder with COUNTERSIGN_VECTORS';

/** A suite over public test vectors, skipped with the reason printed where they are not there. */
export function describeWithVectors(title: string, define: () => void): void {
  if (MISSING !== undefined) console.warn(`Skipped: ${title}: ${MISSING}.`);
  describe.skipIf(MISSING !== undefined)(title, () => {
    if (MISSING === undefined) define();
  });
}

/** The bytes of a vector file, by its path in the folder. */
export function vectorFile(path: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(readFileSync(join(FOLDER, path)));
}

/** The content of a JSON vector file; its shape is the file's own. */
export function vectorJson<Shape>(path: string): Shape {
  return JSON.parse(readFileSync(join(FOLDER, path), 'utf8')) as Shape;
}
