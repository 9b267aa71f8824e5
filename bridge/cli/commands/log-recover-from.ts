import { withdrawLostTrust } from '../../identity/lost-trust.ts';
import { boundedRequest } from '../../keylog/audit/bounded-fetch.ts';
import { writeEvidence } from '../../keylog/audit/evidence-file.ts';
import { assertCopyNewest, ContradictedCopy, type CopyVouchers } from '../../keylog/recovery/copy-age.ts';
import { forkEvidence } from '../../keylog/recovery/fork-evidence.ts';
import { openLogCopy } from '../../keylog/recovery/log-copy.ts';
import { type LostPlan, planLost } from '../../keylog/recovery/lost-plan.ts';
import { ForkedCopy, type VerifiedCopy, verifyCopy } from '../../keylog/recovery/verified-copy.ts';
import { seconds } from '../../lib/clock.ts';
import { assertKeysKnown, namesOfEveryBridge, recoverLog } from '../../lifecycle/log-recovery.ts';
import { openLocalSigner } from '../../signer/local-signer.ts';
import type { Signer } from '../../signer/signer.ts';
import { newestSigned } from '../../tlog/checkpoint-store.ts';
import { checkpointNoteOf } from '../../tlog/checkpoints.ts';
import { createHeadFile } from '../../tlog/head-file.ts';
import { readHead } from '../../tlog/log-heads.ts';
import { type LogCause, surveyLog } from '../../tlog/log-survey.ts';
import { EMPTY_LOG } from '../../tlog/log-tree.ts';
import { Alarm } from '../alarm.ts';
import { confirm } from '../confirm.ts';
import { inLocalLog, type LocalLog } from '../local-log.ts';
import type { LocalStore } from '../local-store.ts';
import { show } from '../output.ts';
import type { Terminal } from '../terminal.ts';
import { UsageError } from '../usage-error.ts';
import { adviceOn } from './log-recovery-advice.ts';
import {
  describeRecovery,
  type FoundRecovery,
  recoveryAnswer,
  recoveryQuestion,
} from './log-recovery-view.ts';

interface FromOptions {
  readonly from: string;
  readonly devices?: string | undefined;
  readonly evidence: string;
  readonly yes?: boolean | undefined;
  readonly json?: boolean | undefined;
}

/** What a copy does not mend: it would go on from a store or a head file that is wrong in itself. */
const BEYOND_COPIES: ReadonlySet<LogCause> = new Set([
  'fork',
  'damaged_store',
  'damaged_head_file',
  'foreign_head_file',
  'earlier_store',
]);

/**
 * Verifies the copy and says what it would bring; with `--devices` it does that. Exit status 0: it is done, and the bridge
 * starts. 3: not done yet, or refused.
 */
export async function recoverFrom(
  terminal: Terminal,
  options: FromOptions,
  store: LocalStore,
): Promise<void> {
  const devices = devicesOf(options.devices);
  await inLocalLog(store, async (log) => {
    const survey = await surveyLog(log.survey);
    if (BEYOND_COPIES.has(survey.cause)) {
      const { summary, steps } = adviceOn(survey);
      throw new Alarm([summary, 'A copy of the log does not mend that.', ...steps].join('\n'));
    }
    const signer = await openLocalSigner({ ...store, iss: store.config.issuer });
    const found = await lookInto(terminal, options, { store, log, signer });
    if (devices === undefined) {
      show(terminal, options, recoveryAnswer(found, null), () => describeRecovery(found));
      throw new Alarm(CHOOSE);
    }
    if (!options.json) terminal.out(describeRecovery(found));
    await confirm(terminal, options.yes, recoveryQuestion(found, devices));
    const done = await recoverLog(
      {
        ...store,
        signer,
        withdrawTrust: (tx, names) => withdrawLostTrust({ ...store, issuer: signer.iss }, tx, names),
      },
      { ...found, devices },
    );
    const { cause, detail } = await surveyLog(log.survey);
    if (options.json)
      terminal.out(JSON.stringify(recoveryAnswer(found, { ...done, devices, cause }), null, 2));
    terminal.say(
      `Done: the store has ${done.size} entries, up to epoch ${done.epoch}. ${done.persons.length} people enrol anew, and ` +
        'everybody signs in again.',
    );
    if (cause !== 'good')
      throw new Alarm(`The bridge does not start without doubt yet (${cause}). ${detail ?? ''}`);
    terminal.say(
      'Start the bridge (`countersign serve`), make a link for yourself (`countersign admin link`), and see the guide for what is to be done anew.',
    );
  });
}

