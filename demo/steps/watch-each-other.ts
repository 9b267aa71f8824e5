import { ENTITY_CONFIGURATION_PATH } from '../../bridge/federation/entity-configuration.ts';
import { seconds, systemClock } from '../../bridge/lib/clock.ts';
import { verifyEntityConfiguration } from '../../protocol/index.ts';
import { type Finding, finding, must } from '../finding.ts';
import { audit, makeAuditorKey, startAuditor } from '../stage/auditing.ts';
import type { Company } from '../stage/company.ts';
import { amendConfiguration } from '../stage/configuration.ts';
import { cosignedHead } from '../stage/published-head.ts';
import type { Stage } from '../stage/stage.ts';
import { restart } from '../stage/start-company.ts';
import type { PublishedWitness } from '../stage/watchers.ts';
import type { Step } from '../step.ts';

const AUDITOR = 'auditor.example/logs';

export const watchEachOther: Step = {
  name: 'watch-each-other',
  title: 'The bridges watch each other’s key logs, and an auditor both',
  story:
    'Whatever key a bridge hands out stands in its key log, which only grows. So that no bridge can show one log to ' +
    'some people and another to others, it shows each new head to a witness: here each company’s bridge is the ' +
    'other’s, by a line of configuration and a restart. An auditor of neither company reads both logs, ' +
    'recomputes everything, and cosigns too.',
  async run(stage) {
    const [acme, globex] = [stage.acme.get(), stage.globex.get()];
    const witnessOf = {
      acme: await publishedWitness(stage, globex),
      globex: await publishedWitness(stage, acme),
    };
    const { file, vkey: auditorKey } = await makeAuditorKey(stage, AUDITOR);
    for (const company of [acme, globex]) {
      await amendConfiguration(company.configPath, 'key_log', {
        witnesses: [witnessOf[company.key]],
        auditors: [auditorKey],
      });
      await restart(stage, company);
    }
    const auditors = {
      acme: await startAuditor(stage, acme, file),
      globex: await startAuditor(stage, globex, file),
    };
    stage.watchers.set({ witnessOf, auditorKey, auditors });
    return [
      finding('a line of Acme’s file', `key_log.witnesses: ${witnessOf.acme.url}`),
      ...(await watched(stage, acme)),
      ...(await watched(stage, globex)),
      finding('the auditor', `${AUDITOR}, key ${auditorKey.split('+').at(-1)}`),
    ];
  },
};

/** Both have seen the log as it is now. */
async function watched(stage: Stage, company: Company): Promise<Finding[]> {
  const { size, by } = await cosignedHead(stage, company);
  const { replayed } = await audit(stage.watchers.get().auditors[company.key]);
  return [
    finding(`${company.name}’s key log`, `${size} entries, cosigned by ${by}`),
    finding(`${company.name}’s log, audited`, `${replayed} entries: every rule was kept; cosigned`),
  ];
}

/** The witness that a bridge says it is, under the root that its partner compared. */
async function publishedWitness(stage: Stage, company: Company): Promise<PublishedWitness> {
  const token = await (await stage.fetch(company.issuer + ENTITY_CONFIGURATION_PATH)).text();
  const expected = { entityId: company.issuer, rootThumbprint: company.rootThumbprint };
  const { configuration } = await verifyEntityConfiguration(token.trim(), expected, seconds(systemClock));
  const { witness } = configuration.metadata.key_bridge;
  must(witness !== undefined, `${company.name}’s bridge is no witness`);
  return witness;
}
