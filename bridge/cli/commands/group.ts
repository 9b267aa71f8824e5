import type { Command } from 'commander';
import { type DueGroupRotations, dueGroupRotationsSchema } from '../../../protocol/groups/api.ts';
import { openApi } from '../api-client.ts';
import { printable, show, table, when } from '../output.ts';
import type { Terminal } from '../terminal.ts';

const DUE = '/admin/v1/groups/rotations-due';

export function addGroupCommands(program: Command, terminal: Terminal): void {
  const group = program.command('group').description('groups that are kept at this bridge');
  group
    .command('due')
    .description('durable groups whose keys are to be rotated, since when, and by whose apps')
    .option('--json', 'answer as JSON')
    .action(async (options: { readonly json?: boolean }) => {
      const api = await openApi(terminal);
      let page = await api.get(DUE, dueGroupRotationsSchema);
      const groups = [...page.groups];
      while (page.next !== null) {
        page = await api.get(`${DUE}?after=${encodeURIComponent(page.next)}`, dueGroupRotationsSchema);
        groups.push(...page.groups);
      }
      show(terminal, options, { groups }, () => list(groups));
    });
}

function list(groups: DueGroupRotations['groups']): string {
  return table(
    ['group', 'due since', 'admins', 'id'],
    groups.map(({ group, label, due, admins }) => [printable(label), when(due), admins.join(', '), group]),
    'No group is due.',
  );
}
