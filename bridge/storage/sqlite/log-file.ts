import { type FileHandle, open, realpath } from 'node:fs/promises';

/**
 * The write-ahead log, to have it synced by a thread of its own while this one goes on. Of the store's files it alone may be
 * opened beside SQLite: the others carry SQLite's locks, which closing any descriptor of theirs would drop.
 */
export class LogFile {
  readonly #database: string;
  #file: FileHandle | undefined;

  /** @param database - path of the database file */
  constructor(database: string) {
    this.#database = database;
  }

  /**
   * Whether it can be synced from here; where not, the next call tries again. To be called before the commit that is to be
   * synced: the system tells a fault of the disk to each descriptor that is open by then, and SQLite keeps those that
   * it meets while it moves the log into the file to itself.
   */
  async open(): Promise<boolean> {
    if (this.#file !== undefined) return true;
    try {
      // It stands beside the file itself, not beside a link to it; and stays the same file while a connection is open.
      this.#file = await open(`${await realpath(this.#database)}-wal`, 'r+');
      return true;
    } catch {
      // Not there yet, or no descriptor is left: whoever commits waits for the disk as without it.
      return false;
    }
  }

  /** Resolves when what was written to it before is on disk, by whichever descriptor. Only once it is open. */
  async sync(): Promise<void> {
    if (this.#file === undefined) throw new TypeError('the log is not open');
    await this.#file.datasync();
  }

  async close(): Promise<void> {
    await this.#file?.close();
  }
}
