import * as z from 'zod/mini';
import { compactJws, digest, entityId, id, seconds } from './claims.ts';
import { signedStatementSchema } from './key-statement.ts';
import { LOG_STAPLE_MAX } from './keytrans/limits.ts';

/** Versions in one answer: some 1.5 KB each. */
export const HISTORY_PAGE = 200;

const logProof = z.string().check(z.minLength(1), z.maxLength(LOG_STAPLE_MAX));
const address = z.string().check(z.minLength(1), z.maxLength(254));

/** Who caused a version, as the bridge says: a claim, that no signature covers. */
const cause = z.discriminatedUnion('kind', [
  /** The person, on this device. */
  z.strictObject({ kind: z.literal('person'), device: z.optional(id) }),
  z.strictObject({
    kind: z.literal('administrator'),
    id,
    name: z.optional(z.string().check(z.maxLength(512))),
  }),
  z.strictObject({ kind: z.literal('bridge') }),
]);

/** `GET /v1/me/key-history`: versions of one of the person's addresses, from `from` on, without a gap but for `erased`. */
export const keyHistorySchema = z.strictObject({
  iss: entityId,
  address,
  online_keys: compactJws,
  versions: z
    .array(
      z.strictObject({
        ...signedStatementSchema.shape,
        /** When the epoch closed that has it; null while it is not in the log. */
        logged: z.nullable(seconds),
        /** Null where the bridge does not say. */
        by: z.nullable(cause),
        /** What an administrator wrote about it, as it was written: not made safe for a terminal. */
        said: z.optional(z.string().check(z.maxLength(512))),
      }),
    )
    .check(z.maxLength(HISTORY_PAGE)),
  /**
   * Versions between and behind these whose person was erased: what stood in them is forgotten. They begin with the first of
   * an address or behind a revocation, and an enrolment that begins anew follows on them.
   */
  erased: z.optional(z.array(z.int().check(z.nonnegative())).check(z.maxLength(HISTORY_PAGE))),
  /** There are versions behind the last of these. */
  more: z.boolean(),
  /**
   * Log proofs of the newest version, with the last of the versions only. The first in the best checkpoint, as look-ups
   * staple it; the other in the newest one of all, where that is another.
   */
  log_proof: z.optional(logProof),
  newest_log_proof: z.optional(logProof),
});

export type KeyHistory = z.infer<typeof keyHistorySchema>;
export type KeyHistoryCause = z.infer<typeof cause>;

export const keyHistoryQuerySchema = z.strictObject({
  /** The address that the person has keys for, or their primary one, if absent. */
  address: z.optional(address),
  from: z.optional(z.string().check(z.regex(/^(0|[1-9][0-9]{0,9})$/))),
});

/** What a person's own client can find wrong with their keys. */
export const KEY_FINDINGS = [
  /** A version with a key that the person did not make. */
  'unrecognized_version',
  /** Versions are missing, doubled, or do not continue each other. */
  'history_broken',
  /** The newest version of the history is not the newest in the log, or not in it. */
  'not_in_log',
  /** The log shows an older state than it has shown before. */
  'log_rolled_back',
  /** The log has stood still for longer than the policy allows. */
  'log_frozen',
  /** The log signed two trees that contradict each other. */
  'log_split',
  /** The bridge has not answered for so long that nothing can be said. */
  'not_checked',
] as const;

export type KeyFindingKind = (typeof KEY_FINDINGS)[number];

/** `POST /v1/me/key-findings` → 204: what the person's client found, for the company's security people. */
export const keyFindingSchema = z.strictObject({
  finding: z.enum(KEY_FINDINGS),
  address,
  /** The version that it is about, and the hash of its statement. */
  version: z.optional(z.int().check(z.nonnegative())),
  statement_hash: z.optional(digest),
  /** The error that the client met, where there was one. */
  code: z.optional(z.string().check(z.regex(/^[a-z_]{1,64}$/))),
});

export type KeyFindingReport = z.infer<typeof keyFindingSchema>;
