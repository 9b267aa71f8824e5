import { CountersignError } from '../../protocol/errors.ts';
import type { Escrow } from '../../protocol/escrow/escrow-record.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import { statementBytes, statementHash } from '../../protocol/key-statement.ts';
import type { RotationRequest, RotationResult, RotationStart } from '../../protocol/rotation.ts';
import { type Device, devicesOf, type EndorsedAnew, endorseDevice } from '../directory/devices.ts';
import { replacePersonKeys } from '../directory/person-keys.ts';
import { setKeyVersion } from '../directory/persons.ts';
import { activeStatementOf, findStatement, insertStatement } from '../directory/statements.ts';
import { succeeded } from '../events/succeeded.ts';
import { seconds } from '../lib/clock.ts';
import { REQUEST_ID_LIFE_S } from '../lib/limits.ts';
import type { Logger } from '../lib/logger.ts';
import type { RequestContext } from '../lib/request-context.ts';
import { isUniqueViolation, type Query, type Transaction } from '../storage/database.ts';
import { type Access, assertUnchanged, readAccess } from './access.ts';
import { escrowKeyOf, openEscrow, sealEscrow } from './escrow-checks.ts';
import type { Holder } from './holder.ts';
import { requirePersonPermission } from './permission.ts';
import { type OrganizationEscrowSetting, readRecoveryFingerprint } from './recovery-key.ts';
import { type CheckedRotation, checkRotation } from './rotation-checks.ts';
import {
  deleteOldRotations,
  findRotation,
  insertRotation,
  markRotationPublished,
  type StoredRotation,
  unannouncedRotations,
} from './rotation-store.ts';
import type { BindingDeps, Credentials } from './services.ts';
import { openShare, openTransformKey, sealShare, sealTransformKey } from './transform-keys.ts';

/** Rotation of a person's keys behind the same public key (PROTOCOL §3, §9): one operation, stored whole or not at all. */
export interface Rotations {
  /** What a rotation begins with. Throws `forbidden`, `device_not_endorsed`, `person_closed`, `unavailable`. */
  start(who: Holder): Promise<RotationStart>;

  /**
   * Checks everything, stores, and answers once the statement is published. The same request again answers the credential
   * as it is then. Throws what `start` and `checkRotation` throw, `request_id_reused`, and `unavailable` when it is stored
   * but not yet published: repeat it then.
   */
  rotate(who: Holder, request: RotationRequest, context: RequestContext): Promise<RotationResult>;

  /** Announces what was published with nobody waiting, and forgets old ones; answers how many. For a background loop. */
  expire(): Promise<number>;
}

type Deps = BindingDeps & {
  readonly credentials: Credentials;
  readonly logger: Logger;
  /** Whether keys are escrowed to the organization; not if absent. */
  readonly organizationEscrow?: OrganizationEscrowSetting;
};

export function createRotations(deps: Deps): Rotations {
  const { database } = deps;

  async function findEarlier(who: Holder, request: RotationRequest): Promise<StoredRotation | undefined> {
    const earlier = await database.read((query) => findRotation(query, who.sub, request.request_id));
    if (earlier !== undefined && earlier.request_hash !== hashOf(who, request)) {
      throw new CountersignError('request_id_reused');
    }
    return earlier;
  }

  async function rotate(who: Holder, request: RotationRequest, context: RequestContext): Promise<void> {
    const { access, devices } = await database.read((query) => readState(deps, query, who));
    const name = { sub: who.sub, keyVersion: access.keys.key_version };
    const share = await openShare(deps.signer, name, access.keys.share);
    const now = seconds(deps.clock);
    const escrowKey = await escrowOffered(deps, access, request);
    const checked = await checkRotation(deps.engine, { access, devices, share, now, escrowKey }, request);
    const rows = await prepareRows(deps, access, checked, request.escrow);
    await database.transaction((tx) => store(deps, tx, { who, request, context, access, checked, rows }));
  }

  return {
    async start(who) {
      requireRotation(deps, who);
      const { access, devices } = await database.read((query) => readState(deps, query, who));
      const { statement } = access;
      const current = await database.read((query) => activeStatementOf(query, who.sub));
      if (current === undefined || statementHash(current.statement) !== statementHash(statement)) {
        throw new CountersignError('conflict');
      }
      return {
        ...{ iss: statement.iss, sub: who.sub, current },
        since: Math.max(seconds(deps.clock), statement.since),
        ...(await escrowToken(deps, access)),
        devices: devices.map(({ device_id, label, added, endorsement }) => ({
          ...{ device_id, label, added, endorsement },
          current: device_id === who.deviceId,
        })),
      };
    },

    async rotate(who, request, context) {
      requireRotation(deps, who);
      if ((await findEarlier(who, request)) === undefined) {
        try {
          await rotate(who, request, context);
        } catch (error) {
          if (!isUniqueViolation(error, 'rotations')) throw error;
        }
      }
      const stored = await findEarlier(who, request);
      if (stored === undefined) throw new CountersignError('conflict');
      return result(deps, who, stored);
    },

    async expire() {
      await announceOverdue(deps);
      await database.transaction((tx) => deleteOldRotations(tx, seconds(deps.clock) - REQUEST_ID_LIFE_S));
      return 0;
    },
  };
}

