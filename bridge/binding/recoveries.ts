import { decodeBase64url } from '../../protocol/base64url.ts';
import { CountersignError } from '../../protocol/errors.ts';
import type {
  Recovery,
  RecoveryApproval,
  RecoveryAsking,
  RecoveryCase,
  RecoverySummary,
} from '../../protocol/escrow/organization-api.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import { thumbprint } from '../../protocol/public-key.ts';
import { findDevice } from '../directory/devices.ts';
import { succeeded } from '../events/succeeded.ts';
import { seconds } from '../lib/clock.ts';
import { newId } from '../lib/ids.ts';
import { OPEN_RECOVERIES, RECOVERY_LIFE_S } from '../lib/limits.ts';
import type { RequestContext } from '../lib/request-context.ts';
import { isUniqueViolation } from '../storage/database.ts';
import { assertDeviceKeys, assertOwnDeviceKey } from './enrolment-offer.ts';
import { readEscrowed, requireRecovery } from './escrows.ts';
import type { Holder } from './holder.ts';
import { type Officer, type OfficersDeps, requireAnotherOfficer } from './officers.ts';
import { assertStillEscrowed, type CaseDeps, readCase } from './recovery-cases.ts';
import {
  countApproval,
  deleteOldRecoveries,
  expireRecoveries,
  findRecovery,
  findRecoveryByRequest,
  insertRecovery,
  insertShare,
  pendingRecoveries,
  type StoredRecovery,
  settleRecovery,
  sharesOf,
} from './recovery-store.ts';
import {
  askingKeys,
  releasedShares,
  requireRecoveryOf,
  statusOf,
  subjectOf,
  summary,
} from './recovery-views.ts';
import { assertUntransformed } from './transform-keys.ts';

/**
 * Recovery by the organization: two administrators each give their share of a person's keys to a device that has only
 * signed in. What passes through here is sealed to the halves, or to that device.
 */
export interface Recoveries {
  /** Throws `forbidden`, `device_limit`, `dpop_invalid`, `escrow_none`, `rate_limited`, `conflict`, `request_id_reused`. */
  request(who: Holder, asking: RecoveryAsking, context: RequestContext): Promise<Recovery>;
  /** For the device that asked; `recovery_unknown` to all others. Throws `conflict` where the keys are others by now, `forbidden`, `device_limit`. */
  find(who: Holder, id: string): Promise<Recovery>;

  /** Those that wait for administrators. */
  list(): Promise<RecoverySummary[]>;
  /** What an administrator compares and opens. Throws `recovery_unknown`, `escrow_none`, `conflict`. */
  describe(id: string): Promise<RecoveryCase>;
  /**
   * Takes the share of one half; the second one releases. Throws `recovery_unknown`, `recovery_state`, `recovery_expired`,
   * `recovery_half`, `recovery_officer`, `recrypt_input_invalid`, `conflict`.
   */
  approve(
    officer: Officer,
    id: string,
    approval: RecoveryApproval,
    context: RequestContext,
  ): Promise<RecoverySummary>;
  /** Throws `recovery_unknown`, `recovery_state`, `recovery_expired`. */
  refuse(id: string, context: RequestContext): Promise<RecoverySummary>;

  /** Ends what nobody answered in time, leaving an event each; answers how many. For a background loop. */
  expire(): Promise<number>;
}

