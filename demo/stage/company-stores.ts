/** Where a company’s bridge keeps its records and its short-lived state. */
export interface CompanyStores {
  /** `storage` and `cache` of its configuration, as they are written there. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** What those settings read from files beside the configuration, by the names of the files. */
  readonly files: Readonly<Record<string, string>>;
  /** When the bridge has stopped. */
  remove(): Promise<void>;
}

/** As a company begins: one file, and what is short-lived in the memory of the process. */
export async function embeddedStores(): Promise<CompanyStores> {
  return {
    settings: { storage: { driver: 'sqlite', path: './countersign.db' } },
    files: {},
    remove: async () => {},
  };
}
