import { open, readFile, rename } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import * as z from 'zod/mini';
import { digest } from '../../protocol/claims.ts';
import { CountersignError } from '../../protocol/errors.ts';

const keptHeadSchema = z.strictObject({
  /** Of the log. */
  origin: z.string().check(z.minLength(1)),
  size: z.int().check(z.positive()),
  /** base64url. */
  root: digest,
});

/** A head of a log that this process has signed, or is about to. */
export type KeptHead = z.infer<typeof keptHeadSchema>;

/**
 * The newest head, kept apart from the store: a restored backup of the store is behind it. It is written after the
 * head is committed and before its checkpoint is signed, so whatever was signed is in it. Of several replicas each
 * keeps its own.
 */
export interface HeadFile {
  /** `undefined` where there is no file yet. Throws `state_refused` for one that is damaged. */
  read(): Promise<KeptHead | undefined>;
  /** Resolves when it is on disk, whole: a crash leaves the old one or the new one. Throws `storage_full`, `unavailable`. */
  write(head: KeptHead): Promise<void>;
}

export function createHeadFile(path: string): HeadFile {
  return {
    async read() {
      const text = await readIfThere(path);
      return text === undefined ? undefined : parse(path, text);
    },
    async write(head) {
      try {
        await replace(path, `${JSON.stringify(head)}\n`);
      } catch (cause) {
        const code = systemCode(cause) === 'ENOSPC' ? 'storage_full' : 'unavailable';
        // readiness says this in public: where the file is, stands in the cause
        throw new CountersignError(code, 'The log’s head file cannot be written (key_log.head_file).', {
          cause,
        });
      }
    },
  };
}

/** Renames it so that nothing reads it any more, and answers its new name. Throws what the file system throws. */
export async function setHeadFileAside(path: string, time: Date): Promise<string> {
  const aside = `${path}.aside-${time.toISOString().replaceAll(/[:.]/g, '')}`;
  await rename(path, aside);
  await syncFolder(path);
  return aside;
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT') return undefined;
    throw new CountersignError('state_refused', `The log’s head file '${path}' cannot be read.`, { cause });
  }
}

function parse(path: string, text: string): KeptHead {
  try {
    return keptHeadSchema.parse(JSON.parse(text));
  } catch (cause) {
    const detail =
      `The log’s head file '${path}' is damaged. Whether the store is the newest can only be told by the log’s ` +
      'witnesses: `countersign log recover` asks them.';
    throw new CountersignError('state_refused', detail, { cause });
  }
}

/** A new file each time, so that nothing of it is left over from a write that failed. */
async function replace(path: string, text: string): Promise<void> {
  // replicas in containers may share the folder, and have the same number each
  const fresh = `${path}.${hostname()}-${process.pid}.new`;
  const file = await open(fresh, 'w', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(fresh, path);
  await syncFolder(path);
}

/** A new name is on disk only when its folder is. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function systemCode(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
