import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** A fresh directory with one peer's files. */
export interface StateDirectory {
  readonly path: string;
  /** `setpriv` options under which the peer runs: the web server's account when we are root, else none. */
  readonly asOwner: readonly string[];
  /** Writes a file below the directory, making folders on the way; answers its path. */
  write(name: string, content: string): string;
  makeFolders(...names: string[]): void;
  /** Gives everything below to the account that the peer runs under. */
  handOver(): void;
  remove(): void;
}

/** LemonLDAP::NG refuses to run as root, and the others have no need to. */
const WEB_SERVER_ACCOUNT = 'www-data';

export function makeStateDirectory(peer: string): StateDirectory {
  const path = mkdtempSync(join(tmpdir(), `countersign-${peer}-`));
  chmodSync(path, 0o755);
  const asRoot = process.getuid?.() === 0;
  return {
    path,
    asOwner: asRoot ? ['--reuid', WEB_SERVER_ACCOUNT, '--regid', WEB_SERVER_ACCOUNT, '--clear-groups'] : [],
    write(name, content) {
      const file = join(path, name);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, content);
      return file;
    },
    makeFolders(...names) {
      for (const name of names) mkdirSync(join(path, name), { recursive: true });
    },
    handOver() {
      if (asRoot) execFileSync('chown', ['-R', `${WEB_SERVER_ACCOUNT}:${WEB_SERVER_ACCOUNT}`, path]);
    },
    remove() {
      rmSync(path, { recursive: true, force: true });
    },
  };
}
