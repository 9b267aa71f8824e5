import { isAbsolute, normalize } from 'node:path';
import * as z from 'zod';
import { eventFile } from './file/event-file.ts';
import { fileCopy } from './file/file-copy.ts';
import { assertWithinFolders } from './file/file-folders.ts';
import { defineSinkKind, type Sink, type SinkDeps } from './sink.ts';

const MIB = 1024 * 1024;
const PATH_LENGTH = 1_024;
const BATCH = 500;

/** Nothing that a machine reads as its configuration or runs has such a name. */
const NAME = /\.(?:ndjson|jsonl|log|cef)$/;

const settings = z.strictObject({
  path: z
    .string()
    .max(PATH_LENGTH)
    .refine(
      (path) => isAbsolute(path) && normalize(path) === path && NAME.test(path) && !path.includes('\0'),
      'must be a whole path without . and .. that ends in .ndjson, .jsonl, .log or .cef',
    )
    .describe(
      'Of the file, on the machine of the bridge, below one of events.file_folders. Its folder must be there.',
    ),
  rotate_bytes: z
    .int()
    .min(MIB)
    .max(1024 * 1024 * MIB)
    .default(100 * MIB)
    .describe('A file that would grow beyond this is put aside, and a new one begun.'),
  rotate_hours: z
    .int()
    .min(1)
    .max(24 * 366)
    .default(24)
    .describe('Files are put aside when so many hours of UTC are over; 24: at midnight.'),
  keep: z
    .int()
    .min(1)
    .max(10_000)
    .default(30)
    .describe('Files put aside that are kept; the oldest beyond go.'),
});

export type FileSettings = z.output<typeof settings>;

/** Events in a file, one line each, for whatever collects files. A batch settles once the disk has it. */
export const FILE = defineSinkKind<FileSettings>({
  kind: 'file',
  doc: 'Appends events to a file on the bridge’s machine, one line each, with rotation.',
  settings,
  secrets: [],
  destinations: ['path'],
  formats: ['plain', 'ocsf', 'ecs', 'cef', 'cloudevents'],
  copy: ({ path }, { fileFolders, formatter }) => fileCopy(path, fileFolders, beginningOf(formatter)),
  open: (given, deps) => openFile(given, deps),
});

/** What every line begins with. */
function beginningOf({ name }: SinkDeps['formatter']): string {
  return name === 'cef' ? 'CEF:' : '{';
}

function openFile(given: FileSettings, deps: SinkDeps): Sink {
  assertWithinFolders(given.path, deps.fileFolders);
  const file = eventFile(
    {
      ...{ path: given.path, maxBytes: given.rotate_bytes, hours: given.rotate_hours, keep: given.keep },
      folders: deps.fileFolders,
      begins: beginningOf(deps.formatter),
    },
    deps.clock,
  );
  return {
    batch: BATCH,
    async deliver(events, signal) {
      signal.throwIfAborted();
      await file.append(events.map((event) => Buffer.from(`${deps.formatter.format(event)}\n`)));
      const sent = events.at(-1)?.seq ?? 0;
      return { sent, settled: sent, refused: [] };
    },
    close: () => file.close(),
  };
}
