import { isCountersignError } from '../protocol/errors.ts';
import { statementHash } from '../protocol/key-statement.ts';
import type { ClientParts } from './own-account.ts';
import type { KeyFinding, MonitorOptions } from './own-key-answers.ts';
import { type Found, findWrong } from './own-key-check.ts';
import { pause } from './waiting.ts';
import { PASSING, watch } from './watch.ts';

const INTERVAL_S = 600;
const LEAST_INTERVAL_S = 5;

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
    const { address, findings } = await lookOnce(parts, options.address);
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

/** What passes by itself is looked at again after the next interval. */
async function lookOnce(parts: ClientParts, address: string | undefined): Promise<Found> {
  try {
    return await findWrong(parts, address);
  } catch (error) {
    if (isCountersignError(error) && PASSING.has(error.code))
      return { address: address ?? null, findings: [] };
    throw error;
  }
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
