import { type Clock, seconds } from '../lib/clock.ts';
import type { Database, Query } from '../storage/database.ts';
import { firstCheckpointAfter, newestCheckpoint } from '../tlog/checkpoint-store.ts';
import type { Checkpoints } from '../tlog/checkpoints.ts';
import { type Cosigned, lastCosigned, quorumTime } from '../tlog/cosigned-times.ts';
import type { HeadFile } from '../tlog/head-file.ts';
import type { Quorum } from '../tlog/quorum.ts';
import type { WitnessState } from '../tlog/witness-client.ts';
import { countStagedVersions } from './version-store.ts';

/** How the key log stands. Times in seconds; null: there is none yet. */
export interface LogStatus {
  readonly origin: string;
  /** The newest signed checkpoint; the root in base64url. */
  readonly checkpoint: {
    readonly size: number;
    readonly root: string;
    readonly epoch: number;
    readonly time: number;
  } | null;
  /** Versions without a place in the log. */
  readonly staged: number;
  readonly witnesses: readonly WitnessState[];
  /** Of the witnesses; null where none is demanded. */
  readonly quorum: QuorumStatus | null;
  readonly auditors: readonly AuditorStatus[];
  /** Likewise of the auditors. */
  readonly auditorQuorum: QuorumStatus | null;
  readonly headFile: HeadFileStatus | null;
  /** Why nothing is logged; empty when all is well. */
  readonly reasons: readonly string[];
}

export interface QuorumStatus {
  readonly needed: number;
  /** The newest checkpoint that so many have cosigned. */
  readonly size: number | null;
  /** Since when they have, at the youngest: the age that verifiers go by. */
  readonly time: number | null;
  /** When the oldest checkpoint was made that they have not; null where the newest has the quorum. */
  readonly missingSince: number | null;
}

export interface AuditorStatus {
  /** Of its key. */
  readonly name: string;
  /** The checkpoint that it cosigned last, and when. */
  readonly size: number | null;
  readonly cosigned: number | null;
}

export interface HeadFileStatus {
  readonly path: string;
  /** `behind`: it is written with the next checkpoint. */
  readonly state: 'current' | 'behind' | 'ahead' | 'missing' | 'unreadable' | 'of another log';
  readonly size: number | null;
}

export interface LogStatusDeps {
  readonly database: Database;
  readonly checkpoints: Pick<Checkpoints, 'origin' | 'newest'>;
  readonly quorum: Quorum;
  /** How many cosigners of each kind are demanded. */
  readonly needed: { readonly witness: number; readonly auditor: number };
  readonly witnesses: { states(): readonly WitnessState[] };
  readonly headFile: { readonly path: string; readonly file: Pick<HeadFile, 'read'> } | undefined;
  readonly reasons: () => readonly string[];
}

/** Looks anew at each call. Throws what the database throws. */
export function createLogStatus(deps: LogStatusDeps): () => Promise<LogStatus> {
  const { database, checkpoints, quorum, needed, witnesses } = deps;
  return async () => {
    const stored = await database.read(async (query) => {
      const newest = await checkpoints.newest(query);
      return {
        newest,
        staged: await countStagedVersions(query),
        quorum: await quorumStatus(query, quorum, 'witness', needed.witness),
        auditorQuorum: await quorumStatus(query, quorum, 'auditor', needed.auditor),
        auditors: await auditorsOf(query, quorum),
      };
    });
    const { newest, ...rest } = stored;
    return {
      origin: checkpoints.origin,
      ...rest,
      checkpoint:
        newest === undefined
          ? null
          : {
              ...{ size: newest.size, root: newest.root, epoch: newest.epoch },
              time: Math.floor(newest.time_ms / 1000),
            },
      witnesses: witnesses.states(),
      headFile: await headFileStatus(deps, newest?.size ?? 0),
      reasons: deps.reasons(),
    };
  };
}

/** Those that have not cosigned for so long that verifiers may refuse what is handed out; in words. */
export function logWarnings(status: LogStatus, clock: Clock): string[] {
  const now = seconds(clock);
  const { quorum, auditors, checkpoint } = status;
  const missing = quorum?.missingSince ?? null;
  return [
    ...(quorum !== null && missing !== null && now - missing > QUORUM_LATE_S
      ? [
          `Fewer than ${quorum.needed} witnesses have cosigned the key log since ${iso(missing)}: who demands witnessed ` +
            'keys does not get newer ones. See `countersign log status`.',
        ]
      : []),
    ...auditors
      .filter(({ cosigned }) => now - (cosigned ?? checkpoint?.time ?? now) > AUDITOR_LATE_S)
      .map(
        ({ name, cosigned }) =>
          `The auditor ${name} has ${cosigned === null ? 'never cosigned the key log' : `not cosigned the key log since ${iso(cosigned)}`}: ` +
          'see that it runs, and what it found.',
      ),
  ];
}

/** Witnesses answer within seconds; restarts take less than this. */
const QUORUM_LATE_S = 180;
/** An auditor that runs at all looks more often. */
const AUDITOR_LATE_S = 86_400;

async function quorumStatus(
  query: Query,
  quorum: Quorum,
  kind: 'witness' | 'auditor',
  needed: number,
): Promise<QuorumStatus | null> {
  if (!quorum.demands(kind)) return null;
  const keys = quorum.cosigners.filter((cosigner) => cosigner.kind === kind).map(({ key }) => key);
  const size = await quorum.newestQuorate(query, kind);
  const missing = await firstCheckpointAfter(query, 'keys', size ?? 0);
  const time = size === undefined ? undefined : await quorumTime(query, 'keys', size, { kind, keys, needed });
  return {
    needed,
    size: size ?? null,
    time: time ?? null,
    missingSince: missing === undefined ? null : Math.floor(missing.time_ms / 1000),
  };
}

async function auditorsOf(query: Query, quorum: Quorum): Promise<AuditorStatus[]> {
  const found: AuditorStatus[] = [];
  for (const { kind, key } of quorum.cosigners) {
    if (kind !== 'auditor') continue;
    const last: Cosigned | undefined = await lastCosigned(query, 'keys', key);
    found.push({ name: key.name, size: last?.size ?? null, cosigned: last?.time ?? null });
  }
  return found;
}

/** `signed`: size of the newest signed checkpoint, read before. The file is written behind the store and before signing. */
async function headFileStatus(
  { headFile, checkpoints, database }: LogStatusDeps,
  signed: number,
): Promise<HeadFileStatus | null> {
  if (headFile === undefined) return null;
  const { path, file } = headFile;
  try {
    const kept = await file.read();
    if (kept === undefined) return { path, state: 'missing', size: null };
    if (kept.origin !== checkpoints.origin) return { path, state: 'of another log', size: kept.size };
    const stored = (await database.read((query) => newestCheckpoint(query, 'keys')))?.size ?? 0;
    const state = kept.size < signed ? 'behind' : kept.size > stored ? 'ahead' : 'current';
    return { path, state, size: kept.size };
  } catch {
    return { path, state: 'unreadable', size: null };
  }
}

function iso(time: number): string {
  return new Date(time * 1000).toISOString();
}
