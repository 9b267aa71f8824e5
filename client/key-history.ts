import { CountersignError, type ErrorCode, isCountersignError } from '../protocol/errors.ts';
import { statementKey } from '../protocol/key-binding.ts';
import { type KeyHistory, keyHistorySchema } from '../protocol/key-history.ts';
import { type KeyStatement, statementHash, verifyStatement } from '../protocol/key-statement.ts';
import type { VerifiedLog } from '../protocol/keytrans/log-proof.ts';
import { verifyLoggedStatement } from '../protocol/keytrans/logged-statement.ts';
import { type OnlineKeys, verifyOnlineKeys } from '../protocol/online-keys.ts';
import { thumbprint } from '../protocol/public-key.ts';
import type { ClientContext } from './context.ts';
import { checkpointOf, shortfallOf } from './level-shortfall.ts';
import { keepingEvidence, seeCheckpoint, seenOf } from './log-pins.ts';
import { askWhoIAm, type ClientParts } from './own-account.ts';
import type { KeyMark, KeyVersion, OwnKeyHistory } from './own-key-answers.ts';
import { ownSigs } from './own-keys.ts';
import { createPinDraft } from './pin-draft.ts';
import type { CheckpointPin, Pins } from './pin-store.ts';

/** A history with what a monitor goes on with. */
export interface CheckedHistory {
  readonly history: OwnKeyHistory;
  /** The newest checkpoint of the log, in which the newest version was found. */
  readonly newest: CheckpointPin;
  readonly onlineKeys: OnlineKeys;
  readonly token: string;
}

/**
 * Reads and verifies the history of one of the person's addresses, the one with keys by default. `keysOf`: at which address the
 * person has keys, where that is another: what a look-up pinned here is nobody's word but the bridge's. Throws `key_history` for versions that do not continue each
 * other, `statement_forked` and `version_rollback` for others than this device saw, `log_proof` where the log does not have
 * the last one as the newest, `checkpoint_rollback` for an older log than was seen, `not_enrolled`, and what else does not
 * verify.
 */
export async function readAddressHistory(
  parts: ClientParts,
  wanted?: string,
  keysOf?: string,
): Promise<CheckedHistory> {
  const { context, ownKeys } = parts;
  const { sub } = await askWhoIAm(parts);
  await ownKeys.current();
  const shown = await fetchHistory(parts, wanted);
  const pins = await context.pins.read();
  const onlineKeys = await bridgeKeys(context, pins, shown.online_keys);
  const { address } = shown;
  const sigs = ownSigs(pins, keysOf ?? address);
  const versions = await verifyVersions(shown, { address, sub, onlineKeys, sigs });
  const erased = shown.erased ?? [];
  assertContinuesPins(context, pins, { address, versions, erased });
  const last = versions.at(-1);
  // Whoever had the address last is erased, and nobody has enrolled it since.
  if (last === undefined || erased.some((version) => version > last.statement.version)) {
    if (erasedSinceOwn({ versions, erased }).length === 0) throw new CountersignError('not_enrolled');
    throw new CountersignError('key_history', 'what followed on this person’s own key is erased');
  }
  const proofs = await verifyProofs(context, shown, last.statement, onlineKeys);
  await remember(context, shown.online_keys, onlineKeys, proofs, versions);
  const { best, newest } = proofs;
  const history = {
    ...{
      address,
      versions,
      erased,
      level: best.log.level,
      epoch: newest.log.epoch,
      epochTime: newest.log.time,
    },
    age: Math.max(0, context.now() - best.log.asOf),
    shortOf: shortfallOf(best.log, best.pin.note, context.policy.log),
    unrecognized: unrecognizedOf(versions),
    others: [],
  };
  return { history, newest: newest.pin, onlineKeys, token: shown.online_keys };
}

/** All pages as one. A bridge that never ends is not followed further than versions can count. */
async function fetchHistory({ context, api }: ClientParts, wanted: string | undefined): Promise<KeyHistory> {
  const versions: KeyHistory['versions'] = [];
  const erased: number[] = [];
  const named = wanted === undefined ? '' : `&address=${encodeURIComponent(wanted)}`;
  for (;;) {
    const path = `/v1/me/key-history?from=${versions.length + erased.length}${named}`;
    const page = await api.get(path, keyHistorySchema);
    if (page.iss !== context.issuer || (wanted !== undefined && page.address !== wanted)) {
      throw new CountersignError('bridge_invalid', 'the history is another one than asked for');
    }
    versions.push(...page.versions);
    erased.push(...(page.erased ?? []));
    if (!page.more) return { ...page, versions, erased };
    const isEmpty = page.versions.length === 0 && (page.erased ?? []).length === 0;
    if (isEmpty || versions.length + erased.length > VERSIONS_MAX) {
      throw new CountersignError('bridge_invalid', 'the history has no end');
    }
  }
}

