import type { DiscoveredBridge } from '../../bridge/federation/partners.ts';
import { fingerprintInGroups } from '../../client/index.ts';
import { type Finding, finding, must } from '../finding.ts';
import type { Company } from '../stage/company.ts';
import type { Domain } from '../stage/domain.ts';
import type { Stage } from '../stage/stage.ts';
import type { Step } from '../step.ts';

export const approvePartners: Step = {
  name: 'approve-partners',
  title: 'The two companies approve each other, by fingerprint',
  story:
    'A bridge is found through the partner’s DNS, but nothing is believed yet: the two administrators read the ' +
    'fingerprint of the root key to each other, on the phone say. A wrong one is refused. From then on that root, and ' +
    'the domains that it may speak for, are pinned.',
  async run(stage) {
    const [acme, globex] = [stage.acme.get(), stage.globex.get()];
    for (const company of [acme, globex]) await publishBridge(stage, company);
    return [...(await approve(acme, globex)), ...(await approve(globex, acme))];
  },
};

/** Publishes the TXT record in which a company names its bridge and root, as its bridge words it. */
async function publishBridge(stage: Stage, { administrator, domain }: Company): Promise<void> {
  const { domains } = await administrator.get<{ domains: readonly Domain[] }>('/admin/v1/domains');
  const record = domains.find((known) => known.domain === domain)?.federationRecord;
  must(record !== undefined, `${domain} is not among the domains`);
  stage.names.setTxt(record.name, [record.value]);
}

async function approve(company: Company, partner: Company): Promise<Finding[]> {
  const { administrator } = company;
  const { entityId, domains } = await administrator.post<DiscoveredBridge>('/admin/v1/partners/discover', {
    domain: partner.domain,
  });
  const approval = { entityId, domains: domains.map(({ domain }) => domain) };
  const misheard = await administrator.refusal('/admin/v1/partners/approve', {
    ...approval,
    rootThumbprint: company.rootThumbprint,
  });
  must(misheard.code === 'partner_fingerprint', `a wrong fingerprint was refused as ${misheard.code}`);
  const approved = await administrator.post<{ status: string }>('/admin/v1/partners/approve', {
    ...approval,
    rootThumbprint: partner.rootThumbprint,
  });
  must(approved.status === 'active', `${partner.name} is ${approved.status}`);
  return [
    finding(`${company.name} found`, `${entityId} for ${approval.domains.join(', ')}`),
    finding('read on the phone', fingerprintInGroups(partner.rootThumbprint)),
    finding('a misheard fingerprint', `refused: ${misheard.code}`),
    finding('the right one', approved.status),
  ];
}