/** The recovery key to which a rotation may begin to escrow, by its fingerprint: none where nothing of it is wanted. */
async function escrowOffered(
  { database, signer, organizationEscrow = 'off' }: Deps,
  { statement }: Access,
  request: RotationRequest,
): Promise<string | null> {
  const begins = request.statement.escrow === 'organization' && statement.escrow !== 'organization';
  if (!begins || organizationEscrow === 'off') return null;
  return database.read((query) => readRecoveryFingerprint(signer.iss, query));
}

function hashOf(who: Holder, request: RotationRequest): string {
  return sha256Base64url(JSON.stringify([request, who.deviceId]));
}

function requireRotation(deps: BindingDeps, who: Holder): void {
  requirePersonPermission(deps, who, {
    action: 'rotate-keys',
    resource: { kind: 'person', id: who.sub, owner: who.sub },
  });
}

/** Of keys that nobody is served yet, nothing can go on. */
async function readState(
  { keyLog }: BindingDeps,
  query: Query,
  who: Holder,
): Promise<{ access: Access; devices: Device[] }> {
  const access = await readAccess(query, who);
  const { address, version } = access.statement;
  if (!(await keyLog.isPublished(query, 'address', address, version))) {
    throw new CountersignError('unavailable', 'The key is not published yet.');
  }
  return { access, devices: await devicesOf(query, who.sub) };
}

/** What the rotating device verifies, and seals the next content to. */
async function escrowToken(
  { signer }: BindingDeps,
  { person: { sub }, keys }: Access,
): Promise<{ escrow?: string }> {
  if (keys.escrow === null) return {};
  const { token } = await openEscrow(signer, { sub, keyVersion: keys.key_version }, keys.escrow);
  return { escrow: token };
}

interface Rows {
  readonly share: Uint8Array;
  readonly escrow: Uint8Array | null;
  readonly devices: readonly EndorsedAnew[];
}

/** Transform keys lead from U′ and stay what they are; the key version that they are sealed with rises. */
async function prepareRows(
  { signer }: BindingDeps,
  { person: { sub } }: Access,
  { signed, share, endorsed }: CheckedRotation,
  escrow: Escrow | undefined,
): Promise<Rows> {
  const { key_version } = signed.statement;
  const devices: EndorsedAnew[] = [];
  for (const { device, endorsement } of endorsed) {
    const { device_id } = device;
    const name = { sub, deviceId: device_id, keyVersion: device.key_version };
    const opened = await openTransformKey(signer, name, device.transform_key);
    const transform_key = await sealTransformKey(signer, { ...name, keyVersion: key_version }, opened);
    devices.push({ device_id, endorsement, key_version, transform_key });
  }
  const name = { sub, keyVersion: key_version };
  return {
    share: await sealShare(signer, name, share),
    escrow: await sealEscrow(signer, name, escrow),
    devices,
  };
}

