import { encodeBase64url } from '../protocol/base64url.ts';
import type { VerifiedCredential } from '../protocol/credential.ts';
import {
  type DeviceEndorsement,
  signDeviceEndorsement,
  verifyDeviceEndorsement,
} from '../protocol/device.ts';
import { signBytes } from '../protocol/ed25519.ts';
import { CountersignError, isCountersignError } from '../protocol/errors.ts';
import { type KeyStatement, signStatement, statementHash } from '../protocol/key-statement.ts';
import {
  type RotationRequest,
  type RotationResult,
  type RotationStart,
  rotationResultSchema,
  rotationStartSchema,
  rotationTranscript,
} from '../protocol/rotation.ts';
import { encodeVault, vaultContext } from '../protocol/vault.ts';
import { preFromJwk, preToJwk } from '../recrypt/encoding.ts';
import { sealTo } from '../recrypt/sealed-box.ts';
import type { Enrolment } from './client.ts';
import type { ClientContext } from './context.ts';
import { escrowAnew } from './escrow.ts';
import {
  type ClientParts,
  currentDevice,
  describeAccount,
  verifyOwnCredential,
  verifyOwnDevice,
} from './own-account.ts';
import { withOwnKey } from './own-keys.ts';
import { openOwnVault } from './own-vault.ts';
import { dropPersonKeys, makePersonKeys, type PersonKeys } from './person-keys.ts';
import { randomId } from './random-id.ts';
import type { ConfirmDevices, OrganizationEscrow, RotationDue, RotationOptions } from './rotation-answers.ts';
import { pause } from './waiting.ts';

/** How often a rotation that may be stored is sent again: the bridge answers once it is published. */
const TRIES = 5;

/**
 * New u and `sig` behind the same U′ (PROTOCOL §9). The vault is opened and checked; only devices are endorsed anew whose
 * endorsement by the old keys verifies and that the person has confirmed: otherwise the bridge could slip one in.
 */
export async function rotateKeys(parts: ClientParts, options: RotationOptions = {}): Promise<Enrolment> {
  const { context } = parts;
  const confirmDevices = options.confirmDevices ?? context.confirmDevices;
  if (confirmDevices === null) throw new CountersignError('rotation_unconfirmed');
  const account = await describeAccount(parts);
  const { verified } = account;
  if (verified === null) throw new CountersignError('not_enrolled');
  if (account.deviceBinding === null) throw new CountersignError('device_not_endorsed');
  const start = await begin(parts, verified);
  const devices = await confirmedDevices(start, verified.statement, account.deviceId, confirmDevices);
  await removeOthers(parts, start, devices);
  const device = await currentDevice(context);
  const old = await openOwnVault(parts, device, verified.statement);
  const fresh = await makePersonKeys(context.engine);
  try {
    const escrow = { due: account.rotationDue, recoveryKey: account.recoveryKey, option: options.escrow };
    const rotating = { old, fresh, start, devices, deviceId: device.id, escrow };
    const request = await rotationRequest(parts, rotating);
    const { address } = verified.statement;
    const sig = fresh.sig.publicKey;
    // Before the bridge can publish it: a monitor of this device may hear of the new version first.
    await noteOwnKey(context, { address, client_half: null, sig });
    const result = await send(parts, request);
    const rotated = await verifyOwnCredential(parts, account, result.credential);
    if (rotated.statementHash !== statementHash(request.statement)) {
      throw new CountersignError('conflict', 'the keys were changed again meanwhile');
    }
    const endorsement = await verifyOwnDevice(context, result.device_binding, rotated, device);
    await noteOwnKey(context, { address, client_half: request.client_half, sig });
    return {
      credential: result.credential,
      deviceBinding: result.device_binding,
      verified: rotated,
      device: endorsement,
    };
  } finally {
    dropPersonKeys(old);
    dropPersonKeys(fresh);
  }
}

export async function rotateIfDue(parts: ClientParts, options?: RotationOptions): Promise<boolean> {
  const { rotationDue, deviceBinding } = await describeAccount(parts);
  if (rotationDue === null || deviceBinding === null) return false;
  if (rotationDue === 'escrow_required' && options?.escrow === undefined) return false;
  await rotateKeys(parts, options);
  return true;
}

/** What the bridge has: it must be about the statement that was verified. */
async function begin({ api }: ClientParts, { statement }: VerifiedCredential): Promise<RotationStart> {
  const start = await api.get('/v1/rotations/next', rotationStartSchema);
  const isOwn = start.iss === statement.iss && start.sub === statement.sub;
  if (!isOwn || statementHash(start.current.statement) !== statementHash(statement)) {
    throw new CountersignError('bridge_invalid', 'the rotation is of another statement');
  }
  return start;
}

/** Those whose endorsement verifies are shown; of these, those that the person confirms. */
async function confirmedDevices(
  start: RotationStart,
  statement: KeyStatement,
  ownId: string,
  confirmDevices: ConfirmDevices,
): Promise<DeviceEndorsement[]> {
  const shown = new Map<string, DeviceEndorsement>();
  for (const { device_id, endorsement } of start.devices) {
    const claims = await endorsedBefore(endorsement, statement);
    if (claims?.device_id === device_id) shown.set(device_id, claims);
  }
  const listed = start.devices.filter(({ device_id }) => shown.has(device_id));
  const confirmed = new Set(
    await confirmDevices(
      listed.map(({ device_id, label, added }) => ({
        device_id,
        label,
        added,
        current: device_id === ownId,
      })),
    ),
  );
  if (!confirmed.has(ownId) || !shown.has(ownId)) throw new CountersignError('rotation_unconfirmed');
  return [...shown.values()].filter(({ device_id }) => confirmed.has(device_id));
}

