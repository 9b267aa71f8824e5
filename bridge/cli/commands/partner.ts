import type { Command } from 'commander';
import * as z from 'zod';
import { digest } from '../../../protocol/claims.ts';
import { CountersignError } from '../../../protocol/errors.ts';
import { type ApiClient, openApi } from '../api-client.ts';
import { confirm } from '../confirm.ts';
import { facts, show, table, when } from '../output.ts';
import { repeatable } from '../repeatable.ts';
import type { Terminal } from '../terminal.ts';
import { UsageError } from '../usage-error.ts';
import { checkPartnerLog, describePartnerLog } from './partner-log.ts';

interface Options {
  readonly json?: boolean;
  readonly yes?: boolean;
  readonly reason?: string;
}

type ApprovalOptions = Options & { readonly fingerprint?: string; readonly domain?: readonly string[] };

const partnerSchema = z.object({
  entityId: z.string(),
  organizationName: z.string(),
  status: z.string(),
  rootThumbprint: z.string(),
  domains: z.array(z.string()),
  version: z.int(),
  expires: z.int(),
  checked: z.int(),
  reason: z.string().nullable(),
  policy: z.object({ version: z.int(), hash: z.string(), uri: z.string() }).nullable(),
});
const discoveredSchema = z.object({
  entityId: z.string(),
  rootThumbprint: z.string(),
  organizationName: z.string(),
  domains: z.array(z.object({ domain: z.string(), confirmed: z.boolean() })),
});
type Partner = z.infer<typeof partnerSchema>;
type Discovered = z.infer<typeof discoveredSchema>;

const PATH = '/admin/v1/partners';

export function addPartnerCommands(program: Command, terminal: Terminal): void {
  const partner = program.command('partner').description('other companies’ bridges');
  partner
    .command('list')
    .description('the partners and how they stand')
    .option('--json', 'answer as JSON')
    .action(async (options: Options) => {
      const found = await (await openApi(terminal)).get(PATH, z.object({ partners: z.array(partnerSchema) }));
      show(terminal, options, found, ({ partners }) => list(partners));
    });
  partner
    .command('show')
    .argument('<entity-id>')
    .description(
      'one partner: what is pinned of it, the policy that it says it decides by, and what its log has of both',
    )
    .option('--json', 'answer as JSON')
    .action((entityId: string, options: Options) => showOne(terminal, entityId, options));
  partner
    .command('discover')
    .argument('<domain>', 'a domain of the partner')
    .description('find the bridge of a domain; nothing is trusted by that')
    .option('--json', 'answer as JSON')
    .action(async (domain: string, options: Options) => {
      show(terminal, options, await discover(await openApi(terminal), domain), (found) =>
        [
          describe(found),
          'Ask the partner for the fingerprint by telephone or in person. If it is the same:',
          `  countersign partner approve ${domain} --fingerprint FINGERPRINT`,
        ].join('\n'),
      );
    });
  partner
    .command('approve')
    .argument('<domain>', 'a domain of the partner')
    .description('trust a partner’s bridge about its domains')
    .option('--fingerprint <fingerprint>', 'what the partner told you by another way')
    .option('--domain <domain>', 'only this domain of those that DNS confirms; may be repeated', repeatable)
    .option('--json', 'answer as JSON')
    .action((domain: string, options: ApprovalOptions) => approve(terminal, domain, options));
  addActs(partner, terminal);
}

function addActs(partner: Command, terminal: Terminal): void {
  partner
    .command('refresh')
    .argument('<entity-id>')
    .description('read a partner again now; a broken pin suspends it')
    .option('--json', 'answer as JSON')
    .action((entityId: string, options: Options) => act(terminal, 'refresh', { entityId }, options));
  partner
    .command('suspend')
    .argument('<entity-id>')
    .description('believe and answer a partner no more, until it is approved again')
    .option('--reason <text>', 'stands in the event')
    .option('--yes', 'do not ask')
    .option('--json', 'answer as JSON')
    .action(async (entityId: string, { reason, ...options }: Options) => {
      await confirm(terminal, options.yes, `Look-ups between you and ${entityId} will be refused.`);
      await act(terminal, 'suspend', { entityId, ...(reason === undefined ? {} : { reason }) }, options);
    });
  partner
    .command('remove')
    .argument('<entity-id>')
    .description('end a partnership')
    .option('--yes', 'do not ask')
    .option('--json', 'answer as JSON')
    .action(async (entityId: string, options: Options) => {
      await confirm(terminal, options.yes, `${entityId} will not be a partner any more.`);
      await act(terminal, 'remove', { entityId }, options);
    });
}

