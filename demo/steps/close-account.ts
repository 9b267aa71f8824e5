import { setTimeout as pause } from 'node:timers/promises';
import { type Client, isCountersignError, type RevokedAnswer } from '../../client/index.ts';
import { statementHash } from '../../protocol/index.ts';
import { finding, must } from '../finding.ts';
import { GWEN } from '../stage/people.ts';
import type { Step } from '../step.ts';
import { describeAnswer } from './look-up-across-companies.ts';

export const closeAccount: Step = {
  name: 'close-account',
  title: 'Gwen’s account is closed, and her key statement revoked',
  story:
    'Gwen leaves the company: Globex’s administrator closes her account. Transform keys and tokens are deleted at once, ' +
    'and the bridge signs a revocation as the next version of the statement. Until that stands in the log no key is ' +
    'handed out; then Ada’s app gets the signed revocation, with its proof, and verifies both. It takes no answer ' +
    'from a cache (max_age 0).',
  async run(stage) {
    const globex = stage.globex.get();
    const gwen = await stage.gwen.get().client.me();
    const before = gwen.verified?.statement;
    must(before !== undefined, 'Gwen has no statement');
    await globex.administrator.post(`/admin/v1/persons/${gwen.sub}/close`, { reason: 'left the company' });
    const closed = performance.now();
    const { first, answer } = await untilLogged(stage.ada.get().client);
    const ms = Math.round(performance.now() - closed);
    must(answer.statement.prev === statementHash(before), 'the revocation does not follow the statement');
    const signedOut = await stage.gwen
      .get()
      .client.me()
      .catch((error: unknown) => error);
    must(isCountersignError(signedOut, 'sign_in_required'), 'Gwen’s session still works');
    return [
      finding('Ada’s app, at once', `${first}: no key`),
      finding(
        'once it is logged',
        `${answer.status}, level “${answer.level}”, ${ms} ms after the account was closed`,
      ),
      finding('the evidence', `version ${answer.statement.version}, reason “${answer.statement.reason}”`),
      finding('it follows', `${answer.statement.prev} (the statement that was verified before)`),
      finding('Gwen’s own app', signedOut.message),
    ];
  },
};

const TRIES = 200;

/** Looks Gwen up until the revocation has its place in the log; answers what the first look-up said, too. */
async function untilLogged(client: Client): Promise<{ first: string; answer: RevokedAnswer }> {
  let first: string | undefined;
  for (let tries = 0; tries < TRIES; tries += 1) {
    const [answer] = await client.lookUp([GWEN.address], { maxAge: 0 });
    first ??= describeAnswer(answer);
    if (answer?.status === 'revoked') return { first, answer };
    must(answer?.status === 'revoked_pending', `the answer is ${describeAnswer(answer)}`);
    await pause(10);
  }
  must(false, 'the revocation does not come into the log');
}
