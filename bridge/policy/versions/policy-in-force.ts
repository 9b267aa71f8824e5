import { CountersignError, isCountersignError } from '../../../protocol/errors.ts';
import type { PolicyContent } from '../../../protocol/policy-bundle.ts';
import type { EventLog } from '../../events/event-log.ts';
import { startLoop } from '../../lib/background.ts';
import { POLICY_POLL_MS, POLICY_RETRY_MS } from '../../lib/limits.ts';
import type { Logger } from '../../lib/logger.ts';
import { type RequestContext, SYSTEM } from '../../lib/request-context.ts';
import type { Signer } from '../../signer/signer.ts';
import { type Keyspace, keyspace } from '../../storage/cache.ts';
import type { Database, Transaction } from '../../storage/database.ts';
import type { PolicyVersionsTable } from '../../storage/tables/policy.ts';
import { readDefaultContent } from '../content/default-content.ts';
import { type Decision, ENGINE_FAILED } from '../decision.ts';
import type { DecisionFailure } from '../engine/decider.ts';
import type { Policy } from '../policy.ts';
import { type LoggedPolicy, newestLoggedPolicy } from './logged-policy.ts';
import {
  type ActivatedPolicy,
  type ActivationDeps,
  activatePolicy,
  type Origin,
} from './policy-activation.ts';
import { createPolicyFailures } from './policy-failures.ts';
import { policyReasons, policyWarnings, type RefusedVersion } from './policy-standing.ts';
import { findPolicyVersion, newestPolicyNumber, newestPolicyVersion } from './policy-store.ts';
import { renewBundles } from './renewed-bundles.ts';
import { openStoredPolicy, type VersionInForce } from './stored-policy.ts';

/** The policy in force, and how another one comes into force. */
export interface PolicyInForce extends Policy {
  /** What is decided by at this moment; `undefined`, and everything is denied, while no version can be taken up. */
  readonly current: VersionInForce | undefined;
  /**
   * Makes a content the next version, in the open transaction. `refresh` is to follow once that is committed; replicas
   * that are not told find it within a second. Throws `policy_invalid`, `conflict`.
   */
  activate(
    tx: Transaction,
    content: PolicyContent,
    by: RequestContext,
    origin?: Origin,
  ): Promise<ActivatedPolicy>;
  /** Takes up the newest version, and tells the other replicas to. It never rejects: the next look follows soon. */
  refresh(): Promise<void>;
  /** Why the newest version is not in force; empty when it is. */
  reasons(): readonly string[];
  /** What an administrator should do about the policy in force. */
  warnings(): readonly string[];
  stop(): Promise<void>;
}

export interface PolicyDeps extends ActivationDeps {
  readonly database: Database;
  readonly signer: Pick<Signer, 'iss' | 'sign' | 'onlineKeys' | 'refresh'>;
  readonly events: Pick<EventLog, 'append' | 'record'>;
  readonly cache: Keyspace;
  readonly logger: Logger;
}

const CHANNEL = 'versions';

/**
 * Opens the policy that the store says is in force, and follows the ones that come. An empty store begins with the policy
 * that is shipped. A version that does not verify, or compile, is never taken up: the one before stays in force, and
 * where there is none, nothing is allowed. Throws what the database throws.
 */