async function showOne(terminal: Terminal, entityId: string, options: Options): Promise<void> {
  const api = await openApi(terminal);
  const { partners } = await api.get(PATH, z.object({ partners: z.array(partnerSchema) }));
  const found = partners.find((each) => each.entityId === entityId);
  if (found === undefined) throw new CountersignError('partner_unknown');
  const log = found.status === 'removed' ? null : await checkPartnerLog(api, entityId);
  show(terminal, options, { ...found, log }, (partner) =>
    facts({
      ...{ bridge: partner.entityId, organization: partner.organizationName },
      status: partner.reason === null ? partner.status : `${partner.status}: ${partner.reason}`,
      ...{ fingerprint: partner.rootThumbprint, domains: partner.domains.join(' ') },
      ...{ 'last read': when(partner.checked), expires: when(partner.expires) },
      policy: partner.policy === null ? null : `version ${partner.policy.version}, ${partner.policy.hash}`,
      'policy bundle': partner.policy?.uri ?? null,
      ...(log === null ? {} : describePartnerLog(log)),
    }),
  );
}

async function act(terminal: Terminal, name: string, body: unknown, options: Options): Promise<void> {
  const partner = await (await openApi(terminal)).send('POST', `${PATH}/${name}`, partnerSchema, body);
  show(terminal, options, partner, ({ entityId, status, reason }) =>
    [`${entityId} is ${status}.`, ...(reason === null ? [] : [reason])].join(' '),
  );
}

function discover(api: ApiClient, domain: string): Promise<Discovered> {
  return api.send('POST', `${PATH}/discover`, discoveredSchema, { domain });
}

async function approve(terminal: Terminal, domain: string, options: ApprovalOptions): Promise<void> {
  if (options.fingerprint !== undefined) parseFingerprint(options.fingerprint);
  const api = await openApi(terminal);
  const found = await discover(api, domain);
  terminal.say(describe(found));
  const rootThumbprint = parseFingerprint(options.fingerprint ?? (await askFingerprint(terminal)));
  const confirmed = found.domains.filter((each) => each.confirmed).map((each) => each.domain);
  const domains = options.domain ?? confirmed;
  if (domains.length === 0)
    throw new UsageError('DNS confirms none of its domains: there is nothing to approve.');
  const { entityId } = found;
  const body = { entityId, rootThumbprint, domains };
  const approved = await api.send('POST', `${PATH}/approve`, partnerSchema, body);
  show(
    terminal,
    options,
    approved,
    (partner) => `${partner.entityId} is ${partner.status} and believed about ${partner.domains.join(', ')}.`,
  );
}

/** As it was told: blanks do not count. */
function parseFingerprint(told: string): string {
  const fingerprint = digest.safeParse(told.replaceAll(/\s/g, ''));
  if (fingerprint.success) return fingerprint.data;
  throw new UsageError(
    'That is no fingerprint of a root. One has 43 characters: letters, large and small, digits, - and _. The partner finds ' +
      'theirs behind “Root fingerprint” in `countersign keys list`, and reads it to you.',
  );
}

/** Typed or pasted by hand: what this terminal itself shows must not be what is compared with. */
async function askFingerprint(terminal: Terminal): Promise<string> {
  if (!terminal.interactive) throw new UsageError('Give --fingerprint, as the partner told it you.');
  return terminal.ask('The fingerprint, as the partner told it you: ');
}

function describe({ entityId, organizationName, rootThumbprint, domains }: Discovered): string {
  return [
    facts({ bridge: entityId, 'calls itself': organizationName, fingerprint: rootThumbprint }),
    table(
      ['domain it claims', 'DNS'],
      domains.map(({ domain, confirmed }) => [domain, confirmed ? 'confirms it' : 'does not confirm it']),
    ),
  ].join('\n\n');
}

function list(partners: readonly Partner[]): string {
  return table(
    ['bridge', 'organization', 'status', 'domains', 'last read', 'expires', 'why'],
    partners.map(({ entityId, organizationName, status, domains, checked, expires, reason }) => [
      ...[entityId, organizationName, status, domains.join(' '), when(checked), when(expires), reason ?? ''],
    ]),
    'There are none. Find one with `countersign partner discover DOMAIN`.',
  );
}
