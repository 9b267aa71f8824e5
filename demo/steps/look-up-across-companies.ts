import {
  type Answer,
  type CountersignError,
  isCountersignError,
  type VerifiedAnswer,
} from '../../client/index.ts';
import { thumbprint, type VerificationPolicy } from '../../protocol/index.ts';
import { type Finding, finding, must } from '../finding.ts';
import { audit, makeAuditorKey } from '../stage/auditing.ts';
import { clientOf, demandingApp } from '../stage/install-app.ts';
import { GWEN, HAL } from '../stage/people.ts';
import type { Stage } from '../stage/stage.ts';
import { policyFor } from '../stage/watchers.ts';
import type { Step } from '../step.ts';

export const lookUpAcrossCompanies: Step = {
  name: 'look-up-across-companies',
  title: 'Ada looks Gwen up across the companies, trusting nobody in between',
  story:
    'Ada’s app asks Acme’s bridge, which asks Globex’s bridge. What comes back is checked by the app itself: Globex’s ' +
    'root (pinned), the bridge’s keys under that root, the binding under those keys, the statement under Gwen’s own ' +
    'key, that Globex may speak for this domain, and that this is the newest version in a log that Acme’s bridge and ' +
    'the auditor have seen: her company’s policy demands the level “audited”. Then the key is pinned. ' +
    'With the network cut, what Gwen hands over directly verifies just the same.',
  async run(stage) {
    const { pinStore } = stage.ada.get();
    const watchers = stage.watchers.get();
    const demanding = demandingApp(stage);
    const [early] = await demanding.lookUp([GWEN.address], { maxAge: 0 });
    must(
      early?.status === 'rejected' && early.code === 'level_too_low',
      `too early: ${describeAnswer(early)}`,
    );
    const { replayed } = await audit(watchers.auditors.globex);
    const [gwen, hal] = await demanding.lookUp([GWEN.address, HAL.address], { maxAge: 0 });
    mustBeVerified(gwen);
    mustBeVerified(hal);
    must(gwen.level === 'audited', `the level is ${gwen.level}`);
    const pins = await pinStore.read();
    const globex = pins?.issuers[gwen.statement.iss];
    const pin = pins?.addresses[GWEN.address];
    const log = pins?.logs[gwen.statement.iss];
    must(globex !== undefined && pin !== undefined && log !== undefined, 'nothing was pinned');
    must(globex.root_thumbprint === stage.globex.get().rootThumbprint, 'another root is pinned');
    const known = (await stage.gwen.get().client.me()).verified;
    must(known !== null && thumbprint(pin.pre) === thumbprint(known.statement.keys[0]), 'not Gwen’s key');
    return [
      finding('just enrolled', `${early.code}: ${early.error.detail}`),
      finding('the auditor comes by', `${replayed} new entries replayed: every rule was kept; cosigned`),
      finding('1  Globex’s root', `${globex.root_thumbprint} is the pinned one`),
      finding('2  Globex’s online keys', `signed by that root, serial ${globex.serial}, none older seen`),
      finding('3  the binding', 'signed by Globex’s binding key'),
      finding('4  the statement', `signed by Gwen’s own key ${thumbprint(gwen.statement.keys[1])}`),
      finding('5  the domain', `Globex may speak for ${globex.domains.join(', ')}, and nothing else`),
      finding(
        '6  the key log',
        `version ${gwen.statement.version} is the newest, level “${gwen.level}”, ${gwen.age} s old`,
      ),
      finding('what Globex says of her', describeAttributes(gwen)),
      finding('pinned from now on', `${GWEN.address} → ${thumbprint(pin.pre)}`),
      ...(await verifyWithoutNetwork(stage)),
    ];
  },
};

export function mustBeVerified(answer: Answer | undefined): asserts answer is VerifiedAnswer {
  must(answer?.status === 'verified', `the answer is ${describeAnswer(answer)}`);
}

export function describeAnswer(answer: Answer | undefined): string {
  if (answer === undefined) return 'missing';
  return 'code' in answer ? `${answer.status}: ${answer.code}` : answer.status;
}

/** Name, company, and how she signed in: for this asker alone, as policy allows. */
function describeAttributes({ attributes }: VerifiedAnswer): string {
  if (attributes === null) return 'nothing';
  const { name, organization, sign_in } = attributes;
  const signedIn = sign_in === undefined ? [] : [`signed in by ${sign_in.protocol}`];
  return [name, organization, ...signedIn].filter((part) => part !== undefined).join(', ') || 'nothing';
}

/** The same app, the same pins, but every request fails: proves that the verification asks nobody. */
async function verifyWithoutNetwork(stage: Stage): Promise<Finding[]> {
  const { credential } = await stage.gwen.get().client.me();
  must(credential !== null, 'Gwen has no credential');
  let requests = 0;
  const cut = async () => {
    requests += 1;
    throw new TypeError('the network is cut');
  };
  const policy = policyFor(stage.watchers.get(), 'globex', 'audited');
  const under = (pinned: VerificationPolicy) =>
    clientOf(stage, stage.acme.get().issuer, stage.ada.get(), cut, pinned);
  const ada = under(policy);
  const verified = await ada.verifyOffline(credential, GWEN.address);
  const asHal = await refusalOf(ada.verifyOffline(credential, HAL.address));
  const { vkey } = await makeAuditorKey(stage, 'another.example/auditor');
  const other = under({ ...policy, log: { ...policy.log, auditors: [vkey] } });
  const elsewhere = await refusalOf(other.verifyOffline(credential, GWEN.address));
  must(elsewhere.code === 'level_too_low', `under another auditor it is ${elsewhere.code}`);
  return [
    finding(
      'with the network cut',
      `verified, level “${verified.level}”, ${verified.age} s old, ${requests} requests`,
    ),
    finding('   shown as Hal’s', `refused: ${asHal.code}`),
    finding('   another auditor pinned', `refused: ${elsewhere.code}: ${elsewhere.detail}`),
  ];
}

async function refusalOf(shown: Promise<VerifiedAnswer>): Promise<CountersignError> {
  const answer = await shown.catch((error: unknown) => error);
  must(isCountersignError(answer), `it was answered with ${JSON.stringify(answer)}`);
  return answer;
}
