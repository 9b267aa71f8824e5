import { encodeBase64url } from '../../protocol/base64url.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { ED25519_COSIGNATURE, parseVerifierKey } from '../../protocol/tlog/verifier-key.ts';
import { createBell } from '../lib/bell.ts';
import type { Database, Query } from '../storage/database.ts';
import type { Cosigner } from './cosignature-check.ts';
import { type CosignerKind, keyIdText } from './cosignature-store.ts';
import type { LogName } from './log-heads.ts';

/** Who cosigns a log, and how many of each kind must have before a checkpoint is handed out. */
export interface CosignerSettings {
  /** Verifier keys, type 0x04. */
  readonly witnesses: readonly string[];
  readonly quorum: number;
  readonly auditors: readonly string[];
  readonly auditorQuorum: number;
}

/** The bridge's own quorum: which checkpoints enough of its cosigners have signed. Verifiers have theirs. */
export interface Quorum {
  readonly cosigners: readonly Cosigner[];
  /** Whether any checkpoint can meet the quorum of this kind: 0 of none is no quorum. */
  demands(kind: CosignerKind): boolean;
  /** The size of the newest checkpoint that the witnesses' quorum (or the auditors') has cosigned. */
  newestQuorate(query: Query, kind?: CosignerKind): Promise<number | undefined>;
  /** The same of the auditors' quorum and, where one is demanded, the witnesses' too: an audit alone proves little. */
  newestAudited(query: Query): Promise<number | undefined>;
  /**
   * Waits, `ms` at most, until a checkpoint of `size` or a later one has the witnesses' quorum; at once where none is
   * demanded. Answers whether it has.
   */
  reached(size: number, ms: number, signal?: AbortSignal): Promise<boolean>;
  /** To be called when a cosignature was stored. */
  noteCosigned(): void;
}

/** Auditors cosign what witnesses have: only while those are away they get ahead, and by no more than this. */
const AUDITED_LOOKED_AT = 16;

export function createQuorum(deps: {
  log: LogName;
  database: Database;
  cosigners: readonly Cosigner[];
  quorum: number;
  auditorQuorum: number;
}): Quorum {
  const { log, database, cosigners } = deps;
  const needed = { witness: deps.quorum, auditor: deps.auditorQuorum };
  const stored = createBell();

  /** The newest sizes that have the quorum of this kind, the newest first. */
  async function quorateSizes(
    query: Query,
    kind: CosignerKind,
    { limit, among }: { readonly limit: number; readonly among?: readonly number[] },
  ): Promise<number[]> {
    const keys = cosigners.filter((cosigner) => cosigner.kind === kind).map(({ key }) => key);
    if (needed[kind] === 0 || keys.length < needed[kind] || among?.length === 0) return [];
    const rows = await query
      .selectFrom('log_cosignatures')
      .select('size')
      .where('log', '=', log)
      // Those alone that are configured now: one that was taken out does not count any more.
      .where(({ or, and }) =>
        or(keys.map(({ name, keyId }) => and({ key_name: name, key_id: keyIdText(keyId) }))),
      )
      .$if(among !== undefined, (sizes) => sizes.where('size', 'in', among ?? []))
      .groupBy('size')
      .having(({ fn }) => fn.countAll(), '>=', needed[kind])
      .orderBy('size', 'desc')
      .limit(limit)
      .execute();
    return rows.map(({ size }) => size);
  }

  async function newestQuorate(query: Query, kind: CosignerKind = 'witness'): Promise<number | undefined> {
    return (await quorateSizes(query, kind, { limit: 1 }))[0];
  }

  async function newestAudited(query: Query): Promise<number | undefined> {
    if (needed.witness === 0) return newestQuorate(query, 'auditor');
    const audited = await quorateSizes(query, 'auditor', { limit: AUDITED_LOOKED_AT });
    return (await quorateSizes(query, 'witness', { limit: 1, among: audited }))[0];
  }

  /** What has the quorum keeps it: cosignatures stay, and who is configured does not change. */
  let reachedSize = -1;
  let looking: { readonly heard: number; readonly newest: Promise<number> } | undefined;

  /** All who wait look at once after a ring: with one read, which began after it. */
  function look(heard: number): Promise<number> {
    if (looking?.heard === heard) return looking.newest;
    const newest = database.read(newestQuorate).then((size = -1) => {
      reachedSize = Math.max(reachedSize, size);
      return reachedSize;
    });
    const mine = { heard, newest };
    looking = mine;
    const done = () => {
      if (looking === mine) looking = undefined;
    };
    newest.then(done, done);
    return newest;
  }

  return {
    cosigners,
    demands: (kind) => needed[kind] > 0,
    newestQuorate,
    newestAudited,
    async reached(size, ms, signal) {
      if (needed.witness === 0 || reachedSize >= size) return true;
      const deadline = performance.now() + ms;
      for (;;) {
        const heard = stored.rings;
        if ((await look(heard)) >= size) return true;
        const left = deadline - performance.now();
        if (left <= 0 || signal?.aborted) return false;
        await stored.wait(heard, left, signal);
      }
    },
    noteCosigned: () => stored.ring(),
  };
}

/**
 * The configured cosigners. One key under two names, or as witness and auditor both, would count twice, and a quorum
 * that nobody can meet would never be noticed: both are `config_invalid`, as is a key of another type.
 */
export function parseCosigners(settings: CosignerSettings): Cosigner[] {
  const cosigners = [
    ...settings.witnesses.map((vkey) => parseCosigner(vkey, 'witness')),
    ...settings.auditors.map((vkey) => parseCosigner(vkey, 'auditor')),
  ];
  const keys = new Set(cosigners.map(({ key }) => encodeBase64url(key.publicKey)));
  if (keys.size < cosigners.length) throw invalid('a cosigner’s key is named twice.');
  if (settings.quorum > settings.witnesses.length) throw invalid('quorum is above the number of witnesses.');
  if (settings.auditorQuorum > settings.auditors.length) {
    throw invalid('auditor_quorum is above the number of auditors.');
  }
  return cosigners;
}

function parseCosigner(vkey: string, kind: CosignerKind): Cosigner {
  let key: Cosigner['key'];
  try {
    key = parseVerifierKey(vkey);
  } catch (cause) {
    throw invalid(`${vkey} is no verifier key.`, cause);
  }
  if (key.type !== ED25519_COSIGNATURE) throw invalid(`${vkey} signs notes, but no cosignatures.`);
  return { key, kind };
}

function invalid(detail: string, cause?: unknown): CountersignError {
  return new CountersignError('config_invalid', `key_log: ${detail}`, { cause });
}