/** A key a day for two centuries. */
const VERSIONS_MAX = 100_000;

async function bridgeKeys(context: ClientContext, { own }: Pins, token: string): Promise<OnlineKeys> {
  if (own === null) throw new CountersignError('internal');
  const expected = { iss: context.issuer, rootThumbprint: own.root_thumbprint, leastSerial: own.serial };
  return verifyOnlineKeys(token, expected, context.now());
}

interface OwnAddress {
  readonly address: string;
  readonly sub: string;
  readonly onlineKeys: OnlineKeys;
  /** Thumbprints that this device knows. */
  readonly sigs: ReadonlySet<string>;
}

async function verifyVersions({ versions, erased = [] }: KeyHistory, own: OwnAddress): Promise<KeyVersion[]> {
  const gone = new Set(erased);
  const verified: KeyVersion[] = [];
  let shownBefore = 0;
  for (let version = 0; shownBefore < versions.length || gone.size > 0; version++) {
    const isGone = gone.delete(version);
    const shown = versions[shownBefore];
    const last = verified.at(-1);
    if (isGone) {
      assertErasable(version, last?.statement);
      continue;
    }
    if (shown === undefined) throw missing(version);
    shownBefore += 1;
    const { statement, signatures, logged, by, said } = shown;
    const before = last?.statement.version === version - 1 ? last : undefined;
    if (before === undefined && version > 0) assertBegunAnew(statement);
    assertNext(statement, before?.statement, version, own);
    const problem = await verifySigners({ statement, signatures }, before?.statement, own.onlineKeys);
    const mark = markOf(statement, before, own);
    verified.push({ statement, mark, logged, by, said: said ?? null, problem });
  }
  return verified;
}

/** Only closed persons are erased: what would follow on somebody's active key was not the key of one. */
function assertErasable(version: number, before: KeyStatement | undefined): void {
  if (before !== undefined && before.status !== 'revoked') throw missing(version);
}

/** Behind versions that are erased somebody enrolled, whom the bridge vouches for. */
function assertBegunAnew({ status, reason, version }: KeyStatement): void {
  if (status !== 'active' || reason === undefined) throw missing(version);
}

/** What an erased statement was cannot be compared any more. */
function assertNext(
  statement: KeyStatement,
  before: KeyStatement | undefined,
  version: number,
  { address, onlineKeys }: OwnAddress,
): void {
  const isContinued =
    before === undefined
      ? (statement.prev === null) === (version === 0)
      : statement.prev === statementHash(before);
  const isNext =
    statement.version === version &&
    isContinued &&
    statement.address === address &&
    statement.iss === onlineKeys.iss;
  if (!isNext) throw missing(version);
}

function missing(version: number): CountersignError {
  return new CountersignError('key_history', `version ${version} is missing, doubled, or another’s`);
}

/** What the bridge signed with a key that was compromised later cannot be told from a forgery; the rest of the chain can. */
async function verifySigners(
  signed: Parameters<typeof verifyStatement>[0],
  before: KeyStatement | undefined,
  onlineKeys: OnlineKeys,
): Promise<ErrorCode | null> {
  const previous = before === undefined ? {} : { previous: before.keys[1] };
  const { statement } = signed;
  try {
    await verifyStatement(signed, {
      ...previous,
      bridgeKey: (kid) => statementKey(onlineKeys, kid, statement),
    });
    return null;
  } catch (error) {
    if (isCountersignError(error, 'key_compromised')) return error.code;
    throw error;
  }
}

function markOf(statement: KeyStatement, before: KeyVersion | undefined, { sigs, sub }: OwnAddress): KeyMark {
  if (sigs.has(thumbprint(statement.keys[1]))) return 'own';
  const begunAnew = statement.reason !== undefined && statement.status === 'active';
  const sameKey =
    before !== undefined && thumbprint(before.statement.keys[1]) === thumbprint(statement.keys[1]);
  const continues = before !== undefined && before.mark !== 'unrecognized' && statement.sub === sub;
  // A revocation changes no key, whatever keys it names; all else without a reason was signed by the key before.
  if (!continues || begunAnew || (statement.status === 'revoked' && !sameKey)) return 'unrecognized';
  return 'continued';
}

