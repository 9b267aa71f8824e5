import { userInfo } from 'node:os';
import { CommanderError } from 'commander';
import { CountersignError } from '../../protocol/errors.ts';
import { Alarm } from './alarm.ts';
import { ApiProblem, Unreachable } from './api-client.ts';
import { printable } from './output.ts';
import { UsageError } from './usage-error.ts';

/** What failed, for the person at the terminal, and the exit code: 1 for a failure, 2 for a wrong call, 3 for an alarm. */
export function describeFailure(error: unknown): { text: string; exitCode: number } {
  if (error instanceof CommanderError) return { text: '', exitCode: error.exitCode === 0 ? 0 : 2 };
  if (error instanceof UsageError) return { text: error.message, exitCode: 2 };
  if (error instanceof Alarm) return { text: error.message, exitCode: 3 };
  if (error instanceof ApiProblem) return { text: describeProblem(error), exitCode: 1 };
  if (error instanceof Unreachable) return { text: error.message, exitCode: 1 };
  if (error instanceof CountersignError) {
    return { text: `${error.detail ?? error.message}\n(code ${error.code})`, exitCode: 1 };
  }
  const refused = refusedBySystem(error);
  if (refused !== undefined) return { text: refused, exitCode: 1 };
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { text: `This should not have happened:\n${text}`, exitCode: 1 };
}

/** What the operating system says of files, and SQLite of its own: faults of the place, not of the program. */
const PLACE_FAULTS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  EACCES: 'not permitted',
  EPERM: 'not permitted',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the quota of this account is used up',
  ENOTDIR: 'a part of the path is no folder',
  EISDIR: 'this is a folder',
  EMFILE: 'too many files are open',
  SQLITE_READONLY: 'the database, or the folder that it is in, cannot be written',
  SQLITE_FULL: 'the disk under the database is full',
  SQLITE_CANTOPEN: 'the database cannot be opened',
};

function refusedBySystem(error: unknown): string | undefined {
  if (!(error instanceof Error && 'code' in error)) return undefined;
  const code = String(error.code);
  const fault = PLACE_FAULTS[/^SQLITE_[A-Z]+/.exec(code)?.[0] ?? code];
  if (fault === undefined) return undefined;
  const path = 'path' in error && typeof error.path === 'string' ? `${printable(error.path)}: ` : '';
  return `${path}${fault} (${code}, as user ${userInfo().username}).`;
}

function describeProblem({ problem }: ApiProblem): string {
  const { title, detail, code, request_id: requestId, decision_id: decision } = problem;
  const known = [`code ${printable(code)}`, `request id ${printable(requestId)}`];
  if (decision !== undefined) known.push(`decision ${printable(decision)}`);
  const hint = HINTS[code];
  return [
    printable(title),
    ...(detail === undefined ? [] : detail.split('\n').map(printable)),
    ...(hint === undefined ? [] : [hint]),
    `(${known.join(', ')})`,
  ].join('\n');
}

/** What to do next, where the bridge's own words do not say it. */
const HINTS: Readonly<Record<string, string>> = {
  unauthenticated:
    'Get a new token: `countersign admin link` on the bridge’s machine, then `countersign admin claim LINK` here.',
  bootstrap_invalid: 'Run `countersign admin link` on the bridge’s machine for a new one.',
  connection_untested: 'Run `countersign connection test ID` first.',
  domain_unknown: 'See `countersign domain list`; name a new one with `countersign domain add DOMAIN`.',
  domain_in_use: 'Add --force if the domain is not the organization’s any more.',
  person_unknown: 'See `countersign person list`.',
  policy_draft_unknown: 'See `countersign policy drafts`.',
  policy_draft_outdated: 'Make it anew: `countersign policy apply DIR`.',
  policy_approval: 'Another administrator reads and approves it: `countersign policy approve ID`.',
  sink_unknown: 'See `countersign sink list`.',
  sink_closed: 'Let it go on with `countersign sink resume NAME`.',
  dead_letter_unknown: 'See `countersign sink dead-letters NAME`.',
  replay_unknown: 'See `countersign sink show NAME`.',
  checkpoint_unknown: 'The event log is signed once a minute while anything comes in: try again then.',
  partner_unknown: 'See `countersign partner list`.',
  partner_fingerprint: 'Compare the fingerprint with the partner again, by telephone or in person.',
};