export function createRecoveries(deps: CaseDeps & OfficersDeps): Recoveries {
  const { database, clock, events } = deps;

  return {
    async request(who, asking, context) {
      const requestHash = sha256Base64url(JSON.stringify([asking, who.deviceId]));
      const earlier = await findEarlier(deps, who, asking.request_id, requestHash);
      if (earlier !== undefined) return view(deps, earlier);
      assertOwnDeviceKey(who, asking.device_sig);
      await assertDeviceKeys(deps.engine, asking);
      await requireRecovery(deps, who);
      try {
        await store(deps, who, asking, requestHash, context);
      } catch (error) {
        if (!isUniqueViolation(error, 'recoveries')) throw error;
      }
      const stored = await findEarlier(deps, who, asking.request_id, requestHash);
      if (stored === undefined) throw new CountersignError('conflict');
      return view(deps, stored);
    },

    async find(who, id) {
      const stored = await database.read((query) => findRecovery(query, id));
      if (stored?.sub !== who.sub || stored.device_id !== who.deviceId) {
        throw new CountersignError('recovery_unknown');
      }
      // What is released opens the keys: it counts what policy says now, and not when it was asked for.
      await requireRecovery(deps, who);
      return view(deps, stored);
    },

    async list() {
      const pending = await database.read((query) => pendingRecoveries(query, seconds(clock)));
      return pending.map((stored) => summary(stored, seconds(clock)));
    },

    async describe(id) {
      const stored = await database.read((query) => requireRecoveryOf(query, id));
      const { escrow, current, kept_boxes } = await readCase(deps, stored);
      return { ...summary(stored, seconds(clock)), ...askingKeys(stored), escrow, current, kept_boxes };
    },

    async approve(officer, id, { half, share }, context) {
      const stored = await database.read((query) => requireRecoveryOf(query, id));
      assertPending(stored, seconds(clock));
      const { claims } = await readCase(deps, stored);
      if (!claims.halves.some((key) => thumbprint(key) === half)) {
        throw new CountersignError('recovery_half', 'The keys of this person are sealed to other halves.');
      }
      const bytes = decodeBase64url(share);
      assertUntransformed(bytes);
      await database.transaction(async (tx) => {
        const approvals = await countApproval(tx, id, seconds(clock));
        if (approvals === undefined) throw new CountersignError('recovery_state');
        await assertStillEscrowed(deps, tx, stored);
        const given = await sharesOf(tx, id);
        const by = await requireAnotherOfficer(deps, tx, officer, given);
        if (given.some((one) => one.half === half)) {
          throw new CountersignError('recovery_half', 'The share of this half was given already.');
        }
        await insertShare(tx, { recovery: id, half, ...by, share: bytes });
        const subject = subjectOf(stored);
        const data = { recovery: id, half };
        await events.append(tx, succeeded({ type: 'recovery.approved', subject, data }, context));
        if (approvals < claims.halves.length) return;
        await settleRecovery(tx, id, 'released');
        const released = { type: 'recovery.released', subject, data: { recovery: id } } as const;
        await events.append(tx, succeeded(released, context));
      });
      return summary(await database.read((query) => requireRecoveryOf(query, id)), seconds(clock));
    },

    async refuse(id, context) {
      const stored = await database.read((query) => requireRecoveryOf(query, id));
      assertPending(stored, seconds(clock));
      await database.transaction(async (tx) => {
        if (!(await settleRecovery(tx, id, 'refused'))) throw new CountersignError('recovery_state');
        const refused = {
          type: 'recovery.refused',
          subject: subjectOf(stored),
          data: { recovery: id },
        } as const;
        await events.append(tx, succeeded(refused, context));
      });
      return summary(await database.read((query) => requireRecoveryOf(query, id)), seconds(clock));
    },

    expire: () =>
      database.transaction(async (tx) => {
        const expired = await expireRecoveries(tx, seconds(clock));
        for (const stored of expired) {
          await events.append(tx, {
            ...{ type: 'recovery.expired', actor: { kind: 'system' }, outcome: 'failure' },
            ...{ code: 'recovery_expired', subject: subjectOf(stored), data: { recovery: stored.id } },
          });
        }
        await deleteOldRecoveries(tx, seconds(clock) - RECOVERY_LIFE_S);
        return expired.length;
      }),
  };
}

async function findEarlier(
  { database }: CaseDeps,
  who: Holder,
  requestId: string,
  requestHash: string,
): Promise<StoredRecovery | undefined> {
  const earlier = await database.read((query) => findRecoveryByRequest(query, who.sub, requestId));
  if (earlier !== undefined && earlier.request_hash !== requestHash) {
    throw new CountersignError('request_id_reused');
  }
  return earlier;
}

function assertPending(stored: StoredRecovery, now: number): void {
  const status = statusOf(stored, now);
  if (status === 'expired') throw new CountersignError('recovery_expired');
  if (status !== 'pending') throw new CountersignError('recovery_state', `It is ${status}.`);
}

async function store(
  deps: CaseDeps,
  who: Holder,
  asking: RecoveryAsking,
  requestHash: string,
  context: RequestContext,
): Promise<void> {
  const now = seconds(deps.clock);
  await deps.database.transaction(async (tx) => {
    const { current } = await readEscrowed(deps, tx, who.sub, 'organization');
    if ((await findDevice(tx, who.deviceId)) !== undefined) {
      throw new CountersignError('conflict', 'This device key is in use.');
    }
    if ((await pendingRecoveries(tx, now, who.sub)).length >= OPEN_RECOVERIES) {
      throw new CountersignError('rate_limited', 'Too many recoveries are open: wait for an answer.');
    }
    const { address, key_version } = current.statement;
    const stored: StoredRecovery = {
      ...{ id: newId(), purpose: 'recovery', kept: null },
      ...{ sub: who.sub, address, key_version, device_id: who.deviceId },
      ...{ request_id: asking.request_id, request_hash: requestHash },
      ...{ keys: JSON.stringify([asking.device_key, asking.device_sig]), label: asking.label },
      ...{ status: 'pending', approvals: 0, created: now, expires: now + RECOVERY_LIFE_S },
    };
    await insertRecovery(tx, stored);
    const data = { recovery: stored.id, label: stored.label };
    const subject = subjectOf(stored);
    await deps.events.append(tx, succeeded({ type: 'recovery.requested', subject, data }, context));
  });
}

async function view(deps: CaseDeps, stored: StoredRecovery): Promise<Recovery> {
  if (statusOf(stored, seconds(deps.clock)) !== 'released') return shown(deps, stored, null);
  const content = await readCase(deps, stored);
  return deps.database.transaction(async (tx) => {
    // To open it takes a while, in which the person may have been closed, or an administrator removed.
    const now = await requireRecoveryOf(tx, stored.id);
    if (now.status !== 'released') return shown(deps, now, null);
    await assertStillEscrowed(deps, tx, now);
    return shown(deps, now, await releasedShares(tx, now, content));
  });
}

function shown({ clock }: CaseDeps, stored: StoredRecovery, released: Recovery['released']): Recovery {
  const { id, expires } = stored;
  return { id, expires, status: statusOf(stored, seconds(clock)), released };
}
