import { CountersignError, type ErrorCode, isCountersignError } from '../protocol/errors.ts';
import type { KeyFindingKind } from '../protocol/key-history.ts';
import { statementHash } from '../protocol/key-statement.ts';
import { issuerKeys, joinCheckpoints, openShown, rememberShown } from './check-log.ts';
import type { CheckedHistory } from './key-history.ts';
import { readKeyHistory } from './key-history.ts';
import { readLogOf } from './log-reading.ts';
import type { ClientParts } from './own-account.ts';
import type { KeyFinding, KeyVersion, MonitorOptions } from './own-key-answers.ts';
import type { CheckpointPin } from './pin-store.ts';
import { SplitViewError } from './split-view-error.ts';
import { pause } from './waiting.ts';
import { PASSING, watch } from './watch.ts';

const INTERVAL_S = 600;
const LEAST_INTERVAL_S = 5;

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

/**
 * Watches over the person's own keys until the signal is aborted: at once, at every change of the address that is heard
 * of, and after every interval. What is found is told to the application and reported to the bridge, which reports it to
 * the company's security people. Throws what ends it: `sign_in_required`, a faulty policy.
 */
export async function monitorOwnKeys(parts: ClientParts, options: MonitorOptions): Promise<void> {
  const { onFinding, signal } = options;
  const stop = signal ?? new AbortController().signal;
  const told = new Set<string>();
  const bell = listen(parts, stop);
  while (!stop.aborted) {
    const { address, findings } = await findWrong(parts, options.address);
    for (const finding of findings) {
      const name = nameOf(finding);
      if (stop.aborted || told.has(name)) continue;
      told.add(name);
      await onFinding(finding);
      await report(parts, finding);
    }
    bell.follow(address);
    const seconds = Math.max(options.intervalSeconds ?? INTERVAL_S, LEAST_INTERVAL_S);
    await Promise.race([bell.heard(), pause(seconds * 1000, stop).catch(() => undefined)]);
  }
}

/** Looks once. Throws what is no finding: that nobody is signed in, or the bridge is not reached. */
export async function checkOwnKeys(parts: ClientParts, address?: string): Promise<readonly KeyFinding[]> {
  return (await findOnce(parts, address)).findings;
}

interface Found {
  /** Null where not even that is known. */
  readonly address: string | null;
  readonly findings: readonly KeyFinding[];
}

/** What passes by itself is looked at again after the next interval. */
async function findWrong(parts: ClientParts, address: string | undefined): Promise<Found> {
  try {
    return await findOnce(parts, address);
  } catch (error) {
    if (isCountersignError(error) && PASSING.has(error.code))
      return { address: address ?? null, findings: [] };
    throw error;
  }
}

async function findOnce(parts: ClientParts, wanted: string | undefined): Promise<Found> {
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
    const checked = await readKeyHistory(parts, address ?? undefined);
    address = checked.history.address;
    for (const version of checked.history.unrecognized) findings.push(unrecognized(version));
    await attempt(async () => assertNotFrozen(parts, shown, checked));
    await attempt(async () => {
      await joinCheckpoints(context, context.issuer, keys);
    });
  });
  return { address, findings };
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

function nameOf({ finding, version, code }: KeyFinding): string {
  return `${finding} ${version === null ? '' : statementHash(version.statement)} ${code}`;
}

/** To the bridge, which may be the one that lies: the application was told before, whatever comes of this. */
async function report({ api }: ClientParts, { finding, address, version, code }: KeyFinding): Promise<void> {
  const about =
    version === null
      ? {}
      : { version: version.statement.version, statement_hash: statementHash(version.statement) };
  const body = { finding, address, ...about, ...(code === null ? {} : { code }) };
  await api.act('POST', '/v1/me/key-findings', body).catch((error: unknown) => {
    if (!isCountersignError(error)) throw error;
  });
}

interface Bell {
  /** Begins to listen, once the address is known. */
  follow(address: string | null): void;
  /** Resolves at the next change of the address. Rejects with what ended the watch. */
  heard(): Promise<void>;
}

function listen(parts: ClientParts, signal: AbortSignal): Bell {
  let following = false;
  let ring: () => void = () => undefined;
  let fail: (error: unknown) => void = () => undefined;
  let failure: { readonly error: unknown } | undefined;
  const next = () =>
    new Promise<void>((resolve, reject) => {
      ring = resolve;
      fail = reject;
      if (failure !== undefined) reject(failure.error);
    });
  let heard = next();
  heard.catch(() => undefined);

  async function follow(address: string): Promise<void> {
    for await (const _change of watch(parts, [address], { signal })) ring();
  }
  return {
    follow(address) {
      if (following || address === null || signal.aborted) return;
      following = true;
      follow(address).catch((error: unknown) => {
        failure = { error };
        fail(error);
      });
    },
    async heard() {
      await heard;
      heard = next();
      heard.catch(() => undefined);
    },
  };
}
