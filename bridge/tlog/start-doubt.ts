import { encodeBase64url } from '../../protocol/base64url.ts';
import { CountersignError, isCountersignError } from '../../protocol/errors.ts';
import type { Logger } from '../lib/logger.ts';
import type { Database, Query } from '../storage/database.ts';
import { checkpointAt, checkpointBefore, newestSigned, type StoredCheckpoint } from './checkpoint-store.ts';
import type { Checkpoints } from './checkpoints.ts';
import type { HeadFile, KeptHead } from './head-file.ts';
import { type LogName, readHead } from './log-heads.ts';
import { rootAt } from './log-tree.ts';
import type { WitnessSaid } from './witness-exchange.ts';

/** A witness, asked whether it has seen more of the log than the store has. */
export interface HeadWitness {
  readonly name: string;
  /**
   * Shows it the newest signed checkpoint as one that it has cosigned (`add-checkpoint` from its own size, without a
   * proof), which signs nothing new. Throws when it cannot be reached.
   */
  show(size: number, note: string): Promise<WitnessSaid>;
}

export interface StartDoubtDeps {
  readonly log: LogName;
  readonly origin: string;
  readonly database: Database;
  readonly logger: Logger;
  readonly headFile?: HeadFile | undefined;
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
 * The head file is enough where it names the newest checkpoint, or the one before (the crash between commit and
 * signature). Where it is missing or older, so many witnesses must answer that one of them has cosigned whatever was
 * handed out last: answers a doubt while they do not. A log without checkpoints, and one with neither head file nor
 * witnesses, has nothing to be held against.
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
  if (newest === undefined || deps.witnesses.length === 0) return undefined;
  if (kept !== undefined && (await database.read((query) => isRecent(query, deps.log, kept, newest)))) {
    return undefined;
  }
  // any so many have a member in common with any quorum
  const needed = deps.witnesses.length - Math.max(deps.quorum, 1) + 1;
  if (answered >= needed) return undefined;
  return {
    reason:
      'Whether the key log in the store is the newest is not known: there is no head file that says so, and only ' +
      `${answered} of ${needed} witnesses that must answer have. Nothing is logged until they do.`,
  };
}

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

/** Answers how many said what they have seen. */
async function askWitnesses(deps: StartDoubtDeps): Promise<number> {
  const { database, log } = deps;
  const signed = await database.read((query) => newestSigned(query, log));
  if (signed === undefined) return 0;
  const note = deps.noteOf(signed);
  const said = await Promise.all(
    deps.witnesses.map(async (witness) => ({ witness, said: await ask(deps, witness, signed.size, note) })),
  );
  // read now: other replicas go on meanwhile
  const head = (await database.read((query) => readHead(query, log)))?.size ?? 0;
  for (const { witness, said: answer } of said) {
    if (answer?.kind === 'contradicted') {
      throw refused(`the witness ${witness.name} has seen another history of it`);
    }
    if (answer?.kind === 'stale' && answer.size > head) {
      throw refused(`it ends at ${head} entries, and the witness ${witness.name} has seen ${answer.size}`);
    }
  }
  return said.filter(({ said: answer }) => answer !== undefined).length;
}

async function ask(
  { logger, log }: StartDoubtDeps,
  witness: HeadWitness,
  size: number,
  note: string,
): Promise<WitnessSaid | undefined> {
  try {
    return await witness.show(size, note);
  } catch (err) {
    if (!isCountersignError(err)) throw err;
    logger.warn({ err, log, witness: witness.name }, 'a witness did not say what it has seen of the log');
    return undefined;
  }
}

function refused(what: string): CountersignError {
  return new CountersignError(
    'state_refused',
    `The store does not hold the newest key log: ${what}. It may be a restored backup: to go on with it would show ` +
      'partners two histories. Bring the newest store back, or run `countersign log recover`, which shows the ways on.',
  );
}
