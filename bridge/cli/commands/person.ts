import type { Command } from 'commander';
import * as z from 'zod';
import { CountersignError } from '../../../protocol/errors.ts';
import { type ApiClient, openApi } from '../api-client.ts';
import { confirm } from '../confirm.ts';
import { facts, show, table, when } from '../output.ts';
import type { Terminal } from '../terminal.ts';
import { findSub, overviewSchema, pathOfPerson, summarySchema } from './person-lookup.ts';

interface Options {
  readonly json?: boolean;
  readonly yes?: boolean;
  readonly reason?: string;
  readonly limit?: string;
}

const restrictionSchema = z.object({
  sub: z.string(),
  status: z.string(),
  revoked: z.array(z.object({ address: z.string(), version: z.int() })),
  devices: z.int(),
  tokens: z.int(),
  groups: z.int(),
  orphaned: z.array(z.string()),
  receipt: z.string().nullable(),
});
const reopenedSchema = z.object({ sub: z.string(), status: z.string() });
const erasureSchema = z.object({
  sub: z.string(),
  addresses: z.array(z.object({ address: z.string(), versions: z.int() })),
});
const pageSchema = z.object({ persons: z.array(summarySchema), next: z.string().nullable() });

const WHO = 'an address, or the id of a person';

export function addPersonCommands(program: Command, terminal: Terminal): void {
  const person = program.command('person').description('the people who have signed in');
  person
    .command('list')
    .description('everybody')
    .option('--json', 'answer as JSON')
    .action(async (options: Options) => {
      show(terminal, options, await everybody(await openApi(terminal)), list);
    });
  person
    .command('show')
    .argument('<person>', WHO)
    .description('one person: addresses, key statements, devices')
    .option('--json', 'answer as JSON')
    .action(async (who: string, options: Options) => {
      const api = await openApi(terminal);
      show(terminal, options, await api.get(pathOfPerson(await findSub(api, who)), overviewSchema), describe);
    });
  person
    .command('close')
    .argument('<person>', WHO)
    .description('close somebody who left: keys, devices, tokens and addresses are gone at once')
    .option('--reason <text>', 'stands in the event')
    .option('--yes', 'do not ask')
    .option('--json', 'answer as JSON')
    .action((who: string, options: Options) =>
      restrict(
        terminal,
        'close',
        who,
        options,
        'will be closed. Keys, devices and tokens are gone at once, and for good.',
      ),
    );
  person
    .command('reset')
    .argument('<person>', WHO)
    .description('void the keys of somebody who lost all devices, so that they enrol anew')
    .option('--reason <text>', 'stands in the event')
    .option('--yes', 'do not ask')
    .option('--json', 'answer as JSON')
    .action((who: string, options: Options) =>
      restrict(
        terminal,
        'reset',
        who,
        options,
        'loses all keys and devices. Everybody who pinned the key will see it.',
      ),
    );
  addReopenCommand(person, terminal);
  addEraseCommand(person, terminal);
}

/** Somebody closed holds no address, so only the id finds them. */
function addReopenCommand(person: Command, terminal: Terminal): void {
  person
    .command('reopen')
    .argument('<id>', 'the id of the person: closing freed the addresses')
    .description('let a closed person sign in again; they enrol anew, nothing deleted comes back')
    .option('--reason <text>', 'stands in the event')
    .option('--yes', 'do not ask')
    .option('--json', 'answer as JSON')
    .action(async (id: string, { reason, ...options }: Options) => {
      const api = await openApi(terminal);
      const path = pathOfPerson(await findSub(api, id));
      await confirm(terminal, options.yes, `${id} will be able to sign in and to enrol a new key.`);
      const done = await api.send('POST', `${path}/reopen`, reopenedSchema, {
        ...(reason === undefined ? {} : { reason }),
      });
      show(terminal, options, done, () => `${id} can sign in again and enrols anew.`);
    });
}

