import { encodeBase64url } from '../../protocol/base64url.ts';
import { CountersignError, isCountersignError } from '../../protocol/errors.ts';
import type { Logger } from '../lib/logger.ts';
import type { Database, Query } from '../storage/database.ts';
import { checkpointAt, checkpointBefore, newestSigned, type StoredCheckpoint } from './checkpoint-store.ts';
import type { Checkpoints } from './checkpoints.ts';
import type { HeadFile, KeptHead } from './head-file.ts';
import type { HeadAnswer, HeadWitness } from './head-witness.ts';
import { type LogName, readHead } from './log-heads.ts';
import { rootAt } from './log-tree.ts';
import { type SeenCheckpoint, standingOf } from './seen-checkpoint.ts';

export interface StartDoubtDeps {
  readonly log: LogName;
  readonly origin: string;
  readonly database: Database;
  readonly logger: Logger;
  readonly headFile?: HeadFile | undefined;
  /**
   * Whether the head file is on another device than the database (head-file-place.ts). One snapshot restores both
   * where it is not, and the file says nothing then.
   */
  readonly headFileApart: boolean;
  readonly witnesses: readonly HeadWitness[];
  /** How many of them must have cosigned what is handed out. */
  readonly quorum: number;
  readonly noteOf: Checkpoints['noteOf'];
}

/** It is not known whether the store is the newest: nothing may be signed until it is. */
export interface LogDoubt {
  readonly reason: string;
}

/**
 * Whether the store is the newest, or a restored backup of it that would fork the log: held against the head file and
 * against the witnesses, and against itself.
 *
 * The head file is enough where it is on a device of its own and names the newest checkpoint, or the one before (the
 * crash between commit and signature). Where it is missing, older or beside the database, so many witnesses must answer
 * that one of them has cosigned whatever was handed out last: answers a doubt while they do not. A store that has signed
 * nothing asks them too: it may be a backup from before the first checkpoint. Without witnesses there is nothing more
 * to be asked.
 *
 * Throws `state_refused`, with what to do, when the store is behind the head file or a witness, does not contain what
 * they have seen, or does not fit together.
 */
export async function assertHeadTrusted(deps: StartDoubtDeps): Promise<LogDoubt | undefined> {
  const { database } = deps;
  const kept = await deps.headFile?.read();
  const newest = await database.read((query) => readNewest(query, deps));
  await database.read((query) => assertContains(query, deps, kept, newest));
  const answered = await askWitnesses(deps);
  if (deps.witnesses.length === 0) return undefined;
  const fits =
    kept !== undefined &&
    newest !== undefined &&
    (await database.read((query) => isRecent(query, deps.log, kept, newest)));
  if (fits && deps.headFileApart) return undefined;
  // any so many have a member in common with any quorum
  const needed = deps.witnesses.length - Math.max(deps.quorum, 1) + 1;
  if (answered >= needed) return undefined;
  return {
    reason:
      `Whether the key log in the store is the newest is not known: ${fits ? FILE_BESIDE : NO_FILE}, and only ` +
      `${answered} of ${needed} witnesses that must answer have. Nothing is logged until they do.`,
  };
}

const NO_FILE = 'there is no head file that says so';
const FILE_BESIDE = 'the head file is on the disk of the database, and is put back together with it';

/** Head, checkpoint and tree must name the same. */
async function readNewest(
  query: Query,
  { log }: Pick<StartDoubtDeps, 'log'>,
): Promise<StoredCheckpoint | undefined> {
  const head = await readHead(query, log);
  if (head === undefined || head.size === 0) return undefined;
  const newest = await checkpointAt(query, log, head.size);
  const root = await rootAt(query, log, head.size);
  if (newest?.root !== head.hash || encodeBase64url(root) !== head.hash) {
    throw refused('its head, its newest checkpoint and its tree do not belong together');
  }
  return newest;
}

