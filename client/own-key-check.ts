import { CountersignError, type ErrorCode, isCountersignError } from '../protocol/errors.ts';
import type { KeyFindingKind } from '../protocol/key-history.ts';
import { issuerKeys, joinCheckpoints, openShown, rememberShown } from './check-log.ts';
import { type CheckedHistory, erasedSinceOwn, readAddressHistory } from './key-history.ts';
import { readLogOf } from './log-reading.ts';
import { otherAddresses, readOtherHistory } from './other-addresses.ts';
import type { ClientParts } from './own-account.ts';
import type { CheckOptions, KeyFinding, KeyVersion, OwnKeyHistory } from './own-key-answers.ts';
import type { CheckpointPin } from './pin-store.ts';
import { reportFinding } from './report-finding.ts';
import { SplitViewError } from './split-view-error.ts';

/** What each of these says of the keys. All that is not here, and does not pass by itself, ends the monitor. */
const MEANINGS: Partial<Record<ErrorCode, KeyFindingKind>> = {
  key_history: 'history_broken',
  statement_forked: 'history_broken',
  version_rollback: 'history_broken',
  statement_signature: 'history_broken',
  claims_invalid: 'history_broken',
  address_invalid: 'history_broken',
  bridge_invalid: 'history_broken',
  forbidden: 'history_broken',
  key_compromised: 'history_broken',
  jws_unknown_key: 'history_broken',
  jws_signature: 'history_broken',
  root_mismatch: 'history_broken',
  serial_rollback: 'history_broken',
  log_proof: 'not_in_log',
  vrf_invalid: 'not_in_log',
  log_origin: 'not_in_log',
  note_malformed: 'not_in_log',
  note_signature: 'not_in_log',
  checkpoint_unknown: 'not_in_log',
  checkpoint_rollback: 'log_rolled_back',
  log_frozen: 'log_frozen',
  log_split_view: 'log_split',
};

/** What one look at the own keys found. */
export interface Found {
  /** Those that were looked at, the one with keys first; none where not even that one is known. */
  readonly addresses: readonly string[];
  readonly findings: readonly KeyFinding[];
  /** What kept us from looking at all of them; what was found at the others counts all the same. */
  readonly failure: CountersignError | null;
}

/** Throws what is no finding: that nobody is signed in, or the bridge is not reached. */
export async function findWrong(parts: ClientParts, wanted: string | undefined): Promise<Found> {
  const { context } = parts;
  let address = wanted ?? (await context.pins.read()).own_key?.address ?? null;
  const findings: KeyFinding[] = [];
  const attempt = async (check: () => Promise<void>) => {
    try {
      await check();
    } catch (error) {
      findings.push(findingOf(error, address));
    }
  };
  await attempt(async () => {
    await parts.ownKeys.current();
    const keys = await issuerKeys(context, await context.pins.read(), context.issuer);
    // Read first: what the log shows everybody must be in what is then shown of this person's keys.
    const shown = await openShown(
      context,
      await readLogOf(context, context.issuer).checkpoint(),
      keys.onlineKeys,
    );
    await rememberShown(context, context.issuer, keys, shown);
    const checked = await readAddressHistory(parts, address ?? undefined);
    address = checked.history.address;
    for (const version of checked.history.unrecognized) findings.push(unrecognized(version));
    findings.push(...erasedFindings(checked.history));
    await attempt(async () => assertNotFrozen(parts, shown, checked));
    await attempt(async () => {
      await joinCheckpoints(context, context.issuer, keys);
    });
  });
  if (wanted !== undefined || address === null) {
    return { addresses: address === null ? [] : [address], findings, failure: null };
  }
  const others = await findAtOthers(parts, address);
  return {
    ...others,
    addresses: [address, ...others.addresses],
    findings: [...findings, ...others.findings],
  };
}

/** One look. Throws what is no finding, unless there are findings to tell. */
export async function checkOwnKeys(
  parts: ClientParts,
  { address, onFinding }: CheckOptions = {},
): Promise<readonly KeyFinding[]> {
  const { findings, failure } = await findWrong(parts, address);
  if (failure !== null && findings.length === 0) throw failure;
  if (onFinding !== undefined) {
    for (const finding of findings) await onFinding(finding);
    // at once: a bridge that lies, and is slow to hear of it, holds nobody up for long
    await Promise.all(findings.map((finding) => reportFinding(parts, finding)));
  }
  return findings;
}

/** At the person's addresses beside the one with keys. What fails there must not hide what was found before it. */
async function findAtOthers(parts: ClientParts, main: string): Promise<Found> {
  const addresses: string[] = [];
  const findings: KeyFinding[] = [];
  try {
    for (const address of await otherAddresses(parts, main)) {
      addresses.push(address);
      findings.push(...(await findAtOther(parts, address, main)));
    }
  } catch (error) {
    if (!isCountersignError(error)) throw error;
    return { addresses, findings, failure: error };
  }
  return { addresses, findings, failure: null };
}

async function findAtOther(parts: ClientParts, address: string, main: string): Promise<KeyFinding[]> {
  try {
    const checked = await readOtherHistory(parts, address, main);
    return (checked?.history.unrecognized ?? []).map(unrecognized);
  } catch (error) {
    return [findingOf(error, address)];
  }
}

function assertNotFrozen({ context }: ClientParts, shown: CheckpointPin, { history }: CheckedHistory): void {
  const demanded = (context.policy.log?.witnessQuorum ?? 0) > 0;
  if (demanded && shown.level === 'logged' && history.level === 'logged') {
    throw new CountersignError('log_frozen', 'no checkpoint was witnessed as lately as the policy demands');
  }
}

function findingOf(error: unknown, address: string | null): KeyFinding {
  const finding = isCountersignError(error) ? MEANINGS[error.code] : undefined;
  if (!isCountersignError(error) || finding === undefined || address === null) throw error;
  const evidence = error instanceof SplitViewError ? error.evidence : null;
  const { code, message } = error;
  return { finding, address, version: null, code, detail: error.detail ?? message, evidence };
}

function unrecognized(version: KeyVersion): KeyFinding {
  const { address, version: number, status } = version.statement;
  const detail = `version ${number} (${status}) has a key that this person did not make`;
  return { finding: 'unrecognized_version', address, version, code: version.problem, detail, evidence: null };
}

/** Who has had the address in between was erased: nothing of that can be judged any more, which is told once. */
function erasedFindings(history: OwnKeyHistory): KeyFinding[] {
  const versions = erasedSinceOwn(history);
  if (versions.length === 0) return [];
  const { address } = history;
  const detail = `what stood in version ${versions.join(', ')}, which this person did not make, is erased`;
  return [{ finding: 'unrecognized_version', address, version: null, code: null, detail, evidence: null }];
}
