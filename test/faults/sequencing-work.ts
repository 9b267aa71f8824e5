import { readFileSync } from 'node:fs';
import { utf8 } from '../../protocol/bytes.ts';

export interface LoggedName {
  readonly name: string;
  readonly version: number;
}

/** A line that a process says before anybody could know it otherwise: it may be killed right after. */
export interface Said {
  /** The text of a checkpoint that is about to be signed. */
  readonly signing?: string;
  /** It is published: the client was told. */
  readonly acknowledged?: LoggedName;
  /** The code of an error that a client was told; it asks again. */
  readonly refused?: string;
  /** The code of the error with which the process gave up. */
  readonly stopped?: string;
  /** All of the work was acknowledged. */
  readonly done?: true;
  /** What a check of the whole log found. */
  readonly whole?: { readonly size: number; readonly versions: number };
}

/** What is to be logged, batch by batch: the versions of a batch are staged before any is waited for. */
export function workOf(prefix: string, batches: number): LoggedName[][] {
  return Array.from({ length: batches }, (_, batch) => [
    { name: `${prefix}@acme.example`, version: batch },
    { name: `${prefix}${batch}@acme.example`, version: 0 },
  ]);
}

export function loggedBytes({ name, version }: LoggedName): Uint8Array {
  return utf8(`${name} ${version}`);
}

/** What the processes on a folder have said. */
export function readSaid(path: string): Said[] {
  const lines = readFileSync(path, 'utf8').split('\n');
  return lines.filter((line) => line.startsWith('{')).map((line): Said => JSON.parse(line));
}
