import type { Command } from 'commander';
import { logOrigin } from '../../../protocol/tlog/checkpoint.ts';
import { setHeadFileAside } from '../../tlog/head-file.ts';
import { type LogSurvey, surveyLog } from '../../tlog/log-survey.ts';
import { Alarm } from '../alarm.ts';
import { confirm } from '../confirm.ts';
import { inLocalLog } from '../local-log.ts';
import {
  inLocalStore,
  type LocalOptions,
  type LocalStore,
  readLocalConfig,
  withLocalOptions,
} from '../local-store.ts';
import { show } from '../output.ts';
import type { Terminal } from '../terminal.ts';
import { UsageError } from '../usage-error.ts';
import { recoverFrom } from './log-recover-from.ts';
import { adviceOn, describeSurvey, setAsideQuestion, surveyAnswer } from './log-recovery-advice.ts';

type RecoverOptions = LocalOptions & {
  readonly setAside?: boolean;
  readonly from?: string;
  readonly devices?: string;
  readonly evidence: string;
  readonly yes?: boolean;
  readonly json?: boolean;
};

export function addLogRecoverCommand(log: Command, terminal: Terminal): void {
  withLocalOptions(log.command('recover'))
    .description(
      'where the bridge refuses its own log: hold the store against the head file and the witnesses, and say what to do',
    )
    .option('--set-aside', 'set a head file aside that is not this store’s, or damaged; asks before')
    .option(
      '--from <copy>',
      'bring a restored backup to where the log ended, by a copy of it: an auditor’s folder, a folder or the URL of its tiles',
    )
    .option(
      '--devices <keep|withdraw>',
      'with --from, do it: devices that were removed after the backup come back with `keep`; `withdraw` has everybody enrol anew',
    )
    .option('--evidence <file>', 'where the proof of a second history is written', 'log-fork.json')
    .option('--yes', 'do not ask')
    .option('--json', 'answer as JSON')
    .action((options: RecoverOptions) => recover(terminal, options));
}

/** Exit status 0: the bridge starts. 3: it does not, or not without doubt. */
async function recover(terminal: Terminal, options: RecoverOptions): Promise<void> {
  const config = readLocalConfig(terminal, options);
  const { from } = options;
  if (from === undefined && options.devices !== undefined)
    throw new UsageError('--devices goes with --from.');
  await inLocalStore(config, async (store) => {
    if (from !== undefined) return recoverFrom(terminal, { ...options, from }, store);
    let survey = await look(store);
    let aside: string | null = null;
    if (options.setAside === true) {
      aside = await setAside(terminal, options, survey);
      survey = await look(store);
    }
    const origin = logOrigin(config.issuer);
    show(terminal, options, surveyAnswer(origin, survey, aside), () => describeSurvey(origin, survey));
    const { summary, steps } = adviceOn(survey);
    if (survey.cause !== 'good') throw new Alarm([summary, ...steps].join('\n'));
    terminal.say([summary, ...steps].join('\n'));
  });
}

const look = (store: LocalStore): Promise<LogSurvey> => inLocalLog(store, ({ survey }) => surveyLog(survey));

/** Only what cannot be this store's own: a head file that says that the store is old is what stops a second history. */
async function setAside(terminal: Terminal, options: RecoverOptions, survey: LogSurvey): Promise<string> {
  const question = setAsideQuestion(survey);
  if (survey.headFile === undefined || question === undefined) {
    throw new UsageError(
      'There is no head file here that may be set aside: only one of another log, one of a store before this one, or ' +
        'a damaged one. Run `countersign log recover` without --set-aside, and see what it says.',
    );
  }
  await confirm(terminal, options.yes, question);
  const aside = await setHeadFileAside(survey.headFile.path, new Date());
  terminal.say(`Renamed the head file to ${aside}. Looking again:`);
  return aside;
}
