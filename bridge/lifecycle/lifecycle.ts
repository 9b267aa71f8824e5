import { CountersignError } from '../../protocol/errors.ts';
import { deleteDeviceRequestsOf } from '../binding/device-request-store.ts';
import { deleteOffersOf } from '../binding/enrolment-store.ts';
import type { Holder } from '../binding/holder.ts';
import type { KeptEscrows } from '../binding/kept-escrows.ts';
import { askingPerson, requestBy } from '../binding/permission.ts';
import { deleteRecoveriesOf } from '../binding/recovery-store.ts';
import { releaseAddresses } from '../directory/addresses.ts';
import { type Device, deleteDevice, deleteDevicesOf, devicesOf, findDevice } from '../directory/devices.ts';
import { deletePersonKeys, noteDeviceRemoved } from '../directory/person-keys.ts';
import { findPerson, type Person, restrictPerson } from '../directory/persons.ts';
import type { EventLog } from '../events/event-log.ts';
import { type Change, succeeded } from '../events/succeeded.ts';
import { signReceipt } from '../groups/receipts.ts';
import { deleteSealedKeysTo } from '../groups/sealed-key-store.ts';
import { withdrawDeviceFromGroups, withdrawFromGroups } from '../groups/withdrawal.ts';
import type { KeyLog } from '../keylog/key-log.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import type { RequestContext } from '../lib/request-context.ts';
import { type Decide, requireAllowed } from '../policy/decision.ts';
import type { Signer } from '../signer/signer.ts';
import type { Database, Transaction } from '../storage/database.ts';
import { createErasure, type ErasePerson } from './erasure.ts';
import { deviceEvent, groupEvents, personEvent, revocationEvent, tokenEvent } from './restriction-events.ts';
import { activeStatements, revocation, stageStatement } from './revocations.ts';

/** What a restriction did; empty where there was nothing (any more) to take away. */
export interface Restriction {
  readonly sub: string;
  readonly status: Person['status'];
  /** Revocations that are staged: look-ups answer `revoked_pending` until they are published, then `revoked`. */
  readonly revoked: readonly { readonly address: string; readonly version: number }[];
  readonly devices: number;
  /** Records of tokens and grants. */
  readonly tokens: number;
  /** Groups kept here that they were in. */
  readonly groups: number;
  /** Durable groups of which they were the last admin: nobody can manage them any more. */
  readonly orphaned: readonly string[];
  /** `revocation-receipt+jwt`; null where nothing was done, or while the online keys have run out. */
  readonly receipt: string | null;
}

/** What removing a device did. */
export type DeviceRemoval = Pick<Restriction, 'receipt'>;

/**
 * The restrictions (PROTOCOL §8): each acts in one transaction and is answered after it. Whatever reads a generation
 * afterwards finds it raised, so a transform in flight is discarded. Doing one again takes nothing more away and
 * answers the same way.
 */
export interface Lifecycle {
  /**
   * Keys, devices, tokens and addresses are gone for good, the statement is revoked. What they escrowed to the organization
   * is kept for as long as is configured; it is no key to anything of this. Throws `person_unknown`.
   */
  closePerson(sub: string, reason: string | undefined, context: RequestContext): Promise<Restriction>;
  /** The person stays and enrols anew with new keys. Throws `person_unknown`, `person_closed`. */
  resetPerson(sub: string, reason: string | undefined, context: RequestContext): Promise<Restriction>;
  /** The same restrictions in a transaction of the caller's: for signals, which are taken once with what they do. */
  within(tx: Transaction): RestrictionsWithin;
  /**
   * Lets a closed person sign in again, and takes nothing back: addresses are assigned by that sign-in as far as they
   * are still free, keys are enrolled anew. Doing it to an active person changes nothing. Throws `person_unknown`.
   */
  reopenPerson(
    sub: string,
    reason: string | undefined,
    context: RequestContext,
  ): Promise<Pick<Restriction, 'sub' | 'status'>>;
  /** Erases a closed person for good: no restriction, so it waits until their last revocation is in the log. */
  readonly erasePerson: ErasePerson;
  /** By an administrator. `sub`: whose it must be. Throws `device_unknown`. */
  removeDevice(device: { sub: string; deviceId: string }, context: RequestContext): Promise<DeviceRemoval>;
  /** By a person, of their own. Throws `device_unknown` (for others' devices too), `forbidden`. */
  removeOwnDevice(who: Holder, deviceId: string, context: RequestContext): Promise<DeviceRemoval>;
}

