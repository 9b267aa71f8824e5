import { type CountersignError, isCountersignError } from '../protocol/errors.ts';
import { statementHash } from '../protocol/key-statement.ts';
import type { ClientParts } from './own-account.ts';
import type { KeyFinding, MonitorOptions } from './own-key-answers.ts';
import { type Found, findWrong } from './own-key-check.ts';
import { reportFinding } from './report-finding.ts';
import { pause } from './waiting.ts';
import { PASSING, watch } from './watch.ts';

const INTERVAL_S = 600;
const LEAST_INTERVAL_S = 5;

/** Looks that fail, an interval apart, until that is a finding: whoever lies by silence must not be taken for a bad line. */
const FAILED_LOOKS = 3;
/** A timer may end a little early. */
const EARLY_MS = 100;

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
  const seconds = Math.max(options.intervalSeconds ?? INTERVAL_S, LEAST_INTERVAL_S);
  const silence = watchSilence(parts, options.address, seconds * 1000);
  while (!stop.aborted) {
    const { addresses, findings, failure } = await lookOnce(parts, options.address);
    const unanswered = await silence.note(failure);
    if (failure === null) told.delete(SILENCE);
    for (const finding of [...findings, ...unanswered]) {
      const name = nameOf(finding);
      if (stop.aborted || told.has(name)) continue;
      told.add(name);
      await onFinding(finding);
      await reportFinding(parts, finding);
    }
    bell.follow(addresses);
    await Promise.race([bell.heard(), pause(seconds * 1000, stop).catch(() => undefined)]);
  }
}

/** What passes by itself is looked at again after the next interval. */
async function lookOnce(parts: ClientParts, address: string | undefined): Promise<Found> {
  const found = await findWrong(parts, address).catch((error: unknown) => {
    if (!isCountersignError(error)) throw error;
    return { addresses: address === undefined ? [] : [address], findings: [], failure: error };
  });
  if (found.failure !== null && !PASSING.has(found.failure.code)) throw found.failure;
  return found;
}

/** Which looks failed since the last that did not. The bridge chooses how it fails, so how says nothing. */
function watchSilence({ context }: ClientParts, wanted: string | undefined, intervalMs: number) {
  let failed = 0;
  /** By a clock that nobody can set. */
  let counted = Number.NEGATIVE_INFINITY;
  let since = context.now();
  return {
    /**
     * A finding once enough looks have failed, each an interval after the one before: those in between are for changes that
     * were heard of, and whoever lies could keep us busy with them.
     */
    async note(failure: CountersignError | null): Promise<KeyFinding[]> {
      if (failure === null) {
        failed = 0;
        counted = Number.NEGATIVE_INFINITY;
        since = context.now();
        return [];
      }
      const now = performance.now();
      if (now - counted >= intervalMs - EARLY_MS) {
        failed += 1;
        counted = now;
      }
      const address = wanted ?? (await context.pins.read()).own_key?.address;
      if (failed < FAILED_LOOKS || address === undefined) return [];
      const detail = `since ${new Date(since * 1000).toISOString()} the bridge does not let this device look`;
      return [{ finding: 'not_checked', address, version: null, code: failure.code, detail, evidence: null }];
    },
  };
}

/** However it is that the bridge does not answer. */
const SILENCE = 'not_checked';

function nameOf({ finding, address, version, code }: KeyFinding): string {
  if (finding === 'not_checked') return SILENCE;
  return `${finding} ${address} ${version === null ? '' : statementHash(version.statement)} ${code}`;
}

interface Bell {
  /** Listens, once addresses are known; anew where the stream has ended, or they are others. */
  follow(addresses: readonly string[]): void;
  /** Resolves at the next change of one of them. Rejects with a fault of ours. */
  heard(): Promise<void>;
}

interface Followed {
  readonly addresses: readonly string[];
  readonly stop: AbortController;
}

/** Hearing of changes only spares the wait: a stream that breaks, or is broken for this person alone, ends nothing. */
function listen(parts: ClientParts, signal: AbortSignal): Bell {
  let followed: Followed | undefined;
  let ring: () => void = () => undefined;
  let fail: (error: unknown) => void = () => undefined;
  const next = () =>
    new Promise<void>((resolve, reject) => {
      ring = resolve;
      fail = reject;
    });
  let heard = next();
  heard.catch(() => undefined);

  async function hear(addresses: readonly string[], until: AbortSignal): Promise<void> {
    for await (const _change of watch(parts, addresses, { signal: until })) ring();
  }
  return {
    follow(addresses) {
      if (addresses.length === 0 || signal.aborted) return;
      if (followed?.addresses.join() === addresses.join()) return;
      followed?.stop.abort();
      const stop = new AbortController();
      const following = { addresses, stop };
      followed = following;
      hear(addresses, AbortSignal.any([signal, stop.signal]))
        .catch((error: unknown) => {
          if (!isCountersignError(error)) fail(error);
        })
        .finally(() => {
          if (followed === following) followed = undefined;
        });
    },
    async heard() {
      await heard;
      heard = next();
      heard.catch(() => undefined);
    },
  };
}
