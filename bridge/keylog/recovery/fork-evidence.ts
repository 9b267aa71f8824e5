import { encodeBase64 } from '../../../protocol/tlog/base64.ts';
import { formatVerifierKey, type VerifierKey } from '../../../protocol/tlog/verifier-key.ts';
import type { Evidence } from '../audit/evidence.ts';
import { FINDINGS } from '../audit/finding.ts';
import type { TreeBeginning } from '../audit/signed-tree.ts';

/** Two notes that one log signed, of which the newer does not continue the older. */
export interface Fork {
  readonly origin: string;
  /** Of the bridge. */
  readonly issuer: string;
  readonly newer: string;
  readonly older: { readonly note: string; readonly size: number };
  /** How the newer one begins. */
  readonly beginning: TreeBeginning;
  /** The size of the newer one. */
  readonly size: number;
  readonly logKeys: readonly VerifierKey[];
  readonly trust: Evidence['trust'];
  /** Seconds. */
  readonly now: number;
}

/** What `countersign audit check-evidence` proves to anybody: the log has signed two histories. */
export function forkEvidence({ newer, older, beginning, size, ...fork }: Fork): Evidence {
  const keys = fork.logKeys.map((key) => formatVerifierKey(key));
  const code = older.size === size ? 'split_view' : 'history_rewritten';
  return {
    format: 'countersign-log-evidence/v1',
    made: fork.now,
    bridge: fork.issuer,
    origin: fork.origin,
    finding: {
      ...{ code, index: null, meaning: FINDINGS[code] },
      ...{ expected: 'one history', found: `two, which part within the first ${older.size} entries` },
    },
    trust: fork.trust,
    checkpoints: [newer, older.note].map((note) => ({ note, log_keys: keys })),
    entries: [],
    ...(code === 'split_view'
      ? {}
      : {
          beginning: {
            root: encodeBase64(beginning.root),
            proof: beginning.proof.map((hash) => encodeBase64(hash)),
          },
        }),
  };
}
