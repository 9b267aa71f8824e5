import { type Answer, isCountersignError } from '../../client/index.ts';
import { thumbprint } from '../../protocol/index.ts';
import { startDishonestBridge } from '../attacks/dishonest-bridge.ts';
import {
  type AttackerKeys,
  forgeCredential,
  makeAttackerKeys,
  withOwnKeys,
  withStolenKeys,
} from '../attacks/forged-credential.ts';
import { finding, must } from '../finding.ts';
import { HAL } from '../stage/people.ts';
import type { Stage } from '../stage/stage.ts';
import { whileStopped } from '../stage/start-company.ts';
import type { Step } from '../step.ts';
import { describeAnswer, mustBeVerified } from './look-up-across-companies.ts';

export const attackSubstitutedKey: Step = {
  name: 'attack-substituted-key',
  title: 'Attack: a bridge puts another key in the place of Hal’s',
  story:
    'First somebody in between, with keys of their own, in Globex’s name. Then the worst case: whoever runs Globex’s ' +
    'bridge itself turns dishonest. That bridge has the real name, certificate and online keys, so every signature ' +
    'of the company is right. Ada’s app still refuses, because it has pinned Hal’s key.',
  async run(stage) {
    const { client } = stage.ada.get();
    const real = (await stage.hal.get().client.me()).verified;
    must(real !== null, 'Hal has no credential');
    const attacker = await makeAttackerKeys(stage.engine);

    const inBetween = await forgeCredential(await withOwnKeys(real.statement.iss), attacker, real, {});
    const refusal = await client.verifyOffline(inBetween, HAL.address).catch((error: unknown) => error);
    must(isCountersignError(refusal, 'root_mismatch'), `the forgery in between was answered with ${refusal}`);

    const { rotation, reset } = await asDishonestGlobex(stage, attacker, real);
    must(
      rotation.status === 'rejected' && rotation.code === 'statement_signature',
      `the forged rotation is ${describeAnswer(rotation)}`,
    );
    must(reset.status === 'changed_key', `the forged reset is ${describeAnswer(reset)}`);

    const [after] = await client.lookUp([HAL.address], { maxAge: 0 });
    mustBeVerified(after);
    must(thumbprint(after.statement.keys[0]) === thumbprint(real.statement.keys[0]), 'Hal’s key has changed');
    return [
      finding('the attacker’s key', thumbprint(attacker.pre)),
      finding('somebody in between', `${refusal.code}: those keys are not under Globex’s pinned root`),
      finding('Globex: “Hal rotated”', `${rotation.code}: his old key has not signed for the new one`),
      finding('Globex: “we reset Hal”', `${reset.status}: shown to Ada as a warning, nothing accepted`),
      finding('   pinned', thumbprint(reset.pinned.pre)),
      finding('   offered', thumbprint(reset.offered.pre)),
      finding('the honest bridge again', `${after.status}, still the pinned key`),
    ];
  },
};

/** Two look-ups of Ada's app, both through Acme's honest bridge, answered by a dishonest one of Globex. */
function asDishonestGlobex(
  stage: Stage,
  attacker: AttackerKeys,
  real: Parameters<typeof forgeCredential>[2],
): Promise<{ rotation: Answer; reset: Answer }> {
  const { client } = stage.ada.get();
  const globex = stage.globex.get();
  return whileStopped(stage, globex, async () => {
    const bridge = await startDishonestBridge(globex);
    try {
      const answerTo = async (pretence: { reason?: 'reset' }) => {
        const credential = await forgeCredential(withStolenKeys(bridge.signer), attacker, real, pretence);
        bridge.lies = { credential };
        const [answer] = await client.lookUp([HAL.address], { maxAge: 0 });
        must(answer !== undefined, 'no answer');
        return answer;
      };
      return { rotation: await answerTo({}), reset: await answerTo({ reason: 'reset' }) };
    } finally {
      await bridge.close();
    }
  });
}
