import { CountersignError, isCountersignError } from '../../../protocol/errors.ts';
import type { Checkpoint, NoteSigner } from '../../../protocol/tlog/checkpoint.ts';
import { formatVerifierKey } from '../../../protocol/tlog/verifier-key.ts';
import { type Clock, seconds } from '../../lib/clock.ts';
import { AUDIT_KEPT_BYTES, AUDIT_LOG_ENTRIES, AUDIT_SAVE_ENTRIES } from '../../lib/limits.ts';
import { type Outbound, parseOutboundUrl } from '../../lib/outbound.ts';
import { isProof } from './check-evidence.ts';
import { cosignVerified, isCosignatureDue } from './cosign-verified.ts';
import { collectEvidence, type Evidence } from './evidence.ts';
import { LogViolation } from './finding.ts';
import { keepWithoutRecord, keptEvidence } from './keep-alarm.ts';
import { keepAnswers } from './keep-answers.ts';
import { createLogSource, type LogSource } from './log-source.ts';
import { type LogTrust, readLogTrust, trustLogKey } from './log-trust.ts';
import { verifiedCheckpoint } from './open-checkpoint.ts';
import { readSignedTree, type SignedTree } from './read-tree.ts';
import { replay } from './replay.ts';
import { openReplica, type Replica } from './replica.ts';
import { assertSameBridge } from './same-bridge.ts';
import { openStateFolder, type StateFolder } from './state-folder.ts';
import type { SignedCheckpoint, StateRecord } from './state-record.ts';
import { assertContains, assertNoStepBack } from './step-back.ts';

export interface AuditorOptions {
  /** The bridge, as `https://bridge.acme.example`. */
  readonly bridge: string;
  readonly request: Outbound['request'];
  readonly clock: Clock;
  /** The folder of the state. */
  readonly state: string;
  /** The thumbprint of the root that alone is trusted; else the one of the first run. */
  readonly root?: string;
  /** The log's vkey, in place of what the bridge publishes. */
  readonly logKey?: string;
  /** Waits so many milliseconds; a log may ask for it. */
  readonly pause?: (milliseconds: number) => Promise<unknown>;
  /** Entries after which a replay keeps what it has. */
  readonly saveEvery?: number;
  /** Writes the evidence of an alarm down, and answers where. `proven`: the alarm will stand. */
  readonly keepEvidence?: (evidence: Evidence, proven: boolean) => Promise<string>;
  /** Whoever runs the auditor has looked into the alarm that stands: go on. */
  readonly alarmExamined?: boolean;
  /** Cosigns what was verified. */
  readonly signer?: NoteSigner;
  /** Entries replayed, of so many: often, while there is something to do. */
  readonly onProgress?: (size: number, of: number) => void;
  /** Something that whoever runs the auditor should know. */
  readonly onNotice?: (text: string) => void;
}

/** What one run found. */
export type AuditOutcome =
  | ({ readonly outcome: 'verified' } & AuditReport)
  | {
      readonly outcome: 'alarm';
      readonly evidence: Evidence;
      readonly path: string | null;
      /** Why the evidence is on no disk, where it should be. */
      readonly unkept?: unknown;
    }
  | { readonly outcome: 'alarm_stands'; readonly alarm: StandingAlarm };

/** An alarm of an earlier run, whose evidence proves what it says. */
export type StandingAlarm = NonNullable<StateRecord['alarm']>;

/** The log kept every rule up to this checkpoint. */
export interface AuditReport {
  readonly origin: string;
  readonly size: number;
  /** base64url. */
  readonly root: string;
  readonly epoch: number;
  /** When the epoch closed, milliseconds, as the log says. */
  readonly epochTime: number;
  readonly leaves: number;
  /** Entries that this run replayed. */
  readonly replayed: number;
  /** The root key that vouches for the log's keys, if no log key was given, and these. */
  readonly trustedRoot: string | null;
  readonly logKeys: readonly string[];
  /** Our line over the checkpoint, and why it could not be handed over, if it could not. */
  readonly cosignature: { readonly line: string; readonly undelivered: string | null } | null;
}

