import { type Client, isCountersignError, type KeyFinding } from '../../client/index.ts';
import { thumbprint } from '../../protocol/index.ts';
import { takeOver } from '../attacks/take-over.ts';
import { type Finding, finding, must } from '../finding.ts';
import { audit } from '../stage/auditing.ts';
import { fetchEvents } from '../stage/fetch-events.ts';
import { clientOf } from '../stage/install-app.ts';
import { ADA } from '../stage/people.ts';
import { signIn } from '../stage/sign-in.ts';
import type { Stage } from '../stage/stage.ts';
import { policyFor } from '../stage/watchers.ts';
import type { Step } from '../step.ts';
import { describeAnswer, mustBeVerified } from './look-up-across-companies.ts';

export const attackAddedKey: Step = {
  name: 'attack-added-key',
  title: 'Attack: Acme’s own administrator makes a key in Ada’s name',
  story:
    'What is left is to do it openly: the administrator resets Ada, and somebody else signs in under her name and ' +
    'enrols. Every signature is right, and the log has the key, as it must. So Ada’s own app sees it there, ' +
    'tells her, and tells Acme’s security people; and whoever had pinned her key is warned.',
  async run(stage) {
    const acme = stage.acme.get();
    const ada = ownApp(stage);
    const hal = stage.hal.get().client;
    const { sub } = await ada.me();
    const [before] = await hal.lookUp([ADA.address]);
    mustBeVerified(before);
    must((await ada.checkOwnKeys()).length === 0, 'something is wrong with Ada’s keys already');

    const told = watchOver(ada);
    const stranger = await takeOver(stage, acme, { person: ADA, sub });
    const enrolled = performance.now();
    const signedOut = await told.ended;
    must(isCountersignError(signedOut, 'sign_in_required'), `Ada’s app was told ${signedOut}`);
    await signIn(stage, stage.ada.get(), ADA);
    const found = await firstFinding(ada);
    const ms = Math.round(performance.now() - enrolled);
    must(found.finding === 'unrecognized_version', `Ada’s app found ${found.finding}`);
    const { replayed } = await audit(stage.watchers.get().auditors.acme);
    const [after] = await hal.lookUp([ADA.address], { maxAge: 0 });
    must(after?.status === 'changed_key', `Hal is told ${describeAnswer(after)}`);
    return [
      finding('the stranger’s key', thumbprint(stranger.verified.statement.keys[0])),
      finding('the auditor', `${replayed} entries replayed: every rule was kept, there is nothing to find`),
      finding('Ada’s app, at once', `${signedOut.code}: the reset ended her session; she signs in again`),
      finding('   then', `${found.finding}, ${ms} ms after the enrolment: ${found.detail}`),
      ...(await historyOf(ada)),
      finding('Acme’s SIEM', await reported(stage, sub)),
      finding('Hal, who had pinned her', `${after.status}: he is shown both keys, and nothing is accepted`),
    ];
  },
};

/** Ada’s app, as it watches over her own keys: Globex’s bridge is the witness of Acme’s log. */
function ownApp(stage: Stage): Client {
  const policy = policyFor(stage.watchers.get(), 'acme', 'signed');
  return clientOf(stage, stage.acme.get().issuer, stage.ada.get(), stage.fetch, policy);
}

function watchOver(ada: Client): { ended: Promise<unknown> } {
  const ended = ada.monitorOwnKeys({ onFinding: () => undefined }).catch((error: unknown) => error);
  return { ended };
}

/** What the monitor tells first; it has then reported it, and ends. */
async function firstFinding(ada: Client): Promise<KeyFinding> {
  const enough = new AbortController();
  const told: KeyFinding[] = [];
  await ada.monitorOwnKeys({
    signal: enough.signal,
    onFinding: (found) => {
      told.push(found);
      enough.abort();
    },
  });
  const [first] = told;
  must(first !== undefined, 'Ada’s app found nothing');
  return first;
}

/** The history of Ada's keys as her app shows it. */
async function historyOf(ada: Client): Promise<Finding[]> {
  const { versions, level } = await ada.keyHistory();
  return versions.map(({ statement, mark, by, said }, index) => {
    const key = mark === 'unrecognized' ? 'a key that is not hers' : 'her own key';
    const who = by?.kind === 'administrator' ? `, by the administrator, who said “${said ?? ''}”` : '';
    const text = `version ${statement.version}, ${statement.status}: ${key}${who}`;
    return finding(index === 0 ? `her key history, ${level}` : '', text);
  });
}

/** The event that the bridge made of what Ada's app reported. */
async function reported(stage: Stage, sub: string): Promise<string> {
  const event = (await fetchEvents(stage.acme.get())).findLast(({ type }) => type === 'key.unrecognized');
  must(event !== undefined && event.subject.sub === sub, 'Acme’s event log has no finding of Ada’s app');
  const { finding: what, version } = event.data;
  return `${event.type}: ${what}, version ${version}`;
}
