import * as z from 'zod/mini';
import { utf8 } from './bytes.ts';
import type { Json } from './canonical-json.ts';
import { compactJws, entityId, seconds } from './claims.ts';
import { CountersignError } from './errors.ts';
import { LOG_STAPLE_MAX } from './keytrans/limits.ts';
import { verifyLogStaple } from './keytrans/log-proof.ts';
import type { LogLevel } from './keytrans/log-trust.ts';
import { verifyLoggedVersion } from './keytrans/version-proof.ts';
import { LOST, LostVersions } from './lost-versions.ts';
import { type OnlineKeys, verifyOnlineKeys } from './online-keys.ts';
import type { TrustContext } from './published-trust.ts';
import { logOrigin } from './tlog/checkpoint.ts';

/** Changes in one answer of a bridge: some 6 KB each with their proofs. */
export const TRUST_CHANGES_PAGE = 100;

/** As long as a connection's settings can make it, with some room. */
const VALUE_MAX = 1_048_576;
/** The longest name that the log can hold. */
const NAME_MAX = 254;

const logProof = z.string().check(z.minLength(1), z.maxLength(LOG_STAPLE_MAX));

const change = z.strictObject({
  name: z.string().check(z.minLength(1), z.maxLength(NAME_MAX)),
  /** From 0. */
  version: z.int().check(z.nonnegative()),
  /** The bytes that the log commits to, as text; null where they are lost, which a later version must say. */
  value: z.nullable(z.string().check(z.maxLength(VALUE_MAX))),
  /** That this version has its entry; null while it has none. */
  version_proof: z.nullable(logProof),
  /** That it is the newest of its name, with the newest alone; null while it has no entry. */
  log_proof: z.optional(z.nullable(logProof)),
});

/**
 * Whom a bridge trusts, and everything that ever changed in it: connections, domains, partners, administrators, keys. Name
 * by name, each by version. The values with their openings are for administrators, and for the auditors whom they give them.
 */
export const trustChangesSchema = z.strictObject({
  iss: entityId,
  online_keys: compactJws,
  changes: z.array(change),
  /** Where the next page begins; null behind the last. */
  next: z.nullable(z.strictObject({ name: z.string().check(z.maxLength(NAME_MAX)), version: z.int() })),
});

export type TrustChanges = z.infer<typeof trustChangesSchema>;

/** One change as the log has it. */
export interface LoggedChange {
  readonly name: string;
  readonly version: number;
  /** What was done, where the value says it; records of companies say only how they stand. `lost-versions`: of what was lost, where that was. */
  readonly change: string | null;
  readonly by: Json;
  /** Seconds, as the bridge wrote it when it was staged; null of records. */
  readonly at: number | null;
  /** Null: lost, as a later version in the log says. */
  readonly value: { readonly [member: string]: Json } | null;
  /** Null: it is waiting for its epoch, or lost. */
  readonly logged: { readonly index: number; readonly epoch: number; readonly time: number } | null;
  readonly isNewest: boolean;
}

export interface VerifiedTrustChanges {
  readonly onlineKeys: OnlineKeys;
  readonly changes: readonly LoggedChange[];
  /** The lowest that any of the proofs reaches; null where nothing is logged yet. */
  readonly level: LogLevel | null;
  /**
   * The oldest epoch, with its seconds, as of which the newest are shown to be that: nothing here says what came behind it.
   * Null where nothing is logged yet.
   */
  readonly asOf: { readonly epoch: number; readonly time: number } | null;
}

/**
 * Verifies offline that a list of changes is what the log has: each value is the one that was committed to, each name's
 * versions follow on each other without a gap, and the last of each is the newest. Lost is only what the log says is lost:
 * else whoever wants to hide a change would say so. All pages must be there, as one. What cannot be seen by this: names
 * that the list does not have at all, and what a version was that is lost.
 *
 * Throws `log_proof` for a version that is missing, doubled, another's or unproven, and what `verifyOnlineKeys`, `verifyLoggedVersion`
 * and `verifyLogStaple` throw.
 */
