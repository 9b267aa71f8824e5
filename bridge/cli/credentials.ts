import { constants } from 'node:fs';
import { access, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

const credentialsSchema = z.strictObject({
  url: z.string(),
  token: z.string(),
  /** Of the token, to revoke it by. */
  id: z.string().optional(),
  /** Seconds. */
  expires: z.int().optional(),
});

/** Which bridge to administer, and the token for it. */
export type Credentials = z.infer<typeof credentialsSchema>;

export function credentialsPath({ env, home }: Terminal): string {
  return join(env.XDG_CONFIG_HOME ?? join(home, '.config'), 'countersign', 'credentials.json');
}

/** From the environment, else from the file that `countersign admin claim` wrote. */
export async function readCredentials(terminal: Terminal): Promise<Credentials> {
  const { COUNTERSIGN_URL: url, COUNTERSIGN_TOKEN: token } = terminal.env;
  if (url !== undefined && token !== undefined) return { url: origin(url), token };
  const stored = await readStored(terminal);
  if (stored === undefined) {
    throw new UsageError(
      'No bridge to administer is known. On the bridge’s machine run `countersign admin link`, then here ' +
        '`countersign admin claim LINK`; or set COUNTERSIGN_URL and COUNTERSIGN_TOKEN.',
    );
  }
  // A stored token is for the bridge that gave it, and is never sent to another one.
  if (token === undefined && url !== undefined && origin(url) !== stored.url) {
    throw new UsageError(
      `The stored token is for ${stored.url}, not for ${origin(url)}: set COUNTERSIGN_TOKEN too.`,
    );
  }
  return { url: url === undefined ? stored.url : origin(url), token: token ?? stored.token };
}

async function readStored(terminal: Terminal): Promise<Credentials | undefined> {
  const path = credentialsPath(terminal);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch {
    return undefined;
  }
  try {
    return credentialsSchema.parse(JSON.parse(text));
  } catch {
    throw new UsageError(
      `${path} is damaged: delete it and claim a new link with \`countersign admin claim\`.`,
    );
  }
}

/** That `storeCredentials` will be able to write. Throws `UsageError`; to be asked before anything is used up. */
export async function assertStorable(terminal: Terminal): Promise<void> {
  const path = credentialsPath(terminal);
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await access(dirname(path), constants.W_OK);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : '';
    throw new UsageError(
      `${path} cannot be written${code}, and the token must be kept there. The link was not used: run this again ` +
        'as somebody who can, or with XDG_CONFIG_HOME naming a folder of your own.',
      { cause },
    );
  }
}

/** Writes the file so that only its owner can read it, whole or not at all. */
export async function storeCredentials(terminal: Terminal, credentials: Credentials): Promise<string> {
  const path = credentialsPath(terminal);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${process.pid}`;
  await writeFile(temporary, `${JSON.stringify(credentials, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
  await rename(temporary, path);
  return path;
}

/** The origin of an https URL: over anything else the token would be readable on the way. */
export function origin(url: string): string {
  if (!URL.canParse(url) || new URL(url).protocol !== 'https:') {
    throw new UsageError(`${url} is not an https URL.`);
  }
  return new URL(url).origin;
}
