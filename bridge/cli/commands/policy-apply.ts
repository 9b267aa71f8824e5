import type { Command } from 'commander';
import { compilePolicy } from '../../policy/content/compile-policy.ts';
import { readPolicyFolder } from '../../policy/content/policy-folder.ts';
import { type ApiClient, ApiProblem, openApi } from '../api-client.ts';
import { show } from '../output.ts';
import type { Terminal } from '../terminal.ts';
import { UsageError } from '../usage-error.ts';
import {
  activatedSchema,
  DRAFTS,
  type DraftSummaryAnswer,
  draftSchema,
  dryRunSchema,
  PATH,
  policySchema,
} from './policy-answers.ts';
import { diffView, dryRunView } from './policy-views.ts';

interface Options {
  readonly json?: boolean;
  readonly yes?: boolean;
  readonly activate?: boolean;
  readonly note?: string;
}

/** `countersign policy apply`: for people who try a change, and for what runs when a repository changed. */
export function addApplyCommand(policy: Command, terminal: Terminal): void {
  policy
    .command('apply')
    .argument('<dir>', 'a folder of policies')
    .description('make a draft of a folder, say what it would change, and bring it into force if that may be')
    .option('--note <text>', 'why; it stands in the event')
    .option('--activate', 'bring it into force; asked for at a terminal anyway')
    .option('--yes', 'do not ask')
    .option('--json', 'answer as JSON')
    .action((dir: string, options: Options) => apply(terminal, dir, options));
}

async function apply(terminal: Terminal, dir: string, options: Options): Promise<void> {
  const { content, hash } = compilePolicy(readPolicyFolder(dir));
  const api = await openApi(terminal);
  const before = await api.get(PATH, policySchema);
  if (before.hash === hash) {
    show(
      terminal,
      options,
      { version: before.version, hash, draft: null },
      () => `${dir} is what is in force already (version ${before.version}): there is nothing to do.`,
    );
    return;
  }
  const body = { content, note: options.note ?? '' };
  const draft = await api.send('POST', DRAFTS, draftSchema, body);
  terminal.say(`${diffView(draft.diff)}\n`);
  const dryRun = await api.send('POST', `${DRAFTS}/${draft.id}/dry-run`, dryRunSchema);
  terminal.say(`${dryRunView(dryRun)}\n`);
  if (!(await isWanted(terminal, options, draft.id))) {
    show(terminal, options, { version: null, hash, draft: draft.id, dryRun }, () => draft.id);
    return;
  }
  const activated = await activateDraft(terminal, api, draft);
  show(terminal, options, { ...activated, draft: draft.id, dryRun }, ({ version }) => inForce(version));
}

async function isWanted(terminal: Terminal, { yes, activate }: Options, id: string): Promise<boolean> {
  if (yes === true) return true;
  if (terminal.interactive) {
    const answer = await terminal.ask('Bring it into force? Type yes: ');
    if (answer.toLowerCase() === 'yes') return true;
  } else if (activate === true) {
    throw new UsageError(`Add --yes to bring it into force without being asked. The draft is ${id}.`);
  }
  terminal.say(
    `The draft stays. Later: countersign policy activate ${id}, or: countersign policy discard ${id}`,
  );
  return false;
}

/** Says who must do what, where others must approve first. */
export async function activateDraft(
  terminal: Terminal,
  api: ApiClient,
  { id, author }: Pick<DraftSummaryAnswer, 'id' | 'author'>,
) {
  try {
    return await api.send('POST', `${DRAFTS}/${encodeURIComponent(id)}/activate`, activatedSchema);
  } catch (error) {
    if (error instanceof ApiProblem && error.problem.code === 'policy_approval') {
      terminal.say(
        [
          `It waits for another administrator than ${author.name ?? author.id}, who reads and approves it:`,
          `  countersign policy dry-run ${id}`,
          `  countersign policy approve ${id}`,
          `Then: countersign policy activate ${id}`,
        ].join('\n'),
      );
    }
    throw error;
  }
}

export function inForce(version: number): string {
  return `Version ${version} is in force. Back to the one before: countersign policy rollback ${version - 1}`;
}
