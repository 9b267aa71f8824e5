/** What the store keeps about itself. */
export interface StorageTables {
  schema_migrations: {
    /** 1 for the first migration, without gaps. */
    position: number;
    /** Its id, as in migrations/index.ts. */
    id: string;
    /** When, in ms. */
    applied_at: number;
  };
  /** Single facts about this installation (its instance id, the seen head of the log). */
  meta: {
    key: string;
    value: string;
  };
}