const CHOOSE = [
  'Nothing was changed. Which devices were removed after the backup is not in the log. Run this again with one of',
  '  --devices keep      they come back with those that are still in use: remove them again, your SIEM has the events',
  '  --devices withdraw  everybody’s keys and devices are withdrawn, and everybody enrols anew',
].join('\n');

function devicesOf(option: string | undefined): 'kept' | 'withdrawn' | undefined {
  if (option === undefined) return undefined;
  if (option === 'keep') return 'kept';
  if (option === 'withdraw') return 'withdrawn';
  throw new UsageError('--devices is `keep` or `withdraw`.');
}

interface Parts {
  readonly store: LocalStore;
  readonly log: LocalLog;
  readonly signer: Signer;
}

async function lookInto(terminal: Terminal, options: FromOptions, parts: Parts): Promise<FoundRecovery> {
  const copy = await openLogCopy(options.from, boundedRequest(terminal.fetch));
  const verified = await verify(options, parts, (origin, logKeys, head) =>
    verifyCopy(copy, { origin, logKeys, head }, (size, of) =>
      terminal.progress?.(`${size} of ${of} entries`),
    ),
  );
  const vouchedBy = await assertNewest(options, parts, verified);
  const { database, config } = parts.store;
  const { signer } = parts;
  const workers = config.key_log.vrf_workers;
  const always = namesOfEveryBridge(signer.iss);
  const plan: LostPlan = await planLost({ database, signer, workers, always }, verified);
  assertKeysKnown(plan);
  return { origin: parts.log.survey.origin, place: copy.place, copy: verified, plan, vouchedBy };
}

async function verify(
  options: FromOptions,
  parts: Parts,
  attempt: (
    ...restored: [string, LocalLog['logKeys'], { size: number; hash: string }]
  ) => Promise<VerifiedCopy>,
): Promise<VerifiedCopy> {
  const { database } = parts.store;
  const { survey, logKeys } = parts.log;
  const head = await database.read((query) => readHead(query, 'keys'));
  try {
    return await attempt(survey.origin, logKeys, head ?? { size: 0, hash: EMPTY_LOG });
  } catch (error) {
    if (!(error instanceof ForkedCopy)) throw error;
    const signed = await database.read((query) => newestSigned(query, 'keys'));
    if (signed === undefined) throw new Alarm(FORK);
    const note = checkpointNoteOf(survey.origin, signed);
    throw await forkAlarm(options, parts, error.copy, { note, size: signed.size });
  }
}

async function assertNewest(options: FromOptions, parts: Parts, copy: VerifiedCopy): Promise<CopyVouchers> {
  const { headFilePath, ...keepers } = parts.log.survey;
  const kept = headFilePath === undefined ? undefined : await createHeadFile(headFilePath).read();
  try {
    return await assertCopyNewest(copy, { ...keepers, kept });
  } catch (error) {
    if (!(error instanceof ContradictedCopy)) throw error;
    throw await forkAlarm(options, parts, copy, { note: error.signed, size: error.size });
  }
}

const FORK =
  'The log has signed two histories: the copy is another than what was signed before. Nothing was changed. Treat this as a ' +
  'security incident: stop every bridge of this issuer, and keep store, head file and copy.';

/** Both are signed: whoever gets the file can check it. */
async function forkAlarm(
  { evidence: path }: FromOptions,
  { store, log }: Parts,
  copy: ForkedCopy['copy'],
  older: { readonly note: string; readonly size: number },
): Promise<Alarm> {
  const { rootThumbprint: root, token } = log.stored;
  const evidence = forkEvidence({
    ...{ origin: log.survey.origin, issuer: store.config.issuer, logKeys: log.logKeys, older },
    ...{ newer: copy.note, size: copy.checkpoint.size, beginning: copy.beginning(older.size) },
    ...{ trust: { root, online_keys: token }, now: seconds(store.clock) },
  });
  const written = await writeEvidence(path, evidence, { proven: true });
  return new Alarm(
    `${FORK}\nThe proof is in ${written}: countersign audit check-evidence ${written} --root ${root}`,
  );
}
