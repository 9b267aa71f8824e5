import { CountersignError, isCountersignError } from '../../protocol/errors.ts';
import { parseCheckpoint } from '../../protocol/tlog/checkpoint.ts';
import { parseNote } from '../../protocol/tlog/signed-note.ts';
import { type TileId, tileWidth } from '../../protocol/tlog/tile.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import { CHECKPOINT_LAG_MS } from '../lib/limits.ts';
import type { Database, Query } from '../storage/database.ts';
import {
  newestSignedBefore,
  notePublished,
  publishedSize,
  type SignedCheckpoint,
} from './checkpoint-store.ts';
import type { Checkpoints } from './checkpoints.ts';
import { checkCosignatures } from './cosignature-check.ts';
import { readCosignatures, storeCosignature } from './cosignature-store.ts';
import type { LogName } from './log-heads.ts';
import { readEntryBundle, readTile } from './log-tree.ts';
import type { Quorum } from './quorum.ts';

/** A log of ours as the public sees it (C2SP tlog-tiles). */
export interface LogPublication {
  /** The newest checkpoint for everybody, with all of its cosignatures; `undefined` before the first. */
  checkpoint(): Promise<string | undefined>;
  /** `undefined` for what no signed checkpoint covers. */
  tile(tile: TileId): Promise<Uint8Array | undefined>;
  /**
   * Stores cosignatures that configured cosigners made over a checkpoint of this log; `note` is the checkpoint with
   * their lines, and the attacker may have written all of it.
   *
   * Throws `note_malformed`, `checkpoint_unknown` unless we signed exactly this checkpoint, `cosigner_unknown` when
   * none of the lines is of a configured key, and `note_signature` for one that is wrong or dated wrongly.
   */
  takeCosignatures(note: string): Promise<void>;
}

export function createLogPublication(deps: {
  log: LogName;
  database: Database;
  clock: Clock;
  checkpoints: Checkpoints;
  quorum: Quorum;
}): LogPublication {
  const { log, database, clock, checkpoints, quorum } = deps;

  /**
   * Auditors cosign what they find here, and only where witnesses have cosigned the same does that count: so it waits
   * for the quorum, but no longer than CHECKPOINT_LAG_MS, lest dead witnesses hide the log.
   */
  async function due(query: Query): Promise<SignedCheckpoint | undefined> {
    if (!quorum.demands('witness')) return checkpoints.newest(query);
    const quorate = await quorum.newestQuorate(query);
    const waited = await newestSignedBefore(query, log, clock.now() - CHECKPOINT_LAG_MS);
    if (quorate === undefined || (waited !== undefined && waited.size >= quorate)) return waited;
    return checkpoints.at(query, quorate);
  }

  /**
   * Nobody is ever shown a smaller log than before, as of a log that takes something back: neither where the quorum was
   * configured anew, nor by a replica whose clock is behind. What is shown first is remembered before.
   */
  async function published(): Promise<SignedCheckpoint | undefined> {
    const found = await database.read(async (query) => ({
      due: await due(query),
      shown: await publishedSize(query, log),
    }));
    const size = found.due?.size ?? 0;
    if (size > (found.shown ?? 0)) await remember(size, found.shown);
    if (size === found.shown) return found.due;
    return database.read(async (query) => {
      const largest = await publishedSize(query, log);
      return largest === undefined ? undefined : checkpoints.at(query, largest);
    });
  }

  /** What cannot be remembered is not shown yet; a full disk must not hide what was shown before. */
  async function remember(size: number, shown: number | undefined): Promise<void> {
    try {
      await database.transaction((tx) => notePublished(tx, log, size));
    } catch (error) {
      if (shown === undefined || !isCountersignError(error)) throw error;
    }
  }

  return {
    async checkpoint() {
      const checkpoint = await published();
      if (checkpoint === undefined) return undefined;
      const cosignatures = await database.read((query) => readCosignatures(query, log, checkpoint.size));
      return checkpoints.noteOf(checkpoint, cosignatures);
    },

    tile: ({ level, index, width }) =>
      database.read(async (query) => {
        const size = (await checkpoints.newest(query))?.size ?? 0;
        if (tileWidth(level, index, size) < width) return undefined;
        return level === 'entries'
          ? readEntryBundle(query, log, index, width)
          : readTile(query, log, level, index, width);
      }),

    async takeCosignatures(note) {
      const { text, signatures } = parseNote(note);
      const { origin, size } = parseCheckpoint(text);
      const ours = await database.read((query) => checkpoints.at(query, size));
      if (
        origin !== checkpoints.origin ||
        ours === undefined ||
        parseNote(checkpoints.noteOf(ours)).text !== text
      ) {
        throw new CountersignError('checkpoint_unknown');
      }
      const checked = await checkCosignatures(quorum.cosigners, text, signatures, seconds(clock));
      if (checked.length === 0) throw new CountersignError('cosigner_unknown');
      await database.transaction(async (tx) => {
        for (const cosignature of checked) await storeCosignature(tx, log, size, cosignature);
      });
      quorum.noteCosigned();
    },
  };
}
