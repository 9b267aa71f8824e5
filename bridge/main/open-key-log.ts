import { logOrigin } from '../../protocol/tlog/checkpoint.ts';
import { parseVerifierKey, type VerifierKey } from '../../protocol/tlog/verifier-key.ts';
import type { Config } from '../config/index.ts';
import type { EventLog } from '../events/event-log.ts';
import { createKeyLog, type DatabaseKeyLog } from '../keylog/database-key-log.ts';
import { createEpochClock } from '../keylog/epoch-clock.ts';
import { serverTime } from '../keylog/epoch-store.ts';
import { logReasons } from '../keylog/log-reasons.ts';
import { createLogStatus, type LogStatus } from '../keylog/log-status.ts';
import { type LostHead, lookForLostHead } from '../keylog/lost-head.ts';
import type { KeyLogObserver } from '../keylog/observer.ts';
import { createWitnessEvents } from '../keylog/witness-events.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import type { Closing } from '../lib/closing.ts';
import type { Logger } from '../lib/logger.ts';
import type { Outbound } from '../lib/outbound.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { watchKeyLog } from '../metrics/watch-key-log.ts';
import type { Signer } from '../signer/signer.ts';
import type { Keyspace } from '../storage/cache.ts';
import type { Database } from '../storage/database.ts';
import { CheckpointPruning } from '../tlog/checkpoint-pruning.ts';
import { type Checkpoints, createCheckpoints } from '../tlog/checkpoints.ts';
import { createHeadFile } from '../tlog/head-file.ts';
import { isHeadFileApart } from '../tlog/head-file-place.ts';
import { createHeadTrust, type HeadTrust } from '../tlog/head-trust.ts';
import { headWitnesses } from '../tlog/head-witness.ts';
import { createLogPublication, type LogPublication } from '../tlog/log-publication.ts';
import { logVerifierKeys } from '../tlog/note-signer.ts';
import { createQuorum, parseCosigners, type Quorum } from '../tlog/quorum.ts';
import type { OwnedLog } from '../tlog/seen-checkpoint.ts';
import { assertHeadTrusted } from '../tlog/start-doubt.ts';
import type { WitnessState } from '../tlog/witness-client.ts';
import { createWitnessClients, shownLog, type WitnessClients } from '../tlog/witness-clients.ts';

export interface KeyLogParts {
  readonly keyLog: DatabaseKeyLog;
  readonly publication: LogPublication;
  readonly headTrust: HeadTrust;
  readonly lostHead: LostHead;
  readonly witnesses: WitnessClients;
  /** How the log stands, looked at anew. */
  readonly logStatus: () => Promise<LogStatus>;
  /** Hears what time it is by the signed word of another company, seconds. */
  readonly heardTime: (name: string, time: number) => void;
}

interface KeyLogNeeds {
  readonly database: Database;
  readonly signer: Signer;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly cache: Keyspace;
  readonly metrics?: Metrics | undefined;
  readonly outbound: Outbound;
  readonly events: EventLog;
}

/**
 * The key log, its witnesses and what the public sees of it. Nothing is signed before the store was found to be the
 * newest: throws `state_refused` where it is not.
 */
