import { decodeBase64url, encodeBase64url } from '../protocol/base64url.ts';
import { equalBytes } from '../protocol/bytes.ts';
import { CountersignError, isCountersignError } from '../protocol/errors.ts';
import { cosignersOf, standingOf } from '../protocol/keytrans/log-trust.ts';
import { type OnlineKeys, verifyOnlineKeys } from '../protocol/online-keys.ts';
import { logOrigin, openCheckpoint } from '../protocol/tlog/checkpoint.ts';
import { logVerifierKeys } from '../protocol/tlog/log-keys.ts';
import { verifyConsistency } from '../protocol/tlog/merkle.ts';
import { compareCheckpoints, type SplitView } from '../protocol/tlog/split-view.ts';
import type { ClientContext } from './context.ts';
import { changeLogPin, keepingEvidence, seeCheckpoint, seenOf, withEvidence } from './log-pins.ts';
import { type LogReading, readLogOf } from './log-reading.ts';
import { readBeginning } from './log-tiles.ts';
import type { LogCheck } from './own-key-answers.ts';
import { fetchOnlineKeys } from './own-online-keys.ts';
import { createPinDraft } from './pin-draft.ts';
import type { CheckpointPin, Pins } from './pin-store.ts';
import { SplitViewError } from './split-view-error.ts';

/**
 * Reads an issuer's newest checkpoint, and the proofs, from its tiles, that it continues every checkpoint that was seen
 * before. Throws `SplitViewError` (the evidence is kept with the pins too), `issuer_unknown`, `log_proof` when the tiles
 * prove nothing, and what does not verify or cannot be read.
 */
export async function checkLog(context: ClientContext, issuer: string): Promise<LogCheck> {
  const before = await context.pins.read();
  const reading = readLogOf(context, issuer);
  const keys = await issuerKeys(context, before, issuer);
  const shown = await openShown(context, await reading.checkpoint(), keys.onlineKeys);
  await rememberShown(context, issuer, keys, shown);
  return joinCheckpoints(context, issuer, keys, reading);
}

/** An issuer's online keys, verified under its pinned root. */
export interface IssuerKeys {
  readonly token: string;
  readonly onlineKeys: OnlineKeys;
}

/** Throws `issuer_unknown` for whom nothing is pinned. */
export async function issuerKeys(context: ClientContext, pins: Pins, issuer: string): Promise<IssuerKeys> {
  const expected = { iss: issuer, ...pinnedRootOf(context, pins, issuer) };
  const token = await fetchOnlineKeys(context, issuer);
  return { token, onlineKeys: await verifyOnlineKeys(token, expected, context.now()) };
}

/** Throws `issuer_unknown` for whom nothing is pinned. */
export function pinnedRootOf(
  context: ClientContext,
  pins: Pins,
  issuer: string,
): { readonly rootThumbprint: string; readonly leastSerial: number } {
  const partner = pins.issuers[issuer];
  const own = issuer === context.issuer ? pins.own : null;
  const rootThumbprint = own?.root_thumbprint ?? partner?.root_thumbprint;
  if (rootThumbprint === undefined) throw new CountersignError('issuer_unknown', issuer);
  return { rootThumbprint, leastSerial: Math.max(own?.serial ?? 0, partner?.serial ?? 0) };
}

/** The checkpoint that a log shows everybody, verified under the pinned policy. */
export async function openShown(
  context: ClientContext,
  note: string,
  onlineKeys: OnlineKeys,
): Promise<CheckpointPin> {
  const logKeys = logVerifierKeys(onlineKeys);
  const cosigners = cosignersOf(context.policy.log, logKeys);
  const { checkpoint, verified } = await openCheckpoint(note, {
    origin: logOrigin(onlineKeys.iss),
    logKeys,
    cosigners: [...cosigners.witnesses, ...cosigners.auditors],
  });
  const now = context.now();
  const { level } = standingOf(verified, cosigners, context.policy.log, { epochTime: now, now });
  const { size, root } = checkpoint;
  return { size, root: encodeBase64url(root), epoch: null, time: now, level, note };
}

/** As `seeCheckpoint` does; but what the log shows to everybody may well be a little older than what was stapled. */
export async function rememberShown(
  context: ClientContext,
  issuer: string,
  { token, onlineKeys }: IssuerKeys,
  pin: CheckpointPin,
): Promise<void> {
  const known = { entity_id: issuer, root_thumbprint: onlineKeys.rootThumbprint };
  await keepingEvidence(context, issuer, () =>
    context.pins.update(async (pins) => {
      const draft = createPinDraft(pins);
      await seeCheckpoint(context, draft, { issuer: known, onlineKeys: token, pin }, context.now());
      return { pins: draft.pins(), result: undefined };
    }),
  );
}

/** The proofs that the newest of all checkpoints seen continues each of the others; then it alone is remembered. */
export async function joinCheckpoints(
  context: ClientContext,
  issuer: string,
  keys: IssuerKeys,
  reading: Pick<LogReading, 'tile'> = readLogOf(context, issuer),
): Promise<LogCheck> {
  const known = (await context.pins.read()).logs[issuer];
  if (known === undefined) throw new CountersignError('checkpoint_unknown');
  const seen = seenOf(known);
  const newest = seen.at(-1) ?? known.anchor;
  for (const older of seen.slice(0, -1)) {
    const evidence = await contradiction(older, newest, issuer, keys, reading);
    if (evidence === undefined) continue;
    await changeLogPin(context, issuer, (log) => withEvidence(log, evidence));
    throw new SplitViewError(evidence, issuer);
  }
  await changeLogPin(context, issuer, (log) => ({
    ...log,
    anchor: newest,
    unproven: log.unproven.filter(({ size }) => !seen.some((proved) => proved.size === size)),
  }));
  return { issuer, size: newest.size, level: newest.level, continued: seen.length - 1 };
}

/** Undefined where the newer one continues the older. Null: it does not, but what shows it cannot be signed any more. */
async function contradiction(
  older: CheckpointPin,
  newer: CheckpointPin,
  issuer: string,
  { token, onlineKeys }: IssuerKeys,
  { tile }: Pick<LogReading, 'tile'>,
): Promise<SplitView | null | undefined> {
  if (older.size === 0) return undefined;
  const beginning = await readBeginning(tile, older.size, newer.size);
  const newRoot = decodeBase64url(newer.root, 32);
  verifyConsistency({
    ...{ oldSize: older.size, oldRoot: beginning.root, newSize: newer.size, newRoot },
    proof: beginning.proof,
  });
  if (equalBytes(beginning.root, decodeBase64url(older.root, 32))) return undefined;
  const log = { origin: logOrigin(issuer), logKeys: logVerifierKeys(onlineKeys), onlineKeys: token };
  try {
    return await compareCheckpoints([older.note, newer.note], log, async () => beginning);
  } catch (error) {
    if (isCountersignError(error, 'note_signature')) return null;
    throw error;
  }
}
