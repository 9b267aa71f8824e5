import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { PolicyContent } from '../../../protocol/policy-bundle.ts';
import { compilePolicy } from '../../policy/content/compile-policy.ts';
import { contentDiff, contentFiles } from '../../policy/content/content-diff.ts';
import { readPolicyFolder } from '../../policy/content/policy-folder.ts';
import { type ApiClient, openApi } from '../api-client.ts';
import { show } from '../output.ts';
import type { Terminal } from '../terminal.ts';
import { UsageError } from '../usage-error.ts';
import { PATH, type PolicyAnswer, policySchema } from './policy-answers.ts';
import { addApplyCommand } from './policy-apply.ts';
import { addDecisionCommands } from './policy-decisions.ts';
import { addDraftCommands } from './policy-drafts.ts';
import { addRestoreCommand } from './policy-restore.ts';
import { diffView, policyView } from './policy-views.ts';

interface Options {
  readonly json?: boolean;
  readonly policyVersion?: string;
}

export function addPolicyCommands(program: Command, terminal: Terminal): void {
  const policy = program.command('policy').description('the rules that everything is decided by');
  policy
    .command('show')
    .argument('[file]', 'the text of one file')
    .description('the policy in force, and which versions there were')
    .option('--policy-version <version>', 'an earlier version')
    .option('--json', 'answer as JSON')
    .action(async (file: string | undefined, options: Options) => {
      const found = await readPolicy(await openApi(terminal), options.policyVersion);
      show(terminal, options, found, (answer) =>
        file === undefined ? policyView(answer) : textOf(answer, file),
      );
    });
  policy
    .command('check')
    .argument('<dir>', 'a folder of policies')
    .description('say what is wrong with a folder of policies; no bridge is asked')
    .option('--json', 'answer as JSON')
    .action((dir: string, options: Options) => {
      const { hash, policies } = compilePolicy(readPolicyFolder(dir));
      const found = {
        hash,
        policies: policies.map(({ id, effect, file, line }) => ({ id, effect, file, line })),
      };
      show(terminal, options, found, () => `${dir} is valid: ${policies.length} policies, hash ${hash}.`);
    });
  policy
    .command('diff')
    .argument('<dir>', 'a folder of policies')
    .description('what a folder would change of the policy in force, line by line')
    .option('--policy-version <version>', 'against an earlier version')
    .option('--json', 'answer as JSON')
    .action(async (dir: string, options: Options) => {
      const drafted = readPolicyFolder(dir);
      const { version, content } = await readPolicy(await openApi(terminal), options.policyVersion);
      const diff = contentDiff(content, drafted);
      show(terminal, options, { version, diff }, () =>
        diff === '' ? `${dir} is version ${version}: nothing differs.` : diffView(diff),
      );
    });
  policy
    .command('export')
    .argument('<dir>', 'a folder that is empty, or not there yet')
    .description('write the files of the policy in force into a folder, to change them or keep them in git')
    .option('--policy-version <version>', 'an earlier version')
    .option('--json', 'answer as JSON')
    .action(async (dir: string, options: Options) => {
      const { version, content } = await readPolicy(await openApi(terminal), options.policyVersion);
      const files = await exportTo(dir, content);
      show(
        terminal,
        options,
        { version, dir, files },
        () => `Version ${version} is in ${dir}: ${files.length} files.`,
      );
    });
  addApplyCommand(policy, terminal);
  addDraftCommands(policy, terminal);
  addDecisionCommands(policy, terminal);
  addRestoreCommand(policy, terminal);
}

export function readPolicy(api: ApiClient, version?: string): Promise<PolicyAnswer> {
  const query = version === undefined ? '' : `?version=${encodeURIComponent(version)}`;
  return api.get(`${PATH}${query}`, policySchema);
}

function textOf({ content }: PolicyAnswer, file: string): string {
  const text = contentFiles(content).get(file);
  if (text === undefined) throw new UsageError(`There is no file ${file}. See \`countersign policy show\`.`);
  return diffView(text.trimEnd());
}

/** The names were held against their form: they lead out of no folder. */
async function exportTo(dir: string, content: PolicyContent): Promise<string[]> {
  await mkdir(dir, { recursive: true });
  if ((await readdir(dir)).length > 0) throw new UsageError(`${dir} is not empty.`);
  const files = contentFiles(content);
  for (const [name, text] of files) await writeFile(join(dir, name), text, { flag: 'wx' });
  return [...files.keys()];
}