export async function openPolicy(deps: PolicyDeps): Promise<PolicyInForce> {
  const { database, signer, clock, logger } = deps;
  const wakes = keyspace(deps.cache, 'policy');
  const failures = createPolicyFailures(deps);
  let current: VersionInForce | undefined;
  let refused: RefusedVersion | undefined;
  /** Of the online keys under which the bundles were last looked at. */
  let serial = -1;
  let isMissing = false;
  let turn: Promise<void> = Promise.resolve();

  async function look(): Promise<void> {
    await renewUnderNewKeys();
    const newest = await database.read(newestPolicyNumber);
    // It never goes back: a store that was put back from a backup is for others to find (bridge/tlog).
    if (newest !== undefined && newest > (current?.version ?? -1)) await takeUpNewest();
    if (newest === undefined && current === undefined) noteMissing();
    await failures.report();
  }

  async function renewUnderNewKeys(): Promise<void> {
    const now = signer.onlineKeys().serial;
    if (now === serial) return;
    await renewBundles(deps);
    serial = now;
    const held = current;
    if (held === undefined) return;
    const row = await database.read((query) => findPolicyVersion(query, held.version));
    if (row !== undefined && current === held) current = { ...held, bundle: row.bundle };
  }

  async function takeUpNewest(): Promise<void> {
    const { row, logged } = await database.transaction(async (tx) => ({
      row: await newestPolicyVersion(tx),
      logged: await newestLoggedPolicy(tx),
    }));
    if (row === undefined) return;
    const { version, hash, content, bundle } = row;
    const text = `${hash} ${bundle} ${content}`;
    const known = refused?.version === version && refused.text === text ? refused : undefined;
    if (known !== undefined && clock.now() - known.tried < POLICY_RETRY_MS) return;
    try {
      assertNewest(row, logged);
      current = await openOrRefresh(row);
      refused = undefined;
      logger.info({ version, hash }, 'the policy is in force');
    } catch (err) {
      // Whatever it is: what cannot be taken up does not count.
      const reason = err instanceof Error ? err.message : String(err);
      refused = { version, text, reason, tried: clock.now() };
      if (known !== undefined) return;
      logger.error({ err, version, hash }, 'a version of the policy cannot be taken up');
      failures.note({ reason: `version ${version} cannot be taken up: ${reason}`, hash });
    }
  }

  function noteMissing(): void {
    if (!isMissing) failures.note({ reason: 'the store has no policy any more' });
    isMissing = true;
  }

  /** Another replica may have signed with a key that this one has not read yet. */
  async function openOrRefresh(row: Parameters<typeof openStoredPolicy>[0]): Promise<VersionInForce> {
    const opening = { signer, clock, onFailure: noteFailure };
    try {
      return await openStoredPolicy(row, opening);
    } catch (error) {
      if (!isCountersignError(error, 'jws_unknown_key')) throw error;
      await signer.refresh();
      return openStoredPolicy(row, opening);
    }
  }

  function noteFailure({ reason, hash, request: { action } }: DecisionFailure): void {
    failures.note({ reason, hash, action });
  }

  /** One look at a time: an older one must not end after a newer one. */
  function lookInTurn(): Promise<void> {
    turn = turn.then(look, look);
    return turn;
  }

  function inForce(): VersionInForce {
    if (current === undefined) throw new CountersignError('policy_unavailable');
    return current;
  }

  await database.transaction(async (tx) => {
    const logged = await newestLoggedPolicy(tx);
    // Where versions that were in force are gone, there is no telling what they forbade.
    if (logged !== undefined && !logged.builtIn) return;
    await activatePolicy(deps, tx, readDefaultContent(), SYSTEM);
  });
  await lookInTurn();
  const loop = startLoop('policy', POLICY_POLL_MS, lookInTurn, { logger });
  const deaf = await wakes
    .onWake(CHANNEL, () => loop.wake())
    .catch((err: unknown) => {
      logger.warn({ err }, 'other replicas’ policies are only polled for');
      return () => {};
    });

  return {
    get current() {
      return current;
    },
    decide: (request) => current?.compiled.decide(request) ?? NOTHING_IN_FORCE,
    readsIds: (action) => current?.compiled.readsIds(action) ?? true,
    get document() {
      return inForce().compiled.document;
    },
    get hash() {
      return inForce().hash;
    },
    get lifetimes() {
      return inForce().compiled.lifetimes;
    },
    get recipients() {
      return inForce().compiled.recipients;
    },
    activate: (tx, content, by, origin) => activatePolicy(deps, tx, content, by, origin),
    async refresh() {
      await lookInTurn().catch((err: unknown) => logger.error({ err }, 'the policy could not be read'));
      await wakes.wake(CHANNEL).catch((err: unknown) => {
        logger.warn({ err }, 'other replicas were not told of the policy');
      });
    },
    reasons: () => policyReasons(current, refused),
    warnings: () => policyWarnings(current, readDefaultContent()),
    async stop() {
      deaf();
      await loop.stop();
      await turn.catch(() => undefined);
    },
  };
}

/** Somebody who takes the newest version out of the table, or puts one in, does not change what is decided by. */
function assertNewest(
  { version, hash }: Pick<PolicyVersionsTable, 'version' | 'hash'>,
  logged: LoggedPolicy | undefined,
): void {
  if (logged?.version === version && logged.hash === hash) return;
  const newest = logged === undefined ? 'no policy' : `version ${logged.version}, ${logged.hash}`;
  throw new CountersignError('policy_bundle_invalid', `the key log has ${newest} as the newest`);
}

const NOTHING_IN_FORCE: Decision = {
  effect: 'deny',
  policy: ENGINE_FAILED,
  reason: 'No policy is in force, so nothing is allowed.',
  hash: '',
  policies: [],
};
