import { isCountersignError } from '../../client/index.ts';
import { statementHash } from '../../protocol/index.ts';
import { finding, must } from '../finding.ts';
import { GWEN } from '../stage/people.ts';
import type { Step } from '../step.ts';
import { describeAnswer } from './look-up-across-companies.ts';

export const closeAccount: Step = {
  name: 'close-account',
  title: 'Gwen’s account is closed, and her key statement revoked',
  story:
    'Gwen leaves the company: Globex’s administrator closes her account. Transform keys and tokens are deleted at once, and the bridge signs ' +
    'a revocation as the next version of the statement. Ada’s app asks again and takes no answer from a cache ' +
    '(max_age 0): it gets the signed revocation, and verifies that too.',
  async run(stage) {
    const globex = stage.globex.get();
    const gwen = await stage.gwen.get().client.me();
    const before = gwen.verified?.statement;
    must(before !== undefined, 'Gwen has no statement');
    await globex.administrator.post(`/admin/v1/persons/${gwen.sub}/close`, { reason: 'left the company' });
    const closed = performance.now();
    const [answer] = await stage.ada.get().client.lookUp([GWEN.address], { maxAge: 0 });
    const ms = Math.round(performance.now() - closed);
    must(answer?.status === 'revoked', `the answer is ${describeAnswer(answer)}`);
    must(answer.statement.prev === statementHash(before), 'the revocation does not follow the statement');
    const signedOut = await stage.gwen
      .get()
      .client.me()
      .catch((error: unknown) => error);
    must(isCountersignError(signedOut, 'sign_in_required'), 'Gwen’s session still works');
    return [
      finding('Ada’s app learns it', `${answer.status}, ${ms} ms after the account was closed`),
      finding('the evidence', `version ${answer.statement.version}, reason “${answer.statement.reason}”`),
      finding('it follows', `${answer.statement.prev} (the statement that was verified before)`),
      finding('Gwen’s own app', signedOut.message),
    ];
  },
};