async function assertContains(
  query: Query,
  { log, origin }: Pick<StartDoubtDeps, 'log' | 'origin'>,
  kept: KeptHead | undefined,
  newest: StoredCheckpoint | undefined,
): Promise<void> {
  if (kept === undefined) return;
  if (kept.origin !== origin) throw refused(`the head file is of ${kept.origin}, not of ${origin}`);
  if (newest === undefined || newest.size < kept.size) {
    throw refused(`it ends at ${newest?.size ?? 0} entries, and the head file at ${kept.size}`);
  }
  if (encodeBase64url(await rootAt(query, log, kept.size)) !== kept.root) {
    throw refused(`its first ${kept.size} entries are not those of the head file`);
  }
}

async function isRecent(
  query: Query,
  log: LogName,
  kept: KeptHead,
  newest: StoredCheckpoint,
): Promise<boolean> {
  if (kept.size === newest.size) return true;
  const before = await checkpointBefore(query, log, newest.size);
  return before?.size === kept.size;
}

/**
 * Answers how many said what they have seen. Refused only by what our own log has signed: a witness may be an attacker,
 * or something else that answers at its URL.
 */
async function askWitnesses(deps: StartDoubtDeps): Promise<number> {
  const { database, log } = deps;
  const signed = await database.read((query) => newestSigned(query, log));
  const shown = signed === undefined ? undefined : { size: signed.size, note: deps.noteOf(signed) };
  const answers = await Promise.all(deps.witnesses.map((witness) => ask(deps, witness, shown)));
  return answers.filter((answered) => answered).length;
}

/** Whether it said what it has seen. */
async function ask(
  deps: StartDoubtDeps,
  witness: HeadWitness,
  signed: { readonly size: number; readonly note: string } | undefined,
): Promise<boolean> {
  const { logger, log } = deps;
  let answer: HeadAnswer;
  try {
    answer = await witness.ask(signed);
  } catch (err) {
    if (!isCountersignError(err)) throw err;
    logger.warn({ err, log, witness: witness.name }, 'a witness did not say what it has seen of the log');
    return false;
  }
  if (answer.kind === 'says') return true;
  const { checkpoint } = answer;
  if (!checkpoint.signed) return isContained(deps, witness.name, checkpoint);
  await assertSeen(deps, witness.name, checkpoint);
  return checkpoint.cosigned;
}

/**
 * What the witness alone vouches for is its word, which is enough for us and never against us. Behind a compromised log key
 * no witness has more to show until we sign again.
 */
async function isContained(
  { database, log, logger }: StartDoubtDeps,
  witness: string,
  checkpoint: SeenCheckpoint,
): Promise<boolean> {
  const standing = await database.read((query) => standingOf(query, log, checkpoint));
  if (standing === 'contained') return true;
  const { note } = checkpoint;
  logger.warn(
    { log, witness, note },
    'a witness claims more, or another history, that no key of this log has signed',
  );
  return false;
}

async function assertSeen(
  { database, log, logger }: StartDoubtDeps,
  witness: string,
  checkpoint: SeenCheckpoint,
): Promise<void> {
  const { size, note } = checkpoint;
  const [head, standing] = await database.read((query) =>
    Promise.all([readHead(query, log), standingOf(query, log, checkpoint)]),
  );
  if (standing === 'contained') return;
  logger.error({ log, witness, note }, 'a witness shows what this log signed and the store does not have');
  throw refused(
    standing === 'beyond'
      ? `it ends at ${head?.size ?? 0} entries, and the witness ${witness} has seen ${size}`
      : `the witness ${witness} has seen another history of it`,
  );
}

function refused(what: string): CountersignError {
  return new CountersignError(
    'state_refused',
    `The store does not hold the newest key log: ${what}. It may be a restored backup: to go on with it would show ` +
      'partners two histories. Bring the newest store back, or run `countersign log recover`, which shows the ways on.',
  );
}
