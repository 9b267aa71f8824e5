import {
  type Answer,
  type Client,
  type ErrorCode,
  isCountersignError,
  type RejectedAnswer,
} from '../../client/index.ts';
import { thumbprint } from '../../protocol/index.ts';
import { type DishonestBridge, startDishonestBridge } from '../attacks/dishonest-bridge.ts';
import {
  forgeCredential,
  makeAttackerKeys,
  type Pretence,
  withOwnKeys,
  withStolenKeys,
} from '../attacks/forged-credential.ts';
import { finding, must } from '../finding.ts';
import { firstContactApp } from '../stage/install-app.ts';
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
    'of the company is right. Ada’s app refuses the key: it has pinned Hal’s, and this one is in no log. Somebody who ' +
    'never saw Hal before has no pin, but demands what the auditor has seen.',
  async run(stage) {
    const { client } = stage.ada.get();
    const { verified: real, credential: shown } = await stage.hal.get().client.me();
    must(real !== null, 'Hal has no credential');
    const attacker = await makeAttackerKeys(stage.engine);

    const inBetween = await forgeCredential(await withOwnKeys(real.statement.iss), attacker, real, {});
    const refusal = await client.verifyOffline(inBetween, HAL.address).catch((error: unknown) => error);
    must(isCountersignError(refusal, 'root_mismatch'), `the forgery in between was answered with ${refusal}`);

    const { rotation, reset, proven, first } = await asDishonestGlobex(stage, async (bridge) => {
      const answerTo = async (asker: Client, pretence: Pretence) => {
        const forger = withStolenKeys(bridge.signer);
        bridge.lies = { credential: await forgeCredential(forger, attacker, real, pretence) };
        return (await asker.lookUp([HAL.address], { maxAge: 0 }))[0];
      };
      const reset = { reason: 'reset' } as const;
      const withRealProof = {
        ...reset,
        ...(shown?.log_proof === undefined ? {} : { logProof: shown.log_proof }),
      };
      return {
        rotation: await answerTo(client, {}),
        reset: await answerTo(client, reset),
        proven: await answerTo(client, withRealProof),
        first: await answerTo(firstContactApp(stage), reset),
      };
    });
    mustBeRejected(rotation, 'statement_signature');
    mustBeRejected(reset, 'level_too_low');
    mustBeRejected(proven, 'log_proof');
    mustBeRejected(first, 'level_too_low');

    const [after] = await client.lookUp([HAL.address], { maxAge: 0 });
    mustBeVerified(after);
    must(thumbprint(after.statement.keys[0]) === thumbprint(real.statement.keys[0]), 'Hal’s key has changed');
    return [
      finding('the attacker’s key', thumbprint(attacker.pre)),
      finding('somebody in between', `${refusal.code}: those keys are not under Globex’s pinned root`),
      finding('Globex: “Hal rotated”', `${rotation.code}: his old key has not signed for the new one`),
      finding('Globex: “we reset Hal”', `${reset.code}: ${reset.error.detail}`),
      finding('   with Hal’s real proof', `${proven.code}: that proof is of his real key`),
      finding('to who never saw Hal', `${first.code}: ${first.error.detail}`),
      finding('the honest bridge again', `${after.status}, still the pinned key`),
    ];
  },
};

function mustBeRejected(answer: Answer | undefined, code: ErrorCode): asserts answer is RejectedAnswer {
  must(answer?.status === 'rejected' && answer.code === code, `not ${code}, but ${describeAnswer(answer)}`);
}

/** What is looked up meanwhile goes through Acme's honest bridge, and is answered by a dishonest one of Globex. */
function asDishonestGlobex<Result>(
  stage: Stage,
  act: (bridge: DishonestBridge) => Promise<Result>,
): Promise<Result> {
  const globex = stage.globex.get();
  return whileStopped(stage, globex, async () => {
    const bridge = await startDishonestBridge(globex);
    try {
      return await act(bridge);
    } finally {
      await bridge.close();
    }
  });
}
