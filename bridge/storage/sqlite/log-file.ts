import { type FileHandle, open, realpath } from 'node:fs/promises';

/**
 * The write-ahead log, to have it synced by a thread of its own while this one goes on. Of the store's files it alone may be
 * opened beside SQLite: the others carry SQLite's locks, which closing any descriptor of theirs would drop.
 */
export class LogFile {
  readonly #database: string;
  #file: Promise<FileHandle> | undefined;

  /** @param database - path of the database file */
  constructor(database: string) {
    this.#database = database;
  }

  /** Resolves when what was written to it before is on disk, by whichever descriptor. Not before the first commit: it makes the file. */
  async sync(): Promise<void> {
    this.#file ??= this.#open();
    const file = await this.#file;
    await file.datasync();
  }

  async close(): Promise<void> {
    const file = await this.#file?.catch(() => undefined);
    await file?.close();
  }

  /** It stands beside the file itself, not beside a link to it; and stays the same file while a connection is open. */
  async #open(): Promise<FileHandle> {
    return open(`${await realpath(this.#database)}-wal`, 'r+');
  }
}
