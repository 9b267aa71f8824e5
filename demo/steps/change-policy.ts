import { finding, must } from '../finding.ts';
import { type Administrator, bootstrapAdministrator } from '../stage/administrator.ts';
import type { Company } from '../stage/company.ts';
import { ADA } from '../stage/people.ts';
import type { Stage } from '../stage/stage.ts';
import type { Step } from '../step.ts';

const POLICY = '/admin/v1/policy';
const FILE = 'look-up.cedar';

interface Policy {
  readonly version: number;
  readonly hash: string;
  readonly content: { readonly policies: Readonly<Record<string, string>> };
}

interface DryRun {
  readonly present: readonly {
    readonly action: string;
    readonly lost: number;
    readonly sentences: readonly string[];
  }[];
}

export const changePolicy: Step = {
  name: 'change-policy',
  title: 'Acme changes its rules, and two administrators must want it',
  story:
    'Acme’s policy is text. An administrator adds a rule: Globex finds nobody any more. The bridge says beforehand whom ' +
    'that concerns, and takes it from one administrator alone no more than from a stranger. Once another one has approved ' +
    'it, it is in force, signed and in the log; then it is rolled back in one step.',
  async run(stage) {
    const acme = stage.acme.get();
    const { administrator: first } = acme;
    const second = await secondAdministrator(stage, acme);
    const before = await first.get<Policy>(POLICY);
    must((await findsAda(stage)) === 'verified', 'Globex does not find Ada to begin with');

    const content = withRule(before.content, stage.globex.get().issuer);
    const draft = await first.post<{ id: string }>(`${POLICY}/drafts`, {
      content,
      note: 'Globex is on leave',
    });
    const at = `${POLICY}/drafts/${draft.id}`;
    const { present } = await first.post<DryRun>(`${at}/dry-run`);
    const find = present.find(({ action }) => action === 'find');
    must(find !== undefined && find.lost > 0, 'the dry run sees no loss');

    const refused = await first.refusal(`${at}/activate`, undefined);
    must(refused.code === 'policy_approval', 'one administrator was enough');
    await second.post(`${at}/approve`);
    const began = performance.now();
    const inForce = await first.post<Policy>(`${at}/activate`);
    const hidden = await findsAda(stage);
    must(hidden === 'not_found', 'Globex still finds Ada');
    const took = performance.now() - began;

    const bundle = await stage.hal.get().client.policy.bundle({ iss: acme.issuer });
    must(bundle.hash === inForce.hash, 'another policy is signed than the one in force');
    const back = await first.post<Policy>(`${POLICY}/rollback`, {
      version: before.version,
      note: 'Back again',
    });
    must(back.hash === before.hash && (await findsAda(stage)) === 'verified', 'it was not rolled back');
    return [
      finding('the rule', ruleFor(stage.globex.get().issuer).split('\n')[1] ?? ''),
      finding('the dry run', find.sentences.join(' ')),
      finding('one administrator alone', `refused: ${refused.code}`),
      finding(
        'in force',
        `version ${inForce.version}, ${Math.round(took)} ms until Globex was answered by it`,
      ),
      finding('Globex looks Ada up', hidden),
      finding('Hal’s app reads it', `signed by Acme, version ${bundle.version}, ${bundle.hash}`),
      finding('rolled back', `version ${back.version} is version ${before.version} again: ${back.hash}`),
    ];
  },
};

async function secondAdministrator(stage: Stage, { bridge, issuer }: Company): Promise<Administrator> {
  const { url } = await bridge.services.administrators.createLink();
  return bootstrapAdministrator(issuer, url, stage.fetch, 'Second administrator');
}

function withRule(content: Policy['content'], globex: string): Policy['content'] {
  const { policies } = content;
  return { ...content, policies: { ...policies, [FILE]: `${policies[FILE] ?? ''}\n${ruleFor(globex)}` } };
}

function ruleFor(globex: string): string {
  return [
    '@id("globex-finds-nobody")',
    '@reason("Globex finds nobody of Acme for now.")',
    'forbid (',
    `  principal == Countersign::Partner::"${globex}",`,
    '  action == Countersign::Action::"find",',
    '  resource',
    ');',
    '',
  ].join('\n');
}

async function findsAda(stage: Stage): Promise<string | undefined> {
  const [answer] = await stage.hal.get().client.lookUp([ADA.address], { maxAge: 0 });
  return answer?.status;
}
