import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder of its own, gone at the end of the block that it is declared in with `using`. */
export function createTemporaryFolder() {
  const path = mkdtempSync(join(tmpdir(), 'countersign-'));
  return {
    path,
    write(name: string, text: string): string {
      writeFileSync(join(path, name), text);
      return join(path, name);
    },
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}
