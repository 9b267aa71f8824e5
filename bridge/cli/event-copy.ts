import { CountersignError, isCountersignError } from '../../protocol/errors.ts';
import { readCopiedLine } from '../../protocol/events/copied-line.ts';
import type { EventCopy } from '../../protocol/events/event-copy.ts';
import { decodeClaims, readHeader } from '../../protocol/jws.ts';
import { onlineKeysSchema, verifyOnlineKeys } from '../../protocol/online-keys.ts';
import { eventLogOrigin, parseCheckpoint } from '../../protocol/tlog/checkpoint.ts';
import { eventLogVerifierKeys } from '../../protocol/tlog/log-keys.ts';
import { parseNote } from '../../protocol/tlog/signed-note.ts';
import type { VerifierKey } from '../../protocol/tlog/verifier-key.ts';
import { linesOfFile } from './event-lines.ts';
import type { Progress } from './progress.ts';
import { count } from './quantities.ts';
import { UsageError } from './usage-error.ts';

export { cloudEventOf, LINES } from '../events/sinks/copied-lines.ts';

/** What an export begins with. */
const PROOF = '{"event_proof":';

/** Adds the lines of a file to a copy of the event log; one that ends in `.gz` is unpacked. */
export async function readEventFile(path: string, copy: EventCopy, progress: Progress): Promise<void> {
  for await (const { text, read } of linesOfFile(path)) {
    if (text === undefined) copy.addUnreadable();
    else await copy.add(text);
    progress.tell(() => `${path}: ${Math.floor(read * 100)} %, ${count(copy.lines)} lines in all`);
  }
}

/** The online keys that the last export among the files brings; `undefined` where none is one. */
export async function keysInFiles(paths: readonly string[]): Promise<string | undefined> {
  for (const path of [...paths].reverse()) {
    let keys: string | undefined;
    for await (const { text } of linesOfFile(path)) {
      if (text?.startsWith(PROOF) === true) keys = onlineKeysIn(text) ?? keys;
    }
    if (keys !== undefined) return keys;
  }
  return undefined;
}

function onlineKeysIn(line: string): string | undefined {
  try {
    const read = readCopiedLine(line);
    return read.kind === 'proof' ? read.proof.online_keys : undefined;
  } catch (error) {
    if (isCountersignError(error)) return undefined;
    throw error;
  }
}

/** Whose signature the checkpoints of an event log must bear, and why these keys are believed. */
export interface EventLogTrust {
  readonly origin: string;
  readonly iss: string;
  readonly root: string;
  readonly logKeys: readonly VerifierKey[];
}

/**
 * The keys of an event log by an `online-keys+jwt` that the root of this thumbprint signed, or, without one, any root.
 * It counts as of the day it was issued: what it vouches for was signed before, and a copy is kept for years. Throws
 * what its verification throws, and `jws_unknown_key` where there is no key for events.
 */
export async function eventLogTrust(token: string, root: string | undefined): Promise<EventLogTrust> {
  const { iss, iat } = decodeClaims(token, 'online-keys+jwt', onlineKeysSchema);
  const rootThumbprint = root ?? readHeader(token).kid;
  const logKeys = eventLogVerifierKeys(await verifyOnlineKeys(token, { iss, rootThumbprint }, iat));
  if (logKeys.length === 0) {
    throw new CountersignError('jws_unknown_key', 'The bridge publishes no key of its event log.');
  }
  return { origin: eventLogOrigin(iss), iss, root: rootThumbprint, logKeys };
}

/** Events that a checkpoint covers, as its note says; nothing of it is verified. */
export function sizeOfCheckpoint(note: string): number {
  return parseCheckpoint(parseNote(note).text).size;
}

/** The place of an event, as an option gives it. */
export function seqOf(text: string, option: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new UsageError(`${option} is a whole number from 1.`);
  return Number(text);
}
