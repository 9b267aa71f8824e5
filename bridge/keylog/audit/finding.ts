/** What an auditor can find wrong with a log. Stable: scripts match on it, and evidence names it. */
export const FINDINGS = {
  first_entry: 'The log does not begin with the entry that fixes its VRF key.',
  second_start: 'The log has a second entry that fixes a VRF key.',
  unknown_entry: 'An entry is of no known form.',
  output_twice: 'Two entries claim the same place in the map.',
  epoch_not_next: 'An epoch does not follow the one before it.',
  time_back: 'An epoch closed earlier than the one before it.',
  epoch_too_long: 'An epoch closed with more entries than one may have.',
  leaves_count: 'An epoch counts other leaves than were added.',
  prefix_root: 'The map’s root is not that of the entries.',
  not_at_epoch_end: 'The log signed a checkpoint that does not end with an epoch.',
  history_rewritten: 'The log removed or changed entries that it had signed before.',
  split_view: 'The log signed two different trees of one size.',
  rolled_back: 'The log shows fewer entries than it has signed before.',
  tiles_wrong: 'The log’s tiles of hashes do not make up the root that it signed.',
  entries_differ: 'An entry that the log serves is not the one that it signed.',
  tile_malformed: 'The log serves a tile that is none.',
} as const;

export type FindingCode = keyof typeof FINDINGS;

/** One violation. What the log wrote is in here; it is not made safe for a terminal. */
export interface Finding {
  readonly code: FindingCode;
  /** The entry's position, where it is about one. */
  readonly index: number | null;
  readonly expected: string;
  readonly found: string;
}

/** The log broke a rule: ends the replay, and is never an answer to a network that fails. */
export class LogViolation extends Error {
  override readonly name = 'LogViolation';
  readonly finding: Finding;
  /** Entries that show it, their positions in the tree that was signed last. */
  readonly positions: readonly number[];

  constructor(finding: Finding, positions: readonly number[] = []) {
    super(`${finding.code}: expected ${finding.expected}, found ${finding.found}`);
    this.finding = finding;
    this.positions = positions;
  }
}
