import type { Command } from 'commander';
import { nothing, openApi } from '../api-client.ts';
import { confirm } from '../confirm.ts';
import { facts, show, when } from '../output.ts';
import type { Terminal } from '../terminal.ts';
import { UsageError } from '../usage-error.ts';
import { activatedSchema, DRAFTS, draftSchema, draftsSchema, dryRunSchema, PATH } from './policy-answers.ts';
import { activateDraft, inForce } from './policy-apply.ts';
import { diffView, draftsView, dryRunView } from './policy-views.ts';

interface Options {
  readonly json?: boolean;
  readonly yes?: boolean;
  readonly note?: string;
}

const draftPath = (id: string) => `${DRAFTS}/${encodeURIComponent(id)}`;

/** What administrators do with a draft, and the way back. */
export function addDraftCommands(policy: Command, terminal: Terminal): void {
  policy
    .command('drafts')
    .argument('[id]', 'one of them, with what it changes line by line')
    .description('the drafts of the last 30 days')
    .option('--json', 'answer as JSON')
    .action(async (id: string | undefined, options: Options) => {
      const api = await openApi(terminal);
      if (id === undefined) {
        show(terminal, options, await api.get(DRAFTS, draftsSchema), ({ drafts }) => draftsView(drafts));
        return;
      }
      const draft = await api.get(draftPath(id), draftSchema);
      show(terminal, options, draft, (found) => `${draftsView([found])}\n\n${diffView(found.diff)}`);
    });
  policy
    .command('dry-run')
    .argument('<id>')
    .description('who and what would gain or lose access if the draft came into force now')
    .option('--json', 'answer as JSON')
    .action(async (id: string, options: Options) => {
      const found = await (await openApi(terminal)).send('POST', `${draftPath(id)}/dry-run`, dryRunSchema);
      show(terminal, options, found, dryRunView);
    });
  policy
    .command('approve')
    .argument('<id>')
    .description('approve a draft that another administrator made')
    .option('--yes', 'do not ask')
    .option('--json', 'answer as JSON')
    .action((id: string, options: Options) => approve(terminal, id, options));
  policy
    .command('activate')
    .argument('<id>')
    .description('bring a draft into force')
    .option('--yes', 'do not ask')
    .option('--json', 'answer as JSON')
    .action(async (id: string, options: Options) => {
      const api = await openApi(terminal);
      const draft = await api.get(draftPath(id), draftSchema);
      terminal.say(`${diffView(draft.diff)}\n`);
      await confirm(terminal, options.yes, 'From now on everything will be decided by this.');
      const activated = await activateDraft(terminal, api, draft);
      show(terminal, options, activated, ({ version }) => inForce(version));
    });
  policy
    .command('discard')
    .argument('<id>')
    .description('give a draft up')
    .option('--json', 'answer as JSON')
    .action(async (id: string, options: Options) => {
      await (await openApi(terminal)).send('DELETE', draftPath(id), nothing);
      show(terminal, options, { discarded: id }, () => `The draft ${id} is discarded.`);
    });
  policy
    .command('rollback')
    .argument('<version>', 'as `countersign policy show` lists them')
    .description('bring an earlier version back; the one before needs no other administrator within a day')
    .option('--note <text>', 'why; it stands in the event')
    .option('--yes', 'do not ask')
    .option('--json', 'answer as JSON')
    .action((version: string, options: Options) => rollBack(terminal, version, options));
}

async function approve(terminal: Terminal, id: string, options: Options): Promise<void> {
  const api = await openApi(terminal);
  const draft = await api.get(draftPath(id), draftSchema);
  const { author, note, created } = draft;
  terminal.say(facts({ by: author.name ?? author.id, made: when(created), note }));
  terminal.say(`\n${diffView(draft.diff)}\n`);
  terminal.say(`${dryRunView(await api.send('POST', `${draftPath(id)}/dry-run`, dryRunSchema))}\n`);
  await confirm(terminal, options.yes, 'You approve that this may come into force.');
  const approved = await api.send('POST', `${draftPath(id)}/approve`, draftSchema);
  show(terminal, options, approved, ({ approvals }) => {
    const counting = approvals.filter(({ counts }) => counts).length;
    return `Approved; ${counting} ${counting === 1 ? 'approval counts' : 'approvals count'}. Next: countersign policy activate ${id}`;
  });
}

async function rollBack(terminal: Terminal, version: string, options: Options): Promise<void> {
  if (!/^\d{1,9}$/.test(version)) throw new UsageError('A version is a whole number.');
  const api = await openApi(terminal);
  await confirm(terminal, options.yes, `The rules of version ${version} will be in force again.`);
  const body = { version: Number(version), note: options.note ?? '' };
  const activated = await api.send('POST', `${PATH}/rollback`, activatedSchema, body);
  show(
    terminal,
    options,
    activated,
    (now) => `Version ${now.version} is in force, with the files of version ${version}.`,
  );
}