/** What may be done to a person in a transaction that somebody else holds open. Throw `person_unknown`. */
export interface RestrictionsWithin {
  closePerson(sub: string, reason: string | undefined, context: RequestContext): Promise<Restriction>;
  /** Throws `person_closed` too. */
  resetPerson(sub: string, reason: string | undefined, context: RequestContext): Promise<Restriction>;
  /** The person stays as they are, and all their devices sign in anew. */
  signOutPerson(
    sub: string,
    reason: string,
    context: RequestContext,
  ): Promise<Pick<Restriction, 'sub' | 'status' | 'tokens'>>;
}

/** Part of the authorization server: tokens die in the transaction of the restriction. Answer how many records. */
export interface TokenRevocation {
  revokeDevice(tx: Transaction, deviceId: string): Promise<number>;
  revokePerson(tx: Transaction, sub: string): Promise<number>;
}

export interface LifecycleDeps {
  readonly database: Database;
  readonly signer: Signer;
  readonly events: EventLog;
  readonly keyLog: Pick<KeyLog, 'stage' | 'published' | 'forget' | 'forgotten'>;
  readonly clock: Clock;
  readonly decide: Decide;
  readonly tokens: TokenRevocation;
  /** Without it nothing of a closed person is kept. */
  readonly keptEscrows?: Pick<KeptEscrows, 'keep'>;
}