/** What was there before the person's first key is not theirs to judge: somebody else may have had the address. */
function unrecognizedOf(versions: readonly KeyVersion[]): KeyVersion[] {
  const first = versions.findIndex(({ mark }) => mark !== 'unrecognized');
  return versions.filter(({ mark }, index) => mark === 'unrecognized' && index > first);
}

/** A bridge that made a key in the person's name must not get rid of it so: these are as little theirs as unrecognized ones. */
export function erasedSinceOwn({ versions, erased }: Pick<OwnKeyHistory, 'versions' | 'erased'>): number[] {
  const first = versions.find(({ mark }) => mark !== 'unrecognized')?.statement.version;
  return first === undefined ? [] : erased.filter((version) => version > first);
}

/** The versions that this device saw are among these. */
function assertContinuesPins(
  { issuer }: ClientContext,
  { addresses, revoked }: Pins,
  { address, versions, erased }: Pick<OwnKeyHistory, 'address' | 'versions' | 'erased'>,
): void {
  for (const pin of [addresses[address], revoked?.[address]]) {
    if (pin === undefined || pin.iss !== issuer) continue;
    if (erased.includes(pin.version)) continue;
    const same = versions.find(({ statement }) => statement.version === pin.version);
    if (same === undefined) {
      throw new CountersignError(
        'version_rollback',
        `version ${pin.version} was seen, and is not in the history`,
      );
    }
    if (statementHash(same.statement) !== pin.statement_hash) {
      throw new CountersignError('statement_forked', `there are two versions ${pin.version}`);
    }
  }
}

interface Proof {
  readonly log: VerifiedLog;
  readonly pin: CheckpointPin;
}

interface Proofs {
  /** In the checkpoint that the most have seen. */
  readonly best: Proof;
  /** In the newest one of all. */
  readonly newest: Proof;
}

async function verifyProofs(
  context: ClientContext,
  { log_proof, newest_log_proof }: KeyHistory,
  statement: KeyStatement,
  onlineKeys: OnlineKeys,
): Promise<Proofs> {
  const verify = async (staple: string): Promise<Proof> => {
    const trusted = { trust: context.policy.log, now: context.now() };
    const log = await verifyLoggedStatement(staple, statement, onlineKeys, trusted);
    return { log, pin: checkpointOf(staple, log) };
  };
  if (log_proof === undefined) {
    throw new CountersignError('log_proof', 'the newest version of the history is not in the log');
  }
  const best = await verify(log_proof);
  return { best, newest: newest_log_proof === undefined ? best : await verify(newest_log_proof) };
}

/**
 * Pins the newest checkpoint. Of their own keys people are told as of now: an older log than was ever seen here, which
 * others' answers may come from for a while, would hide what happened since.
 */
async function remember(
  context: ClientContext,
  token: string,
  { rootThumbprint }: OnlineKeys,
  { best, newest }: Proofs,
  versions: readonly KeyVersion[],
): Promise<void> {
  const issuer = { entity_id: context.issuer, root_thumbprint: rootThumbprint };
  await keepingEvidence(context, context.issuer, () =>
    context.pins.update(async (pins) => {
      const draft = createPinDraft(pins);
      const known = draft.log(context.issuer);
      const seen = known === undefined ? undefined : seenOf(known).at(-1);
      for (const { pin } of [best, newest]) {
        await seeCheckpoint(context, draft, { issuer, onlineKeys: token, pin }, context.now());
      }
      if (seen !== undefined && newest.pin.size < seen.size) {
        throw new CountersignError('checkpoint_rollback', `the log had ${seen.size} entries before`);
      }
      return { pins: withContinued(draft.pins(), versions), result: undefined };
    }),
  );
}

/** Keys that a known key continued are known from now on. */
function withContinued(pins: Pins, versions: readonly KeyVersion[]): Pins {
  const { own_key: own } = pins;
  const address = versions[0]?.statement.address;
  if (own === null || own.address !== address) return pins;
  const recognized = versions.filter(
    ({ mark, statement }) => mark !== 'unrecognized' && statement.status === 'active',
  );
  const sigs = [
    ...new Set([...own.sigs, ...recognized.map(({ statement }) => thumbprint(statement.keys[1]))]),
  ];
  return sigs.length === own.sigs.length ? pins : { ...pins, own_key: { ...own, sigs } };
}
