import type { Command } from 'commander';
import * as z from 'zod';
import { nothing, openApi } from '../api-client.ts';
import { confirm } from '../confirm.ts';
import { facts, show, table, when } from '../output.ts';
import type { Terminal } from '../terminal.ts';

interface Options {
  readonly json?: boolean;
  readonly yes?: boolean;
  readonly force?: boolean;
}

const record = z.object({ type: z.string(), name: z.string(), value: z.string() });
const domainSchema = z.object({
  domain: z.string(),
  status: z.enum(['pending', 'verified', 'lost']),
  added: z.int(),
  verified: z.int().nullable(),
  checked: z.int().nullable(),
  record,
  federationRecord: record,
});
type Domain = z.infer<typeof domainSchema>;

const PATH = '/admin/v1/domains';

export function addDomainCommands(program: Command, terminal: Terminal): void {
  const domain = program.command('domain').description('the domains that the organization speaks for');
  domain
    .command('list')
    .description('the domains, and whether they are proven')
    .option('--json', 'answer as JSON')
    .action(async (options: Options) => {
      const found = await (await openApi(terminal)).get(PATH, z.object({ domains: z.array(domainSchema) }));
      show(terminal, options, found, ({ domains }) =>
        table(
          ['domain', 'status', 'verified', 'last check'],
          domains.map((each) => [each.domain, each.status, when(each.verified), when(each.checked)]),
          'There are none. Name one with `countersign domain add DOMAIN`.',
        ),
      );
    });
  domain
    .command('add')
    .argument('<domain>')
    .description('name a domain; says which DNS records it needs')
    .option('--json', 'answer as JSON')
    .action(async (name: string, options: Options) => {
      const added = await (await openApi(terminal)).send('POST', PATH, domainSchema, { domain: name });
      show(terminal, options, added, records);
    });
  domain
    .command('verify')
    .argument('<domain>')
    .description('look for the DNS record now')
    .option('--json', 'answer as JSON')
    .action(async (name: string, options: Options) => {
      const path = `${PATH}/${encodeURIComponent(name)}/verify`;
      const verified = await (await openApi(terminal)).send('POST', path, domainSchema);
      show(
        terminal,
        options,
        verified,
        ({ domain, federationRecord }) =>
          `${domain} is proven. Leave the record where it is: it is checked again every day.\n\n` +
          `For partner companies, publish too:\n${dns(federationRecord)}`,
      );
    });
  domain
    .command('remove')
    .argument('<domain>')
    .description('stop speaking for a domain')
    .option('--force', 'also while people hold addresses on it')
    .option('--yes', 'do not ask')
    .option('--json', 'answer as JSON')
    .action(async (name: string, options: Options) => {
      await confirm(
        terminal,
        options.yes,
        `Nobody will be able to sign in with an address on ${name}, or to verify one.`,
      );
      const path = `${PATH}/${encodeURIComponent(name)}${options.force === true ? '?force=true' : ''}`;
      await (await openApi(terminal)).send('DELETE', path, nothing);
      show(terminal, options, { removed: name }, () => `Removed ${name}.`);
    });
}

function records({ domain, status, record, federationRecord }: Domain): string {
  return `${domain} is ${status}. Publish this in DNS, to prove that the domain is yours:
${dns(record)}

and this, by which partner companies find your bridge:
${dns(federationRecord)}

Then run: countersign domain verify ${domain}`;
}

function dns({ type, name, value }: z.infer<typeof record>): string {
  return facts({ '  name': name, '  type': type, '  value': value });
}
