import type { Connection } from '../../bridge/identity/connection.ts';
import { type Finding, finding, must } from '../finding.ts';
import { APP } from '../stage/app.ts';
import type { Company } from '../stage/company.ts';
import type { Stage } from '../stage/stage.ts';
import type { Step } from '../step.ts';

export const connectSingleSignOn: Step = {
  name: 'connect-single-sign-on',
  title: 'Each company connects its single sign-on',
  story:
    'The bridge keeps no passwords: people sign in where they always do. A connection begins as a draft, is tested ' +
    'against the real identity provider, and only exactly the settings that passed can be activated. The client app is ' +
    'registered too.',
  run: async (stage) => [
    ...(await connect(stage, stage.acme.get())),
    ...(await connect(stage, stage.globex.get())),
  ],
};

async function connect(stage: Stage, company: Company): Promise<Finding[]> {
  const { administrator, connection: id, identityProvider } = company;
  const draft = await administrator.post<Connection>('/admin/v1/connections', {
    id,
    name: `${company.name} sign-in`,
    protocol: company.protocol,
    settings: identityProvider.settings,
  });
  if ('metadataUrl' in draft.ours) {
    const metadata = await stage.fetch(draft.ours.metadataUrl);
    identityProvider.trust?.(await metadata.text());
  }
  const untested = await administrator.refusal(`/admin/v1/connections/${id}/activate`, undefined);
  must(untested.code === 'connection_untested', `an untested connection was refused as ${untested.code}`);
  const tested = await administrator.post<{ connection: Connection; probe: { issuer: string } }>(
    `/admin/v1/connections/${id}/test`,
  );
  const active = await administrator.post<Connection>(`/admin/v1/connections/${id}/activate`);
  await administrator.post('/admin/v1/apps', APP);
  return [
    finding(`${company.name}, ${company.protocol}`, tested.probe.issuer),
    finding(
      'its life so far',
      `${draft.status} → activation refused (${untested.code}) → ${tested.connection.status} → ${active.status}`,
    ),
  ];
}
