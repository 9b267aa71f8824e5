import type { VerifierKey } from '../../protocol/tlog/verifier-key.ts';
import type { Query } from '../storage/database.ts';
import { type CosignerKind, keyIdText, readCosignatures } from './cosignature-store.ts';
import type { LogName } from './log-heads.ts';

type KeyName = Pick<VerifierKey, 'name' | 'keyId'>;

/** A checkpoint that somebody cosigned. */
export interface Cosigned {
  readonly size: number;
  /** When, as the cosigner says; seconds. */
  readonly time: number;
}

/** What this key cosigned last of the log, and when; the largest checkpoint of several at one time. */
export async function lastCosigned(
  query: Query,
  log: LogName,
  { name, keyId }: KeyName,
): Promise<Cosigned | undefined> {
  return query
    .selectFrom('log_cosignatures')
    .select(['size', 'time'])
    .where('log', '=', log)
    .where('key_name', '=', name)
    .where('key_id', '=', keyIdText(keyId))
    .orderBy('time', 'desc')
    .orderBy('size', 'desc')
    .limit(1)
    .executeTakeFirst();
}

/**
 * Since when `needed` of the keys of this kind have seen the checkpoint of this size, at the youngest: the time of the
 * `needed`-th newest cosignature, which is the age that verifiers go by. Seconds; `undefined` where fewer have.
 */
export async function quorumTime(
  query: Query,
  log: LogName,
  size: number,
  quorum: { readonly kind: CosignerKind; readonly keys: readonly KeyName[]; readonly needed: number },
): Promise<number | undefined> {
  const counted = new Set(quorum.keys.map(({ name, keyId }) => `${name} ${keyIdText(keyId)}`));
  const times = (await readCosignatures(query, log, size))
    .filter(({ kind, key_name, key_id }) => kind === quorum.kind && counted.has(`${key_name} ${key_id}`))
    .map(({ time }) => time)
    .sort((one, other) => other - one);
  return times[quorum.needed - 1];
}