/** Null for a device that the person's keys never vouched for. */
async function endorsedBefore(token: string, statement: KeyStatement): Promise<DeviceEndorsement | null> {
  try {
    return await verifyDeviceEndorsement(token, statement);
  } catch (error) {
    if (isCountersignError(error)) return null;
    throw error;
  }
}

/** The bridge takes a rotation for all of the person's devices or none. */
async function removeOthers(
  { api }: ClientParts,
  { devices }: RotationStart,
  confirmed: readonly DeviceEndorsement[],
): Promise<void> {
  const kept = new Set(confirmed.map(({ device_id }) => device_id));
  for (const { device_id } of devices) {
    if (kept.has(device_id)) continue;
    await api.act('DELETE', `/v1/devices/${encodeURIComponent(device_id)}`).catch((error: unknown) => {
      if (!isCountersignError(error, 'device_unknown')) throw error;
    });
  }
}

interface Rotating {
  readonly old: PersonKeys;
  readonly fresh: PersonKeys;
  readonly start: RotationStart;
  readonly devices: readonly DeviceEndorsement[];
  readonly deviceId: string;
  readonly escrow: {
    readonly due: RotationDue | null;
    readonly recoveryKey: string | null;
    readonly option: OrganizationEscrow | undefined;
  };
}

async function rotationRequest(parts: ClientParts, rotating: Rotating): Promise<RotationRequest> {
  const { engine, now } = parts.context;
  const { old, fresh, start, devices, deviceId } = rotating;
  const { statement: current } = start.current;
  const [personKey] = current.keys;
  const statement = nextStatement(current, rotating);
  const vault = await sealTo(
    engine,
    preFromJwk(engine, personKey),
    encodeVault(fresh.vault),
    vaultContext(statement),
  );
  const half = engine.computePublicKey(fresh.half);
  const unproven = {
    request_id: randomId(),
    statement,
    signatures: [await signStatement(fresh.sig, statement), await signStatement(old.sig, statement)],
    client_half: preToJwk(half),
    factor: encodeBase64url(engine.subtractPrivateKeys(old.half, fresh.half)),
    vault: encodeBase64url(vault),
    ...(await escrowed(parts, statement, rotating)),
    endorsements: await Promise.all(
      devices.map(({ iss, sub, device_id, keys }) =>
        signDeviceEndorsement(fresh.sig, {
          ...{ iss, sub, device_id, keys },
          ...{ key_version: statement.key_version, iat: now() },
        }),
      ),
    ),
  };
  const transcript = rotationTranscript(
    {
      ...{ iss: current.iss, sub: current.sub, deviceId },
      ...{ previous: statementHash(current), personKey },
    },
    unproven,
  );
  return {
    ...unproven,
    client_half_proof: encodeBase64url(engine.schnorrSign(fresh.half, half, transcript)),
    sig_proof: await signBytes(fresh.sig, transcript),
  };
}

/** What is escrowed follows the keys, or a lost device could not be replaced after the next rotation. */
async function escrowed(
  parts: ClientParts,
  next: KeyStatement,
  { fresh, start, escrow: { due, recoveryKey, option } }: Rotating,
): Promise<Pick<RotationRequest, 'escrow'>> {
  if (next.escrow === 'none') return {};
  const statements = { current: start.current.statement, next };
  const before = {
    ...{ token: start.escrow, recoveryKey: recoveryKey ?? undefined, organization: option },
    isReplaced: due === 'recovery_key_replaced',
  };
  return { escrow: await escrowAnew(parts, fresh, statements, before) };
}

function nextStatement(
  current: KeyStatement,
  { fresh: { sig }, start: { since }, escrow: { due, option } }: Rotating,
): RotationRequest['statement'] {
  const { reason: _begun, ...rest } = current;
  const begins = due === 'escrow_required' && option !== undefined;
  return {
    ...rest,
    ...(begins ? { escrow: 'organization' as const } : {}),
    version: current.version + 1,
    key_version: current.key_version + 1,
    keys: [current.keys[0], sig.publicKey],
    since,
    prev: statementHash(current),
  };
}

/** Stored but not yet published is `unavailable`: the same request, sent again, answers then. */
async function send({ api, context }: ClientParts, request: RotationRequest): Promise<RotationResult> {
  const { firstMs, longestMs } = context.polling;
  for (let tries = 1; ; tries += 1) {
    try {
      return await api.post('/v1/rotations', request, rotationResultSchema);
    } catch (error) {
      const mayBeStored =
        isCountersignError(error, 'unavailable') || isCountersignError(error, 'bridge_unreachable');
      if (!mayBeStored || tries >= TRIES) throw error;
      await pause(Math.min(firstMs * 2 ** (tries - 1), longestMs), undefined);
    }
  }
}

async function noteOwnKey(context: ClientContext, own: Parameters<typeof withOwnKey>[1]): Promise<void> {
  await context.pins.update(async (pins) => ({ pins: withOwnKey(pins, own), result: undefined }));
}
