import { decodeBase64url, encodeBase64url } from '../../protocol/base64url.ts';
import { CountersignError } from '../../protocol/errors.ts';
import type {
  Recovery,
  RecoveryApproval,
  RecoveryAsking,
  RecoveryCase,
  RecoverySummary,
} from '../../protocol/escrow/organization-api.ts';
import {
  type OrganizationEscrow,
  verifyOrganizationEscrow,
} from '../../protocol/escrow/organization-escrow.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import { thumbprint } from '../../protocol/public-key.ts';
import { findDevice } from '../directory/devices.ts';
import { parseKeyPair } from '../directory/person-keys.ts';
import { succeeded } from '../events/succeeded.ts';
import { seconds } from '../lib/clock.ts';
import { newId } from '../lib/ids.ts';
import { OPEN_RECOVERIES, RECOVERY_LIFE_S } from '../lib/limits.ts';
import type { RequestContext } from '../lib/request-context.ts';
import { isUniqueViolation, type Query, type Transaction } from '../storage/database.ts';
import { assertDeviceKeys, assertOwnDeviceKey } from './enrolment-offer.ts';
import { openEscrow } from './escrow-checks.ts';
import { readEscrowed, requireRecovery } from './escrows.ts';
import type { Holder } from './holder.ts';
import { type Officer, type OfficersDeps, requireAnotherOfficer } from './officers.ts';
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
import type { BindingDeps } from './services.ts';
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

export function createRecoveries(deps: BindingDeps & OfficersDeps): Recoveries {
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
      const stored = await requireRecoveryOf(deps, id);
      const { escrow, current } = await readCase(deps, stored);
      const [device_key, device_sig] = parseKeyPair(stored.keys);
      return { ...summary(stored, seconds(clock)), device_key, device_sig, escrow, current };
    },

    async approve(officer, id, { half, share }, context) {
      const stored = await requireRecoveryOf(deps, id);
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
      return summary(await requireRecoveryOf(deps, id), seconds(clock));
    },

    async refuse(id, context) {
      const stored = await requireRecoveryOf(deps, id);
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
      return summary(await requireRecoveryOf(deps, id), seconds(clock));
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

function subjectOf({ sub, address, device_id }: StoredRecovery) {
  return { sub, address, device: device_id };
}

async function findEarlier(
  { database }: BindingDeps,
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

async function requireRecoveryOf({ database }: BindingDeps, id: string): Promise<StoredRecovery> {
  const stored = await database.read((query) => findRecovery(query, id));
  if (stored === undefined) throw new CountersignError('recovery_unknown');
  return stored;
}

function statusOf({ status, expires }: StoredRecovery, now: number): StoredRecovery['status'] {
  return status === 'pending' && now >= expires ? 'expired' : status;
}

function assertPending(stored: StoredRecovery, now: number): void {
  const status = statusOf(stored, now);
  if (status === 'expired') throw new CountersignError('recovery_expired');
  if (status !== 'pending') throw new CountersignError('recovery_state', `It is ${status}.`);
}

async function store(
  deps: BindingDeps,
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
      ...{ id: newId(), sub: who.sub, address, key_version, device_id: who.deviceId },
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

/** Shares of keys that are others by now are of no use, and are not handed out. Throws `conflict`, `escrow_none`. */
async function assertStillEscrowed(
  deps: BindingDeps,
  reader: Query | Transaction,
  { sub, key_version }: StoredRecovery,
) {
  const escrowed = await readEscrowed(deps, reader, sub, 'organization');
  if (escrowed.keys.key_version !== key_version) {
    throw new CountersignError('conflict', 'The keys are others by now: ask again.');
  }
  return escrowed;
}

interface Case extends Pick<RecoveryCase, 'escrow' | 'current'> {
  readonly claims: OrganizationEscrow;
}

async function readCase(deps: BindingDeps, stored: StoredRecovery): Promise<Case> {
  const { escrow: sealed, current } = await deps.database.read((query) =>
    assertStillEscrowed(deps, query, stored),
  );
  const name = { sub: stored.sub, keyVersion: stored.key_version };
  const escrow = await openEscrow(deps.signer, name, sealed);
  return { escrow, current, claims: await verifyOrganizationEscrow(escrow.token, current.statement) };
}

async function view(deps: BindingDeps, stored: StoredRecovery): Promise<Recovery> {
  const { id, expires } = stored;
  const status = statusOf(stored, seconds(deps.clock));
  return { id, status, expires, released: status === 'released' ? await released(deps, stored) : null };
}

async function released(deps: BindingDeps, stored: StoredRecovery): Promise<Recovery['released']> {
  const { escrow, claims } = await readCase(deps, stored);
  const given = await deps.database.read((query) => sharesOf(query, stored.id));
  const [first, second] = claims.halves.map((key) => given.find(({ half }) => half === thumbprint(key)));
  if (first === undefined || second === undefined) throw new CountersignError('internal');
  return { token: escrow.token, shares: [encodeBase64url(first.share), encodeBase64url(second.share)] };
}

function summary(stored: StoredRecovery, now: number): RecoverySummary {
  const { id, sub, address, label, approvals, created, expires } = stored;
  return { id, sub, address, label, status: statusOf(stored, now), approvals, created, expires };
}
