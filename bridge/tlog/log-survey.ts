import { stat } from 'node:fs/promises';
import { encodeBase64url } from '../../protocol/base64url.ts';
import { type CountersignError, type ErrorCode, isCountersignError } from '../../protocol/errors.ts';
import type { Clock } from '../lib/clock.ts';
import { EPOCH_CLOCK_SLACK_MS } from '../lib/limits.ts';
import type { Query } from '../storage/database.ts';
import { firstCheckpointAfter, newestCheckpoint, newestSigned } from './checkpoint-store.ts';
import { checkpointNoteOf } from './checkpoints.ts';
import { createHeadFile, type HeadFile, type KeptHead } from './head-file.ts';
import type { HeadAnswer } from './head-witness.ts';
import { type LogName, readHead } from './log-heads.ts';
import { rootAt } from './log-tree.ts';
import { type Standing, standingOf } from './seen-checkpoint.ts';
import { assertHeadTrusted, type LogDoubt, type StartDoubtDeps } from './start-doubt.ts';

/** What the store, the head file and each witness say of a log, held against each other. */
export interface LogSurvey {
  readonly store: SurveyedStore;
  /** Undefined: none is configured. */
  readonly headFile: SurveyedHeadFile | undefined;
  readonly witnesses: readonly SurveyedWitness[];
  readonly cause: LogCause;
  /** The words of the start itself (start-doubt.ts), where it would refuse, or doubt. */
  readonly detail: string | undefined;
}

/**
 * What it comes from. `good`: the bridge starts. `clock_ahead`: it starts, but its newest epoch is of a time to come, and
 * nothing is logged before that: this clock is behind, or was ahead then. `doubt`: too few witnesses answer to say. `damaged_store`: its parts do
 * not belong together. `damaged_head_file`, `foreign_head_file`: that of a log with another origin; `earlier_store`:
 * that of a store before this one, which was made anew. `restored_backup`: more was signed than the store has.
 * `fork`: what was signed is not what the store has.
 */
export type LogCause =
  | 'good'
  | 'clock_ahead'
  | 'doubt'
  | 'damaged_store'
  | 'damaged_head_file'
  | 'foreign_head_file'
  | 'earlier_store'
  | 'restored_backup'
  | 'fork';

export interface SurveyedStore {
  readonly size: number;
  /** The newest checkpoint, signed or not; undefined: nothing was ever logged. */
  readonly newest: { readonly root: string; readonly epoch: number; readonly timeMs: number } | undefined;
  /** When its log began; milliseconds. */
  readonly began: number | undefined;
  /** Whether head, checkpoint and tree name the same. */
  readonly whole: boolean;
}

export interface SurveyedHeadFile {
  readonly path: string;
  /** Undefined: there is no file. */
  readonly kept: KeptHead | 'damaged' | undefined;
  /** Whether the store has what it names; undefined where that cannot be. */
  readonly contained: boolean | undefined;
  /** When it was last written, as the file system says; milliseconds. */
  readonly written: number | undefined;
}

export interface SurveyedWitness {
  readonly name: string;
  /** `ahead`, `contradicted`: it shows what our log signed. `unproven`: it only claims so, and is not believed. */
  readonly said: 'same' | 'behind' | 'ahead' | 'contradicted' | 'unproven' | 'unreachable';
  readonly size: number | undefined;
  readonly error: ErrorCode | undefined;
}

export interface LogSurveyDeps extends Omit<StartDoubtDeps, 'headFile' | 'noteOf'> {
  readonly headFilePath: string | undefined;
  /** When the keys in the store were made, where it has no entry that says; milliseconds. */
  readonly storeMade: number | undefined;
  readonly clock: Clock;
}

/** Looks at everything, changes nothing, and signs nothing. Throws what the database throws. */
export async function surveyLog(deps: LogSurveyDeps): Promise<LogSurvey> {
  const { database, log, origin, headFilePath } = deps;
  const store = await database.read((query) => surveyStore(query, log));
  const file = headFilePath === undefined ? undefined : createHeadFile(headFilePath);
  const headFile =
    file === undefined || headFilePath === undefined
      ? undefined
      : await surveyHeadFile(deps, headFilePath, file, store);
  const asked = await askAll(deps);
  const witnesses = await database.read((query) =>
    Promise.all(asked.map(({ name, answer }) => witnessOf(query, log, { name, answer, size: store.size }))),
  );
  const verdict = await startVerdict({
    ...deps,
    headFile: file,
    witnesses: asked.map(({ name, answer }) => ({ name, ask: () => repeat(answer) })),
    noteOf: (checkpoint, lines) => checkpointNoteOf(origin, checkpoint, lines),
  });
  const cause = causeOf({ store, headFile, witnesses, verdict }, deps);
  return { store, headFile, witnesses, cause, detail: verdict?.detail };
}

async function surveyStore(query: Query, log: LogName): Promise<SurveyedStore> {
  const head = await readHead(query, log);
  const size = head?.size ?? 0;
  const newest = await newestCheckpoint(query, log);
  const root = size === 0 ? undefined : await rootIfThere(query, log, size);
  return {
    size,
    newest:
      newest === undefined ? undefined : { root: newest.root, epoch: newest.epoch, timeMs: newest.time_ms },
    began: (await firstCheckpointAfter(query, log, 0))?.time_ms,
    whole:
      size === 0
        ? newest === undefined
        : newest?.size === size && newest.root === head?.hash && newest.root === root,
  };
}

