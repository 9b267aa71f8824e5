import type { Command } from 'commander';
import { openApi } from '../api-client.ts';
import { show } from '../output.ts';
import type { Terminal } from '../terminal.ts';
import { DECISIONS, decisionsSchema, explanationSchema } from './policy-answers.ts';
import { decisionsView, explanationView } from './policy-views.ts';

interface Options {
  readonly json?: boolean;
  readonly denied?: boolean;
  readonly action?: string;
  readonly principal?: string;
  readonly before?: string;
  readonly limit?: string;
}

/** What was decided, and why. */
export function addDecisionCommands(policy: Command, terminal: Terminal): void {
  policy
    .command('decisions')
    .description('what was decided lately, the newest first')
    .option('--denied', 'only what was refused')
    .option('--action <action>', 'only of this action, such as `find` or `enrol`')
    .option('--principal <id>', 'only of who asked: a person, a partner, an administrator')
    .option('--before <id>', 'go on from there')
    .option('--limit <number>', 'how many, 50 if not said')
    .option('--json', 'answer as JSON')
    .action(async (options: Options) => {
      const { denied, action, principal, before, limit } = options;
      const query = new URLSearchParams(
        Object.entries({
          effect: denied === true ? 'deny' : undefined,
          action,
          principal,
          before,
          limit,
        }).filter((entry): entry is [string, string] => entry[1] !== undefined),
      );
      const found = await (await openApi(terminal)).get(`${DECISIONS}?${query}`, decisionsSchema);
      show(terminal, options, found, decisionsView);
    });
  policy
    .command('explain')
    .argument('<id>', 'of a decision: refusals and events name it, `countersign policy decisions` lists them')
    .description('why something was allowed or refused')
    .option('--json', 'answer as JSON')
    .action(async (id: string, options: Options) => {
      const path = `${DECISIONS}/${encodeURIComponent(id)}`;
      show(terminal, options, await (await openApi(terminal)).get(path, explanationSchema), explanationView);
    });
}
