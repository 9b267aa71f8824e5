import { type Finding, finding, must } from '../finding.ts';
import type { Company } from '../stage/company.ts';
import type { Domain } from '../stage/domain.ts';
import type { Stage } from '../stage/stage.ts';
import type { Step } from '../step.ts';

export const proveDomains: Step = {
  name: 'prove-domains',
  title: 'Each company proves its domain by DNS',
  story:
    'An address counts only on a domain that the company has proven to hold: the bridge names a TXT record, the ' +
    'company publishes it, the bridge looks it up. Before that, the check fails.',
  run: async (stage) => [
    ...(await prove(stage, stage.acme.get())),
    ...(await prove(stage, stage.globex.get())),
  ],
};

async function prove(stage: Stage, company: Company): Promise<Finding[]> {
  const { administrator, domain } = company;
  const added = await administrator.post<Domain>('/admin/v1/domains', { domain });
  const tooEarly = await administrator.refusal(`/admin/v1/domains/${domain}/verify`, undefined);
  must(tooEarly.code === 'domain_unproven', `without the record the domain was refused as ${tooEarly.code}`);
  stage.names.setTxt(added.record.name, [added.record.value]);
  const proven = await administrator.post<Domain>(`/admin/v1/domains/${domain}/verify`);
  must(proven.status === 'verified', `${domain} is ${proven.status}`);
  await administrator.patch(`/admin/v1/connections/${company.connection}`, { domains: [domain] });
  return [
    finding(`${company.name}, ${domain}`, `without the record: ${tooEarly.code}; with it: ${proven.status}`),
    finding('TXT record', `${added.record.name} ${added.record.value}`),
  ];
}
