import { readFile } from 'node:fs/promises';
import { ACME, GLOBEX } from './company.ts';
import { logFile, type Stage } from './stage.ts';

interface LogLine {
  readonly level?: string;
  readonly msg?: string;
  readonly err?: { readonly message?: string; readonly cause?: { readonly message?: string } };
}

const SHOWN = 5;

/** The last warnings and errors that the bridges logged: what to read when a step failed. */
export async function lastTroubles(stage: Stage): Promise<string[]> {
  const logs = await Promise.all(
    [ACME, GLOBEX].map(async (company) => {
      const text = await readFile(logFile(stage, company), 'utf8').catch(() => '');
      return text.split('\n').flatMap((line) => describe(company.name, line));
    }),
  );
  return logs.flatMap((lines) => lines.slice(-SHOWN));
}

function describe(company: string, line: string): string[] {
  if (line === '') return [];
  const { level = '', msg = '', err } = JSON.parse(line) as LogLine;
  if (!['warn', 'error', 'fatal'].includes(level)) return [];
  const why = [err?.message, err?.cause?.message].filter((part) => part !== undefined).join(' ← ');
  return [`${company} ${level}: ${msg}${why === '' ? '' : ` (${why})`}`];
}