export interface Auditor {
  /**
   * Replays what the log has grown by. Rejects with `outbound_*` where the log cannot be read, `note_*`, `log_origin`,
   * `root_mismatch` and the like where its checkpoint is not signed as it must be: then nothing is said about the log.
   */
  run(): Promise<AuditOutcome>;
  close(): Promise<void>;
}

/** Opens the state and checks our copy of the log. Throws `audit_state`, `outbound_refused` for what is no https URL. */
export async function openAuditor(options: AuditorOptions): Promise<Auditor> {
  const bridge = String(parseOutboundUrl(options.bridge)).replace(/\/+$/, '');
  const folder = await openStateFolder(options.state);
  try {
    assertSameBridge(folder, bridge, options);
    const total = folder.record?.entries.size ?? 0;
    const replica = await openReplica(folder, (size) => options.onProgress?.(size, total));
    if (options.alarmExamined && folder.record?.alarm) {
      await folder.save({ ...folder.record, alarm: null });
      await folder.keepAlarm(null);
    }
    const source = createLogSource(options.request, `${bridge}/log/`, options.pause);
    return createAuditor({ ...options, bridge }, folder, replica, source);
  } catch (error) {
    await folder.close();
    throw error;
  }
}

function createAuditor(
  options: AuditorOptions,
  folder: StateFolder,
  replica: Replica,
  log: LogSource,
): Auditor {
  const { saveEvery = AUDIT_SAVE_ENTRIES } = options;
  let record = options.alarmExamined && folder.record ? { ...folder.record, alarm: null } : folder.record;

  async function save(changes: Partial<StateRecord>, base: StateRecord): Promise<StateRecord> {
    record = { ...base, ...changes };
    await folder.save(record);
    return record;
  }

  async function learnTrust(): Promise<LogTrust> {
    if (options.logKey !== undefined) return trustLogKey(options.logKey);
    const pinned = { root: options.root ?? record?.root ?? undefined, leastSerial: record?.serial ?? 0 };
    return readLogTrust(options.request, options.bridge, pinned, seconds(options.clock));
  }

  /** What is trusted now is remembered before anything of the log is believed. */
  async function remember(trust: LogTrust): Promise<StateRecord> {
    const known = { root: trust.root, serial: trust.serial, online_keys: trust.onlineKeys };
    if (trust.root !== null && options.root === undefined && (record?.root ?? null) === null) {
      options.onNotice?.(firstUse(trust.root));
    }
    if (record === undefined) {
      const empty = { verified: null, seen: null, signed: null, entries: { size: 0, bytes: 0 } };
      return save({}, { v: 1 as const, url: options.bridge, origin: trust.origin, ...known, ...empty });
    }
    if (record.origin !== trust.origin) {
      throw new CountersignError(
        'audit_state',
        `The state is of the log ${record.origin}, not of ${trust.origin}.`,
      );
    }
    return trust.root === null ? record : save(known, record);
  }

  const copied = () => ({ entries: { size: replica.size, bytes: replica.bytes } });

  async function bringUp(
    source: LogSource,
    target: Checkpoint,
    { kept, before, onTree }: NextCheckpoint,
  ): Promise<StateRecord> {
    // First of all: what the log signed once is not forgotten because it then stops answering.
    let current = await save({ seen: kept }, before);
    const tree = await readSignedTree(source, target, replica);
    onTree(tree);
    try {
      await replay(source, tree, replica, async () => {
        options.onProgress?.(replica.size, target.size);
        if (replica.size - current.entries.size >= saveEvery) current = await save(copied(), current);
      });
    } catch (error) {
      // The network failed us, not the log: what was replayed stays.
      if (isCountersignError(error)) await save(copied(), current);
      throw error;
    }
    await assertContains(replica, before.seen);
    return save({ verified: kept, ...copied() }, current);
  }

  async function verifyNewest(): Promise<AuditOutcome> {
    const source = keepAnswers(log, AUDIT_KEPT_BYTES);
    const trust = await learnTrust();
    const before = await remember(trust);
    const { checkpoint, kept } = await verifiedCheckpoint(await source.checkpoint(), trust);
    if (checkpoint.size > AUDIT_LOG_ENTRIES) {
      const claim = `The log says that it has ${checkpoint.size} entries, more than an auditor takes.`;
      throw new CountersignError('outbound_too_large', claim);
    }
    noteNewKeys(before, kept);
    const had = replica.size;
    let now = before;
    let tree: SignedTree | undefined;
    const onTree = (signed: SignedTree) => {
      tree = signed;
    };
    try {
      await assertNoStepBack({ source, replica }, checkpoint, kept, before.seen);
      if (before.verified?.size !== checkpoint.size) {
        now = await bringUp(source, checkpoint, { kept, before, onTree });
      }
    } catch (error) {
      if (!(error instanceof LogViolation)) throw error;
      const found = { source, tree, trust, replica, target: kept, record: before };
      const evidence = await collectEvidence(error, { ...found, now: seconds(options.clock) });
      return raiseAlarm(evidence);
    }
    const cosignature = await cosignIfAsked(now);
    return { outcome: 'verified', ...reportOf(now, trust, replica.size - had), cosignature };
  }

  /** The evidence first: an alarm that stands without it would say little. But what is proven counts on a full disk too. */
  async function raiseAlarm(evidence: Evidence): Promise<AuditOutcome> {
    const proven = await isProof(evidence);
    const kept = await keptEvidence(options.keepEvidence, evidence, proven);
    if (proven) {
      const { finding, made } = evidence;
      await keepAlarm({ code: finding.code, time: made, evidence: kept.path ?? '' });
    }
    return { outcome: 'alarm', evidence, ...kept };
  }

  async function keepAlarm(alarm: StandingAlarm): Promise<void> {
    if (record === undefined) return;
    const unkept = await save({ alarm }, record).then(
      () => undefined,
      () => keepWithoutRecord(folder, alarm),
    );
    if (unkept !== undefined) options.onNotice?.(unkept);
  }

  function noteNewKeys(before: StateRecord, kept: SignedCheckpoint): void {
    const known = before.seen?.log_keys;
    if (known === undefined || kept.log_keys.some((vkey) => known.includes(vkey))) return;
    options.onNotice?.(
      `The log signs with another key than before: ${kept.log_keys.join(', ')}, vouched for by the same root.`,
    );
  }

  async function cosignIfAsked(now: StateRecord): Promise<AuditReport['cosignature']> {
    const { signer } = options;
    const time = seconds(options.clock);
    if (signer === undefined || !isCosignatureDue(now, signer, time)) return null;
    const keep = async (signed: StateRecord['signed']) => void (await save({ signed }, now));
    const { line, note, signed } = await cosignVerified(now, signer, time, keep);
    try {
      await log.sendCosignature(note);
    } catch (error) {
      if (!isCountersignError(error)) throw error;
      return { line, undelivered: error.detail ?? error.message };
    }
    await keep({ ...signed, delivered: true });
    return { line, undelivered: null };
  }

  function reportOf(now: StateRecord, trust: LogTrust, replayed: number): Omit<AuditReport, 'cosignature'> {
    const { epoch, leaves } = replica.rules;
    if (now.verified === null || epoch === undefined) throw new CountersignError('internal');
    return {
      ...{ origin: now.origin, size: now.verified.size, root: now.verified.root },
      ...{ epoch: epoch.epoch, epochTime: epoch.time, leaves, replayed },
      trustedRoot: trust.root,
      logKeys: trust.logKeys.map((key) => formatVerifierKey(key)),
    };
  }

  /** After an alarm our copy has no next step. */
  let alarm: AuditOutcome | undefined;
  return {
    async run() {
      if (alarm !== undefined) return alarm;
      if (record?.alarm) return { outcome: 'alarm_stands', alarm: record.alarm };
      const outcome = await verifyNewest();
      if (outcome.outcome === 'alarm') alarm = outcome;
      return outcome;
    },
    close: () => folder.close(),
  };
}

interface NextCheckpoint {
  readonly kept: SignedCheckpoint;
  readonly before: StateRecord;
  /** Told of the tree that the checkpoint is of. */
  readonly onTree: (tree: SignedTree) => void;
}

function firstUse(root: string): string {
  return (
    `First run: trusting the root key ${root} from now on. Compare it with the organization by another way, or ` +
    'name it with --root.'
  );
}
