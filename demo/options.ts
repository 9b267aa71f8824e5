import { parseArgs } from 'node:util';

export interface Options {
  /** End after the story. */
  readonly once: boolean;
  /** One JSON line per step, and nothing else on standard output. */
  readonly json: boolean;
  readonly help: boolean;
}

export const USAGE = `npm run demo -- [--once] [--json]

Starts two companies' bridges with their identity providers on this machine and tells their story.

  --once   end after the story: 0 when every step held, 1 at the first that did not
  --json   one JSON line per step, and nothing else on standard output
           (npm itself is quiet with npm run --silent demo -- --json)
  --help   this text
`;

/** Throws a TypeError that names an argument that there is not. */
export function parseOptions(args: readonly string[]): Options {
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({ args: [...args], options: { once: flag, json: flag, help: flag } });
  return values;
}