/** Erasing is for whoever is closed, and cannot be taken back: it shows whom it is about before it asks. */
function addEraseCommand(person: Command, terminal: Terminal): void {
  person
    .command('erase')
    .argument('<id>', 'the id of the person: closing freed the addresses')
    .description('erase a closed person for good; events, and the versions counted in the log, stay')
    .option('--reason <text>', 'stands in the event, which is not erased')
    .option('--yes', 'do not ask')
    .option('--json', 'answer as JSON')
    .action(async (id: string, { reason, ...options }: Options) => {
      const api = await openApi(terminal);
      const path = pathOfPerson(await findSub(api, id));
      const { sub, status, name } = await api.get(path, overviewSchema);
      if (status !== 'closed') {
        throw new CountersignError('person_active', `Close them first: countersign person close ${sub}`);
      }
      await confirm(terminal, options.yes, whatErasingTakes(name === null ? sub : `${name} (${sub})`));
      const body = reason === undefined ? {} : { reason };
      const done = await api.send('POST', `${path}/erase`, erasureSchema, body);
      show(terminal, options, done, ({ addresses }) =>
        [
          `${sub} is erased.`,
          ...addresses.map(
            ({ address, versions }) => `Forgotten: ${address}, what stood in ${versions} versions.`,
          ),
        ].join('\n'),
      );
    });
}

function whatErasingTakes(whom: string): string {
  return [
    `${whom} will be erased: record and name, links to identity providers, addresses, devices, keys and vault, sign-ins,`,
    'enrolments, tokens, what stands of them in groups and in their key statements. Nothing can bring it back. The event log keeps the id',
    'and the addresses, and the key log how many versions each address had.',
  ].join(' ');
}

async function everybody(api: ApiClient): Promise<z.infer<typeof summarySchema>[]> {
  const persons: z.infer<typeof summarySchema>[] = [];
  for (let after: string | null = ''; after !== null; ) {
    const start: string = after === '' ? '' : `&after=${encodeURIComponent(after)}`;
    const page: z.infer<typeof pageSchema> = await api.get(`/admin/v1/persons?limit=200${start}`, pageSchema);
    persons.push(...page.persons);
    after = page.next;
  }
  return persons;
}

async function restrict(
  terminal: Terminal,
  act: 'close' | 'reset',
  who: string,
  { reason, ...options }: Options,
  consequence: string,
): Promise<void> {
  const api = await openApi(terminal);
  const path = pathOfPerson(await findSub(api, who));
  await confirm(terminal, options.yes, `${who} ${consequence}`);
  const body = reason === undefined ? {} : { reason };
  const done = await api.send('POST', `${path}/${act}`, restrictionSchema, body);
  show(terminal, options, done, ({ revoked, devices, tokens, groups, orphaned }) =>
    [
      act === 'close' ? `${who} is closed.` : `${who} is reset and can enrol anew.`,
      `Deleted: ${devices} devices, ${tokens} records of tokens, ${groups} memberships of groups.`,
      ...revoked.map(({ address, version }) => `Revoked: ${address}, version ${version}.`),
      ...orphaned.map(
        (group) => `No admin is left of the group ${group}: members read on, and nobody can change it.`,
      ),
    ].join('\n'),
  );
}

function list(persons: readonly z.infer<typeof summarySchema>[]): string {
  return table(
    ['person', 'status', 'name', 'assurance', 'addresses', 'since'],
    persons.map(({ sub, status, name, assurance, addresses, created }) => [
      ...[sub, status, name ?? '-', assurance, addresses.join(' '), when(created)],
    ]),
    'Nobody has signed in yet.',
  );
}

function describe(person: z.infer<typeof overviewSchema>): string {
  const { sub, status, name, assurance, addresses, created, statements, devices } = person;
  return [
    facts({
      person: sub,
      status,
      name,
      assurance,
      addresses: addresses.join(', ') || 'none',
      since: when(created),
    }),
    table(
      ['key of', 'version', 'key version', 'status', 'since'],
      statements.map((each) => [
        ...[each.address, String(each.version), String(each.keyVersion), each.status, when(each.since)],
      ]),
      'No key statement.',
    ),
    table(
      ['device', 'label', 'added', 'last seen'],
      devices.map(({ id, label, added, lastSeen }) => [id, label, when(added), when(lastSeen)]),
      'No devices.',
    ),
  ].join('\n\n');
}