export function createLifecycle(deps: LifecycleDeps): Lifecycle {
  const { database, clock, tokens } = deps;

  async function withdraw(
    tx: Transaction,
    person: Person,
    withdrawal: { reason: 'closed' | 'reset'; said: string | undefined },
    context: RequestContext,
  ): Promise<Restriction> {
    const { sub } = person;
    const statements = await activeStatements(tx, sub);
    const isClosed = withdrawal.reason === 'closed';
    const status = isClosed ? 'closed' : person.status;
    const isKept = isClosed && ((await deps.keptEscrows?.keep(tx, sub, context)) ?? false);
    await deletePersonKeys(tx, sub);
    await deleteOffersOf(tx, sub);
    // Somebody asked who may be the reason for the reset; the new key's devices must not be led to approve them.
    await deleteDeviceRequestsOf(tx, sub);
    await deleteRecoveriesOf(tx, sub);
    const devices = await devicesOf(tx, sub);
    await deleteDevicesOf(tx, sub);
    const groups = await withdrawFromGroups(tx, { iss: deps.signer.iss, sub }, withdrawal.reason);
    if (isClosed && !isKept) await deleteSealedKeysTo(tx, { recipient_kind: 'person', recipient: sub });
    const tokenCount = await tokens.revokePerson(tx, sub);
    await restrictPerson(tx, sub, status);
    const receipt = await signReceipt(deps, {
      ...{ act: withdrawal.reason === 'closed' ? 'person-closed' : 'person-reset', sub },
      ...{ transform_keys: devices.length + groups.memberships.length, tokens: tokenCount },
      generation: person.generation + 1,
    });
    const revocations = await Promise.all(
      statements.map((statement) => revocation(deps.signer, statement, withdrawal.reason, seconds(clock))),
    );
    const report = reporter(deps.events, tx, context);
    await report(personEvent(person, { ...withdrawal, receipt }));
    for (const revoked of revocations) {
      await stageStatement(deps.keyLog, tx, revoked);
      await report(revocationEvent(revoked.statement));
    }
    for (const device of devices) await report(deviceEvent(device, withdrawal.reason));
    const name = { iss: deps.signer.iss, sub };
    for (const change of groupEvents(name, groups, withdrawal.reason)) await report(change);
    if (tokenCount > 0) await report(tokenEvent({ sub }, tokenCount, withdrawal.reason));
    return {
      ...{ sub, status, devices: devices.length, tokens: tokenCount },
      ...{ groups: groups.memberships.length, receipt: receipt?.token ?? null },
      orphaned: groups.administered.filter(({ isOrphaned }) => isOrphaned).map(({ group }) => group),
      revoked: revocations.map(({ statement: { address, version } }) => ({ address, version })),
    };
  }

  const nothing = ({ sub, status }: Person): Restriction => ({
    ...{ sub, status, revoked: [], devices: 0, tokens: 0, groups: 0, orphaned: [], receipt: null },
  });

  async function remove(
    tx: Transaction,
    device: Device,
    reason: string,
    context: RequestContext,
  ): Promise<DeviceRemoval> {
    await deleteDevice(tx, device.device_id);
    await noteDeviceRemoved(tx, device.sub, seconds(clock));
    await withdrawDeviceFromGroups(tx, { sub: device.sub, deviceId: device.device_id });
    const count = await tokens.revokeDevice(tx, device.device_id);
    const receipt = await signReceipt(deps, {
      ...{ act: 'device-removed', sub: device.sub, device_id: device.device_id },
      ...{ transform_keys: 1, tokens: count, generation: device.generation + 1 },
    });
    const report = reporter(deps.events, tx, context);
    await report(deviceEvent(device, reason, receipt));
    if (count > 0) await report(tokenEvent({ sub: device.sub, device: device.device_id }, count, reason));
    return { receipt: receipt?.token ?? null };
  }

  const within = (tx: Transaction): RestrictionsWithin => ({
    async closePerson(sub, said, context) {
      const person = await requirePerson(tx, sub);
      if (person.status === 'closed') return nothing(person);
      const done = await withdraw(tx, person, { reason: 'closed', said }, context);
      await releaseAddresses(tx, sub);
      return done;
    },

    async resetPerson(sub, said, context) {
      const person = await requirePerson(tx, sub);
      if (person.status === 'closed') throw new CountersignError('person_closed');
      return withdraw(tx, person, { reason: 'reset', said }, context);
    },

    async signOutPerson(sub, reason, context) {
      const { status } = await requirePerson(tx, sub);
      const count = await tokens.revokePerson(tx, sub);
      await restrictPerson(tx, sub, status);
      if (count > 0) await reporter(deps.events, tx, context)(tokenEvent({ sub }, count, reason));
      return { sub, status, tokens: count };
    },
  });

  return {
    within,

    closePerson: (sub, said, context) =>
      database.transaction((tx) => within(tx).closePerson(sub, said, context)),

    resetPerson: (sub, said, context) =>
      database.transaction((tx) => within(tx).resetPerson(sub, said, context)),

    reopenPerson: (sub, said, context) =>
      database.transaction(async (tx) => {
        const { status } = await requirePerson(tx, sub);
        if (status === 'closed') {
          await restrictPerson(tx, sub, 'active');
          const data = said === undefined ? {} : { reason: said };
          await reporter(deps.events, tx, context)({ type: 'person.reopened', subject: { sub }, data });
        }
        return { sub, status: 'active' };
      }),

    erasePerson: createErasure(deps),

    removeDevice: ({ sub, deviceId }, context) =>
      database.transaction(async (tx) => {
        const device = await findDevice(tx, deviceId);
        if (device?.sub !== sub) throw new CountersignError('device_unknown');
        return remove(tx, device, 'by an administrator', context);
      }),

    removeOwnDevice: (who, deviceId, context) =>
      database.transaction(async (tx) => {
        const device = await findDevice(tx, deviceId);
        // Whether somebody else has such a device is nobody's business.
        if (device?.sub !== who.sub) throw new CountersignError('device_unknown');
        // Read now: a device that was removed a moment ago must not take the others along.
        const endorsed = (await findDevice(tx, who.deviceId))?.sub === who.sub;
        const resource = { kind: 'device', id: deviceId, owner: device.sub } as const;
        const asker = askingPerson({ ...who, endorsed }, deps.clock);
        requireAllowed(deps.decide, requestBy(asker, { action: 'remove-device', resource }));
        return remove(tx, device, 'by the person', context);
      }),
  };
}

async function requirePerson(tx: Transaction, sub: string): Promise<Person> {
  const person = await findPerson(tx, sub);
  if (person === undefined) throw new CountersignError('person_unknown');
  return person;
}

function reporter(events: EventLog, tx: Transaction, context: RequestContext) {
  return (change: Change) => events.append(tx, succeeded(change, context));
}
