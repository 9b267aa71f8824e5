import type { Command } from 'commander';
import { decodeClaims } from '../../../protocol/jws.ts';
import { onlineKeysSchema } from '../../../protocol/online-keys.ts';
import { thumbprint } from '../../../protocol/public-key.ts';
import { logOrigin } from '../../../protocol/tlog/checkpoint.ts';
import { parseVerifierKey } from '../../../protocol/tlog/verifier-key.ts';
import { readCaCertificates } from '../../config/certificate-files.ts';
import type { Config } from '../../config/index.ts';
import { systemClock } from '../../lib/clock.ts';
import { createLogger } from '../../lib/logger.ts';
import { createOutbound } from '../../lib/outbound.ts';
import { createDnsResolver } from '../../lib/resolver.ts';
import { findSigner } from '../../signer/stored-keys.ts';
import { setHeadFileAside } from '../../tlog/head-file.ts';
import { isHeadFileApart } from '../../tlog/head-file-place.ts';
import { headWitnesses } from '../../tlog/head-witness.ts';
import { type LogSurvey, surveyLog } from '../../tlog/log-survey.ts';
import { logVerifierKeys } from '../../tlog/note-signer.ts';
import { Alarm } from '../alarm.ts';
import { confirm } from '../confirm.ts';
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
import { adviceOn, describeSurvey, setAsideQuestion, surveyAnswer } from './log-recovery-advice.ts';

type RecoverOptions = LocalOptions & {
  readonly setAside?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
};

export function addLogRecoverCommand(log: Command, terminal: Terminal): void {
  withLocalOptions(log.command('recover'))
    .description(
      'where the bridge refuses its own log: hold the store against the head file and the witnesses, and say what to do',
    )
    .option('--set-aside', 'set a head file aside that is not this store’s, or damaged; asks before')
    .option('--yes', 'do not ask')
    .option('--json', 'answer as JSON')
    .action((options: RecoverOptions) => recover(terminal, options));
}

/** Exit status 0: the bridge starts. 3: it does not, or not without doubt. */
async function recover(terminal: Terminal, options: RecoverOptions): Promise<void> {
  const config = readLocalConfig(terminal, options);
  await inLocalStore(config, async (store) => {
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

async function look({ config, database }: LocalStore): Promise<LogSurvey> {
  const signer = await database.read(findSigner);
  if (signer === undefined) {
    throw new UsageError(
      'This store has no keys: it is new, or not the one that you look for. See `storage` in the configuration; ' +
        '`countersign init` begins a new one.',
    );
  }
  if (signer.iss !== config.issuer) {
    throw new UsageError(`This store has the keys of ${signer.iss}, and the issuer is ${config.issuer}.`);
  }
  const { serial, iat, keys, compromised } = decodeClaims(signer.token, 'online-keys+jwt', onlineKeysSchema);
  const origin = logOrigin(config.issuer);
  const logKeys = keys.filter(
    ({ purpose, jwk }) => purpose === 'log' && !compromised.includes(thumbprint(jwk)),
  );
  const outbound = openOutbound(config);
  try {
    return await surveyLog({
      ...{ log: 'keys', origin, database },
      logger: createLogger({ level: 'silent' }),
      witnesses: headWitnesses(
        outbound,
        config.key_log.witnesses.map(({ vkey, url }) => ({ key: parseVerifierKey(vkey), url })),
        { origin, logKeys: () => logVerifierKeys(logKeys, origin) },
      ),
      quorum: config.key_log.quorum,
      headFilePath: config.key_log.head_file,
      headFileApart: await isHeadFileApart(
        config.key_log.head_file,
        config.storage.driver === 'sqlite' ? config.storage.path : undefined,
      ),
      clock: systemClock,
      // later issues say when keys were renewed
      storeMade: serial === 1 ? iat * 1000 : undefined,
    });
  } finally {
    await outbound.close();
  }
}

function openOutbound(config: Config) {
  const { allowed_networks: allowedNetworks, dns_servers: servers } = config.outbound;
  return createOutbound({
    resolver: createDnsResolver(servers === undefined ? {} : { servers }),
    allowedNetworks,
    caCertificates: readCaCertificates(config),
  });
}

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