export async function openKeyLog(
  needs: KeyLogNeeds,
  { key_log: settings, storage }: Pick<Config, 'key_log' | 'storage'>,
  closing: Closing,
): Promise<KeyLogParts> {
  const { database, signer, clock, logger, outbound } = needs;
  const told = createWitnessEvents(needs);
  const log = 'keys';
  const quorum = createKeyLogQuorum(database, settings);
  const witnessed = settings.witnesses.map(({ vkey, url }) => ({ key: parseVerifierKey(vkey), url }));
  const headFile = settings.head_file === undefined ? undefined : createHeadFile(settings.head_file);
  const databasePath = storage.driver === 'sqlite' ? storage.path : undefined;
  const headFileApart = await isHeadFileApart(settings.head_file, databasePath);
  const origin = logOrigin(signer.iss);
  const owned: OwnedLog = {
    origin,
    logKeys: () => logVerifierKeys(signer.onlineKeys().all('log'), origin),
  };

  const headTrust = createHeadTrust({
    logger,
    check: () =>
      assertHeadTrusted({
        ...{ log, database, logger, headFile, headFileApart, origin, quorum: settings.quorum },
        witnesses: headWitnesses(outbound, witnessed, owned),
        noteOf: (checkpoint, lines) => checkpoints.noteOf(checkpoint, lines),
      }),
  });
  const checkpoints: Checkpoints = createCheckpoints({
    ...{ log, database, logger, signer, headFile, origin },
    assertTrusted: () => headTrust.assertTrusted(),
  });
  const epochClock = createEpochClock(clock);
  const heardTime = (name: string, time: number) => epochClock.heard(name, time);
  const keyLog = createKeyLog({
    ...{ ...needs, checkpoints, quorum, epochClock },
    // one that is given in place of the machine's is moved by whoever gave it
    serverTime: database.dialect === 'postgres' && clock === systemClock ? serverTime : undefined,
    observer: observerOf(needs, settings, witnessed),
    settings: {
      vrfWorkers: settings.vrf_workers,
      epochMilliseconds: settings.epoch_milliseconds,
      witnessWaitMilliseconds: settings.witness_wait_milliseconds,
    },
  });
  const noteCosigned = () => {
    quorum.noteCosigned();
    keyLog.cosigned();
  };
  const witnesses = createWitnessClients({
    ...{ ...needs, witnesses: witnessed, shown: shownLog(log, checkpoints, owned) },
    onCosigned: noteCosigned,
    onTime: heardTime,
    refreshSeconds: settings.refresh_minutes * 60,
    onChange: (now, before) => {
      told.changed(now, before);
      distrustAfter(now, headTrust);
    },
  });
  checkpoints.onPublished(() => witnesses.wake());

  await headTrust.look();
  const lostHead = await lookForLostHead({ ...needs, headFile, witnesses: witnessed });
  await keyLog.open();
  closing.add('key log', () => keyLog.stop());
  keyLog.start();
  closing.add('witnesses', () => witnesses.stop());
  witnesses.start();
  const pruning = new CheckpointPruning({ log, database, logger, quorum });
  closing.add('checkpoints', () => pruning.stop());
  pruning.start();
  const publication = createLogPublication({
    ...{ log, database, clock, checkpoints },
    quorum: { ...quorum, noteCosigned },
  });
  const logStatus = createLogStatus({
    ...{ database, checkpoints, quorum, witnesses },
    needed: { witness: settings.quorum, auditor: settings.auditor_quorum },
    headFile:
      headFile === undefined || settings.head_file === undefined
        ? undefined
        : { path: settings.head_file, file: headFile },
    reasons: () => logReasons(keyLog.failure, headTrust.reasons()),
  });
  return { keyLog, publication, headTrust, lostHead, witnesses, logStatus, heardTime };
}

function observerOf(
  { metrics }: KeyLogNeeds,
  { quorum }: Config['key_log'],
  witnesses: readonly { readonly key: VerifierKey }[],
): KeyLogObserver | undefined {
  if (metrics === undefined) return undefined;
  return watchKeyLog(metrics, { witnesses: witnesses.map(({ key }) => key.name), quorum });
}

function createKeyLogQuorum(database: Database, settings: Config['key_log']): Quorum {
  const { quorum, auditor_quorum: auditorQuorum, auditors } = settings;
  const cosigners = parseCosigners({
    ...{ quorum, auditors, auditorQuorum },
    witnesses: settings.witnesses.map(({ vkey }) => vkey),
  });
  return createQuorum({ log: 'keys', database, cosigners, quorum, auditorQuorum });
}

/** What we have signed, as a witness shows it, and do not have is the sign of a store that was put back, or of a second one. */
function distrustAfter({ state, name, size }: WitnessState, headTrust: HeadTrust): void {
  if (state === 'ahead') {
    headTrust.distrust(
      `The witness ${name} has seen ${size} entries of the key log, more than this store has. Nothing is logged until ` +
        'the newest store is back: see `countersign log recover`.',
    );
  }
  if (state === 'contradicted') {
    headTrust.distrust(
      `The witness ${name} has seen another history of the key log. Nothing is logged: see \`countersign log recover\`.`,
    );
  }
}
