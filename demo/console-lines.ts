import { appendFileSync } from 'node:fs';
import { format } from 'node:util';

/** What libraries write to the console: kept out of the story, and put into a file. */
export interface ConsoleLines {
  /** From now on into this file, what came before included. */
  sendTo(path: string): void;
}

/** Takes the console over. Call it before the libraries are imported: some write as they load. */
export function collectConsoleLines(): ConsoleLines {
  const waiting: string[] = [];
  let file: string | undefined;
  const take = (...parts: unknown[]) => {
    const line = `${format(...parts)}\n`;
    if (file === undefined) waiting.push(line);
    else appendFileSync(file, line);
  };
  Object.assign(console, { log: take, info: take, warn: take, error: take, debug: take });
  return {
    sendTo(path) {
      file = path;
      appendFileSync(path, waiting.splice(0).join(''));
    },
  };
}