interface Rotating {
  readonly who: Holder;
  readonly request: RotationRequest;
  readonly context: RequestContext;
  readonly access: Access;
  readonly checked: CheckedRotation;
  readonly rows: Rows;
}

/** Transaction 1 (PROTOCOL §8): what was true when the rotation was checked is looked at again. */
async function store(deps: BindingDeps, tx: Transaction, rotating: Rotating): Promise<void> {
  const { who, request, access, checked, rows } = rotating;
  const { statement } = checked.signed;
  const { sub, address, version, key_version } = statement;
  await insertRotation(tx, {
    ...{ sub, request_id: request.request_id, request_hash: hashOf(who, request) },
    ...{ device_id: who.deviceId, address, version, created: seconds(deps.clock) },
  });
  assertUnchanged(access, await readAccess(tx, who));
  assertSameDevices(checked.endorsed, await devicesOf(tx, sub));
  const keys = {
    sub,
    key_version,
    keys: statement.keys,
    share: rows.share,
    vault: checked.vault,
    escrow: rows.escrow,
    escrow_key: escrowKeyOf(statement, request.escrow),
  };
  if (!(await replacePersonKeys(tx, keys))) throw new CountersignError('conflict');
  await setKeyVersion(tx, sub, key_version);
  await insertStatement(tx, checked.signed);
  for (const device of rows.devices) await endorseDevice(tx, device);
  await deps.keyLog.stage(tx, { kind: 'address', name: address, version, value: statementBytes(statement) });
  const data = { version, key_version, devices: rows.devices.length };
  const subject = { sub, address, device: who.deviceId };
  await deps.events.append(tx, succeeded({ type: 'person.rotated', subject, data }, rotating.context));
}

/** A device that was removed, added or rotated meanwhile has another endorsement than the one that was continued. */
function assertSameDevices(endorsed: CheckedRotation['endorsed'], now: readonly Device[]): void {
  const before = new Map(endorsed.map(({ device }) => [device.device_id, device.endorsement]));
  const same =
    now.length === before.size &&
    now.every(({ device_id, endorsement }) => before.get(device_id) === endorsement);
  if (!same) throw new CountersignError('conflict', 'The person has other devices by now.');
}

/** Nobody is served the new keys before they are published: whoever rotated them neither. */
async function result(deps: Deps, who: Holder, stored: StoredRotation): Promise<RotationResult> {
  const { address, version } = stored;
  await deps.keyLog.published('address', address, version);
  await announce(deps, stored);
  const answer = await deps.credentials.forAddress(address);
  const deviceBinding = await deps.credentials.deviceBinding(who.deviceId);
  if (answer.status !== 'credential' || answer.sub !== who.sub || deviceBinding === null) {
    throw new CountersignError('conflict', 'The keys were revoked, or this device removed, meanwhile.');
  }
  return { credential: answer.credential, device_binding: deviceBinding };
}

/** Writes the event of a published statement, exactly once for each rotation. */
async function announce({ database, events }: BindingDeps, stored: StoredRotation): Promise<void> {
  if (stored.status === 'published') return;
  await database.transaction(async (tx) => {
    if (!(await markRotationPublished(tx, stored))) return;
    const signed = await findStatement(tx, stored.address, stored.version);
    // Erased meanwhile: nothing is left to tell.
    if (signed === undefined) return;
    const { sub, address, version, key_version } = signed.statement;
    await events.append(tx, {
      ...{ type: 'statement.published', actor: { kind: 'system' }, outcome: 'success' },
      subject: { sub, address },
      data: { version, key_version, statement_hash: statementHash(signed.statement) },
    });
  });
}

/** The same for those whose clients did not wait, or whose bridge stopped in between. */
async function announceOverdue(deps: Deps): Promise<void> {
  const { database, keyLog, logger } = deps;
  for (const stored of await database.read(unannouncedRotations)) {
    const { address, version, sub } = stored;
    try {
      const published = await database.read((query) =>
        keyLog.isPublished(query, 'address', address, version),
      );
      if (published) await announce(deps, stored);
    } catch (err) {
      logger.error({ err, sub, version }, 'a rotation could not be announced');
    }
  }
}
