import type { Database } from '../../bridge/storage/database.ts';

/** Lets a test do something right before the next transaction: between what was checked and what is stored. */
export class Interruption {
  #work: (() => Promise<unknown>) | undefined;

  beforeNextTransaction(work: () => Promise<unknown>): void {
    this.#work = work;
  }

  /** `database`, interrupted. */
  of(database: Database): Database {
    return {
      dialect: database.dialect,
      read: (work) => database.read(work),
      revision: () => database.revision(),
      transaction: async (work) => {
        const interrupt = this.#work;
        this.#work = undefined;
        await interrupt?.();
        return database.transaction(work);
      },
      migrate: () => database.migrate(),
      close: () => database.close(),
    };
  }
}
