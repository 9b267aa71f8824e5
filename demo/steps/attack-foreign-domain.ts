import { isCountersignError } from '../../client/index.ts';
import { startDishonestBridge } from '../attacks/dishonest-bridge.ts';
import { forgeCredential, makeAttackerKeys, withStolenKeys } from '../attacks/forged-credential.ts';
import { finding, must } from '../finding.ts';
import { HAL } from '../stage/people.ts';
import { whileStopped } from '../stage/start-company.ts';
import type { Step } from '../step.ts';
import { describeAnswer } from './look-up-across-companies.ts';

/** A company that has nothing to do with any of this. */
const FOREIGN = 'initech.example';
const VICTIM = `bill@${FOREIGN}`;

export const attackForeignDomain: Step = {
  name: 'attack-foreign-domain',
  title: 'Attack: Globex speaks for a domain that is not its own',
  story:
    'The dishonest bridge claims initech.example as well, and signs a credential for somebody there with Globex’s ' +
    'real keys. A partner’s signature is worth nothing outside the domains that were approved for it, whichever way ' +
    'it comes.',
  async run(stage) {
    const { client } = stage.ada.get();
    const acme = stage.acme.get();
    const globex = stage.globex.get();
    const real = (await stage.hal.get().client.me()).verified;
    must(real !== null, 'Hal has no credential');
    const attacker = await makeAttackerKeys(stage.engine);

    return whileStopped(stage, globex, async () => {
      const bridge = await startDishonestBridge(globex);
      try {
        const forger = withStolenKeys(bridge.signer);
        const credential = await forgeCredential(forger, attacker, real, { address: VICTIM });
        bridge.lies = { credential, domains: [globex.domain, FOREIGN, acme.domain] };

        const shown = await client.verifyOffline(credential, VICTIM).catch((error: unknown) => error);
        must(isCountersignError(shown, 'domain_not_approved'), `shown directly: ${shown}`);
        const [passedOff, asked] = await client.lookUp([HAL.address, VICTIM], { maxAge: 0 });
        must(
          describeAnswer(passedOff) === 'refused: partner_foreign_domain',
          `passed off: ${describeAnswer(passedOff)}`,
        );
        must(describeAnswer(asked) === 'refused: partner_unknown', `asked for: ${describeAnswer(asked)}`);

        const approval = { entityId: globex.issuer, rootThumbprint: globex.rootThumbprint };
        const claim = (domain: string) =>
          acme.administrator.refusal('/admin/v1/partners/approve', {
            ...approval,
            domains: [globex.domain, domain],
          });
        const foreign = await claim(FOREIGN);
        must(foreign.code === 'partner_dns', `approving ${FOREIGN}: ${foreign.code}`);
        const own = await claim(acme.domain);
        must(['partner_dns', 'partner_domain'].includes(own.code), `approving ${acme.domain}: ${own.code}`);
        return [
          finding('forged for', VICTIM),
          finding('shown to Ada directly', `${shown.code}: ${shown.detail ?? ''}`),
          finding('looked up by Ada', `${describeAnswer(asked)}`),
          finding('passed off as Hal’s', `${describeAnswer(passedOff)}: Acme’s bridge noticed first`),
          finding('approved for it?', `${foreign.code}: the DNS of ${FOREIGN} does not name Globex’s bridge`),
          finding(`or for ${acme.domain}?`, `${own.code}: nor does that of ${acme.domain}, Acme’s own`),
        ];
      } finally {
        await bridge.close();
      }
    });
  },
};
