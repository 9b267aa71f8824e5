import { type Finding, finding, must } from '../finding.ts';
import type { Company } from '../stage/company.ts';
import { ACME, GLOBEX } from '../stage/company.ts';
import type { Stage } from '../stage/stage.ts';
import { startCompany } from '../stage/start-company.ts';
import type { Step } from '../step.ts';

export const startBridges: Step = {
  name: 'start-bridges',
  title: 'Two companies start their bridges',
  story:
    'Acme and Globex each run a bridge of their own, with an embedded database, and each have an identity ' +
    'provider. An offline root key vouches for the keys that a bridge signs with; its fingerprint is what other ' +
    'companies will pin. The administrators take their one-time links.',
  async run(stage) {
    const [acme, globex] = await Promise.all([startCompany(stage, ACME), startCompany(stage, GLOBEX)]);
    stage.acme.set(acme);
    stage.globex.set(globex);
    const engine = await readyEngine(stage, acme);
    await readyEngine(stage, globex);
    return [...describe(acme), ...describe(globex), finding('proxy re-encryption', `recrypt, ${engine}`)];
  },
};

/** The engine that the bridge's health page names. */
async function readyEngine(stage: Stage, company: Company): Promise<string> {
  const response = await stage.fetch(`${company.issuer}/health/ready`);
  const health = (await response.json()) as { status: string; engine: { name: string; version: string } };
  must(health.status === 'ready', `${company.name}’s bridge is not ready`);
  return `${health.engine.name} ${health.engine.version}`;
}

function describe(company: Company): Finding[] {
  const { origin, description } = company.identityProvider;
  return [
    finding(`${company.name}’s bridge`, company.issuer),
    finding(`${company.name}’s sign-in`, `${origin} (${description})`),
    finding(`${company.name}’s root key`, company.rootThumbprint),
  ];
}