/** A tree with holes has none. */
async function rootIfThere(query: Query, log: LogName, size: number): Promise<string | undefined> {
  try {
    return encodeBase64url(await rootAt(query, log, size));
  } catch (error) {
    if (isCountersignError(error, 'unavailable') || isCountersignError(error, 'storage_busy')) throw error;
    return undefined;
  }
}

async function surveyHeadFile(
  { database, log, origin }: LogSurveyDeps,
  path: string,
  file: HeadFile,
  store: SurveyedStore,
): Promise<SurveyedHeadFile> {
  const written = (await stat(path).catch(() => undefined))?.mtimeMs;
  let kept: KeptHead | undefined;
  try {
    kept = await file.read();
  } catch (error) {
    if (!isCountersignError(error, 'state_refused')) throw error;
    return { path, kept: 'damaged', contained: undefined, written };
  }
  if (kept === undefined || kept.origin !== origin || kept.size > store.size) {
    return { path, kept, contained: undefined, written };
  }
  const { size, root } = kept;
  const then = await database.read((query) => rootIfThere(query, log, size));
  return { path, kept, contained: then === root, written };
}

type Answer = HeadAnswer | { readonly kind: 'unreachable'; readonly error: CountersignError };

async function askAll(deps: LogSurveyDeps): Promise<{ name: string; answer: Answer }[]> {
  const { database, log, origin, witnesses } = deps;
  const signed = await database.read((query) => newestSigned(query, log));
  const shown =
    signed === undefined ? undefined : { size: signed.size, note: checkpointNoteOf(origin, signed) };
  return Promise.all(
    witnesses.map(async (witness) => {
      const { name } = witness;
      try {
        return { name, answer: await witness.ask(shown) };
      } catch (error) {
        if (!isCountersignError(error)) throw error;
        return { name, answer: { kind: 'unreachable' as const, error } };
      }
    }),
  );
}

/** The start asks the same: it is to hear the same, and not to ask once more. */
async function repeat(answer: Answer): Promise<HeadAnswer> {
  if (answer.kind === 'unreachable') throw answer.error;
  return answer;
}

async function witnessOf(
  query: Query,
  log: LogName,
  { name, answer, size: stored }: { name: string; answer: Answer; size: number },
): Promise<SurveyedWitness> {
  if (answer.kind === 'unreachable') {
    const { code } = answer.error;
    const said = code === 'witness_unproven' ? 'unproven' : 'unreachable';
    return { name, said, size: undefined, error: code };
  }
  const { size } = answer.kind === 'says' ? answer : answer.checkpoint;
  const standing =
    answer.kind === 'says' ? 'contained' : await standingIfWhole(query, log, answer.checkpoint);
  if (answer.kind === 'shows' && !answer.checkpoint.signed && standing !== 'contained') {
    return { name, said: 'unproven', size: undefined, error: 'witness_unproven' };
  }
  const said = {
    contained: size < stored ? ('behind' as const) : ('same' as const),
    beyond: 'ahead' as const,
    another: 'contradicted' as const,
  }[standing];
  return { name, said, size, error: undefined };
}

/** Of a tree with holes nothing can be said here; that it has them is said elsewhere. */
async function standingIfWhole(
  query: Query,
  log: LogName,
  checkpoint: Parameters<typeof standingOf>[2],
): Promise<Standing> {
  try {
    return await standingOf(query, log, checkpoint);
  } catch (error) {
    if (isCountersignError(error, 'unavailable') || isCountersignError(error, 'storage_busy')) throw error;
    return 'contained';
  }
}

/** What the start would say; undefined: it goes on. */
async function startVerdict(deps: StartDoubtDeps): Promise<{ refused: boolean; detail: string } | undefined> {
  try {
    const doubt: LogDoubt | undefined = await assertHeadTrusted(deps);
    return doubt === undefined ? undefined : { refused: false, detail: doubt.reason };
  } catch (error) {
    if (!isCountersignError(error)) throw error;
    if (error.code === 'unavailable' || error.code === 'storage_busy') throw error;
    return { refused: true, detail: error.detail ?? error.message };
  }
}

/** The start decides whether anything is wrong; here it only gets its name. */
function causeOf(
  {
    store,
    headFile,
    witnesses,
    verdict,
  }: Pick<LogSurvey, 'store' | 'headFile' | 'witnesses'> & { verdict: { refused: boolean } | undefined },
  { origin, storeMade, clock }: LogSurveyDeps,
): LogCause {
  if (verdict === undefined) {
    const newest = store.newest?.timeMs ?? 0;
    return newest > clock.now() + EPOCH_CLOCK_SLACK_MS ? 'clock_ahead' : 'good';
  }
  if (!store.whole) return 'damaged_store';
  const kept = headFile?.kept;
  if (witnesses.some(({ said }) => said === 'contradicted')) return 'fork';
  if (witnesses.some(({ said }) => said === 'ahead')) return 'restored_backup';
  if (kept === 'damaged') return 'damaged_head_file';
  if (kept !== undefined && kept.origin !== origin) return 'foreign_head_file';
  if (kept !== undefined && headFile?.contained !== true) {
    // it was last written before this store had anything to write
    const began = store.began ?? storeMade;
    if (began !== undefined && headFile?.written !== undefined && headFile.written < began)
      return 'earlier_store';
    return kept.size > store.size ? 'restored_backup' : 'fork';
  }
  return verdict.refused ? 'fork' : 'doubt';
}