export async function verifyTrustChanges(
  { iss, online_keys: token, changes }: TrustChanges,
  { entityId, rootThumbprint, leastSerial = 0, trust, now }: TrustContext,
): Promise<VerifiedTrustChanges> {
  if (iss !== entityId) throw new CountersignError('jws_issuer', `expected ${entityId}`);
  const onlineKeys = await verifyOnlineKeys(token, { iss, rootThumbprint, leastSerial }, now);
  const log = { origin: logOrigin(iss), logKeys: onlineKeys.all('log'), trust, now };
  const verified: LoggedChange[] = [];
  const levels: LogLevel[] = [];
  let asOf: VerifiedTrustChanges['asOf'] = null;
  const begun = new Set<string>();
  const lost = new LostVersions();
  for (const [at, each] of changes.entries()) {
    const { name, version } = each;
    assertFollows(changes[at - 1], each, begun);
    const isNewest = changes[at + 1]?.name !== name;
    if (each.value === null) {
      lost.claim(each);
      verified.push({ name, version, ...NOTHING_KNOWN, isNewest });
      continue;
    }
    const claim = { ...log, kind: 'trust-change', name, version, value: utf8(each.value) } as const;
    const entry = each.version_proof;
    const logged = entry === null ? null : await verifyLoggedVersion({ ...claim, proof: entry });
    if (logged !== null) levels.push(logged.level);
    const staple = isNewest ? (each.log_proof ?? null) : null;
    if (staple !== null) {
      const { level, epoch, time } = await verifyLogStaple({ ...claim, staple });
      levels.push(level);
      if (asOf === null || epoch < asOf.epoch) asOf = { epoch, time };
    }
    if (logged === null && !isNewest) throw refused(name, version, 'has no entry, but a later version');
    if (logged !== null && isNewest && staple === null)
      throw refused(name, version, 'is not shown to be the newest');
    const read = { ...readValue({ name, version, value: each.value }, iss), logged, isNewest };
    lost.explain(read);
    verified.push(read);
  }
  lost.assertExplained();
  return { onlineKeys, changes: verified, level: lowest(levels), asOf };
}

type Change = TrustChanges['changes'][number];

/** Name by name, each from version 0 on: a name that came twice could hide versions in between. */
function assertFollows(before: Change | undefined, { name, version }: Change, begun: Set<string>): void {
  const isFirst = before?.name !== name;
  if (version !== (isFirst ? 0 : before.version + 1) || (isFirst && begun.has(name))) {
    throw refused(name, version, 'does not follow on the one before');
  }
  begun.add(name);
}

/** `lost-versions`: what a bridge that recovered a lost store wrote behind versions of a name that nobody has any more. */
const LABELLED = /^countersign\/(trust-change|lost-versions)\/v1\n/;

const valueSchema = z.looseObject({
  iss: z.string(),
  name: z.optional(z.string()),
  entity_id: z.optional(z.string()),
  version: z.int(),
  change: z.optional(z.string()),
  at: z.optional(seconds),
});

/** A value that says that it is another's, or of no known form, is none: its bytes are what they are all the same. */
function readValue(
  { name, version, value }: { readonly name: string; readonly version: number; readonly value: string },
  iss: string,
): Omit<LoggedChange, 'logged' | 'isNewest'> {
  const [prefix, label] = LABELLED.exec(value) ?? [];
  const said = valueSchema.safeParse(
    prefix === undefined ? undefined : parseJson(value.slice(prefix.length)),
  ).data;
  if (said === undefined || said.iss !== iss) throw refused(name, version, 'is of no known form');
  const isRecord = said.name === undefined;
  const named = said.name ?? said.entity_id ?? said.iss;
  if (named !== name || said.version !== (isRecord ? version + 1 : version)) {
    throw refused(name, version, 'says that it is another');
  }
  const members = said as { readonly [member: string]: Json };
  const { at = null } = said;
  const change = label === LOST ? LOST : (said.change ?? null);
  return { name, version, change, by: members.by ?? null, at, value: members };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const NOTHING_KNOWN = { change: null, by: null, at: null, value: null, logged: null } as const;

const LEVELS: readonly LogLevel[] = ['logged', 'witnessed', 'audited'];

function lowest(levels: readonly LogLevel[]): LogLevel | null {
  return LEVELS.find((level) => levels.includes(level)) ?? null;
}

function refused(name: string, version: number, what: string): CountersignError {
  return new CountersignError('log_proof', `version ${version} of ${name} ${what}`);
}
