import { type Answer, isCountersignError, type VerifiedAnswer } from '../../client/index.ts';
import { thumbprint } from '../../protocol/index.ts';
import { finding, must } from '../finding.ts';
import { clientOf } from '../stage/install-app.ts';
import { GWEN, HAL } from '../stage/people.ts';
import type { Stage } from '../stage/stage.ts';
import type { Step } from '../step.ts';

export const lookUpAcrossCompanies: Step = {
  name: 'look-up-across-companies',
  title: 'Ada looks Gwen up across the companies, trusting nobody in between',
  story:
    'Ada’s app asks Acme’s bridge, which asks Globex’s bridge. What comes back is checked by the app itself: Globex’s ' +
    'root (pinned), the bridge’s keys under that root, the binding under those keys, the statement under Gwen’s own ' +
    'key, and that Globex may speak for this domain. Then the key is pinned. Gwen also hands her credential over ' +
    'directly; with the network cut, it verifies just the same.',
  async run(stage) {
    const { client, pinStore } = stage.ada.get();
    const [gwen, hal] = await client.lookUp([GWEN.address, HAL.address]);
    mustBeVerified(gwen);
    mustBeVerified(hal);
    const pins = await pinStore.read();
    const globex = pins?.issuers[gwen.statement.iss];
    const pin = pins?.addresses[GWEN.address];
    must(globex !== undefined && pin !== undefined, 'nothing was pinned');
    must(globex.root_thumbprint === stage.globex.get().rootThumbprint, 'another root is pinned');
    const known = (await stage.gwen.get().client.me()).verified;
    must(known !== null && thumbprint(pin.pre) === thumbprint(known.statement.keys[0]), 'not Gwen’s key');
    const offline = await verifyWithoutNetwork(stage);
    return [
      finding('1  Globex’s root', `${globex.root_thumbprint} is the pinned one`),
      finding('2  Globex’s online keys', `signed by that root, serial ${globex.serial}, none older seen`),
      finding('3  the binding', `signed by Globex’s binding key, ${gwen.age} s old, level “${gwen.level}”`),
      finding('4  the statement', `signed by Gwen’s own key ${thumbprint(gwen.statement.keys[1])}`),
      finding('5  the domain', `Globex may speak for ${globex.domains.join(', ')}, and nothing else`),
      finding('what Globex says of her', describeAttributes(gwen)),
      finding('pinned from now on', `${GWEN.address} → ${thumbprint(pin.pre)}`),
      finding('with the network cut', offline),
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
async function verifyWithoutNetwork(stage: Stage): Promise<string> {
  const { credential } = await stage.gwen.get().client.me();
  must(credential !== null, 'Gwen has no credential');
  let requests = 0;
  const cut = async () => {
    requests += 1;
    throw new TypeError('the network is cut');
  };
  const ada = clientOf(stage, stage.acme.get().issuer, stage.ada.get(), cut);
  const verified = await ada.verifyOffline(credential, GWEN.address);
  const mistaken = await ada.verifyOffline(credential, HAL.address).catch((error: unknown) => error);
  must(isCountersignError(mistaken), `shown as Hal’s, it was answered with ${JSON.stringify(mistaken)}`);
  return `verified, level “${verified.level}”, ${requests} requests; as Hal’s it is refused: ${mistaken.code}`;
}
