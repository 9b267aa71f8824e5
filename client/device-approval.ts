import {
  type DeviceApproval,
  type DeviceRequest,
  deviceRequestListSchema,
  deviceRequestSchema,
} from '../protocol/api.ts';
import { encodeBase64url } from '../protocol/base64url.ts';
import { equalBytes, utf8 } from '../protocol/bytes.ts';
import {
  assertCommitment,
  comparisonCode,
  comparisonNonce,
  type DeviceKeys,
  deviceFingerprint,
} from '../protocol/device-comparison.ts';
import { CountersignError } from '../protocol/errors.ts';
import type { KeyStatement } from '../protocol/key-statement.ts';
import { thumbprint } from '../protocol/public-key.ts';
import type { DeviceComparison, PendingDevice } from './client.ts';
import type { Device } from './context.ts';
import { requestPath } from './device-addition.ts';
import { loadOnDemand } from './load-on-demand.ts';
import { type ClientParts, currentDevice, describeAccount } from './own-account.ts';
import { openOwnVault } from './own-vault.ts';
import { admitDevice, dropPersonKeys } from './person-keys.ts';
import type { DeviceApproved, RotationDue, RotationOptions } from './rotation-answers.ts';
import { waitFor } from './waiting.ts';

/** The side of the approving device (PROTOCOL §9). */
export async function listDeviceRequests({ api }: ClientParts): Promise<PendingDevice[]> {
  const { requests } = await api.get('/v1/device-requests', deviceRequestListSchema);
  return requests
    .filter(({ status }) => status === 'pending')
    .map(({ id, label, method, expires }) => ({ id, label, method, expires }));
}

/**
 * Compares and approves. The keys are read once: what is compared is what is endorsed, whatever the bridge tells
 * afterwards. The vault is opened only after the comparison held. Answers what rotation is still due.
 */
export async function approveDevice(
  parts: ClientParts,
  id: string,
  comparison: DeviceComparison,
  rotation: RotationOptions = {},
): Promise<DeviceApproved> {
  const { context, api } = parts;
  const own = await ownStatement(parts);
  const approver = await currentDevice(context);
  const request = await api.get(requestPath(id), deviceRequestSchema);
  const keys = keysOf(request, own.statement, context.now());
  if ('fingerprint' in comparison) {
    compareFingerprint(request, keys, comparison.fingerprint);
  } else {
    await compareCode(parts, request, keys, approver, comparison);
  }
  const current = await rotatedFirst(parts, own, rotation);
  await api.act(
    'POST',
    `${requestPath(id)}/approval`,
    await approvalOf(parts, approver, current.statement, keys),
  );
  return { rotationDue: current.rotationDue };
}

export async function refuseDevice({ api }: ClientParts, id: string): Promise<void> {
  await api.act('POST', `${requestPath(id)}/refusal`, {});
}

interface OwnKeys {
  readonly statement: KeyStatement;
  readonly rotationDue: RotationDue | null;
}

/** Only who is endorsed can open the vault; the statement is the verified and pinned one. */
async function ownStatement(parts: ClientParts): Promise<OwnKeys> {
  const { verified, deviceBinding, rotationDue } = await describeAccount(parts);
  if (verified === null) throw new CountersignError('not_enrolled');
  if (deviceBinding === null) throw new CountersignError('device_not_endorsed');
  return { statement: verified.statement, rotationDue };
}

/**
 * After a removal the next approving device rotates (PROTOCOL §9), so that the new one is admitted under the new keys; where
 * there is nobody to confirm the devices, it stays due.
 */
async function rotatedFirst(parts: ClientParts, own: OwnKeys, options: RotationOptions): Promise<OwnKeys> {
  const confirmDevices = options.confirmDevices ?? parts.context.confirmDevices;
  const isDue = own.rotationDue !== null && own.rotationDue !== 'escrow_required';
  if (!isDue || confirmDevices === null) return own;
  const { rotateKeys } = await loadOnDemand();
  const { verified } = await rotateKeys(parts, { confirmDevices });
  return { statement: verified.statement, rotationDue: null };
}

/** What the bridge says that the new device's keys are: attacker-controlled until compared. */
function keysOf(request: DeviceRequest, { iss, sub }: KeyStatement, now: number): DeviceKeys {
  if (request.iss !== iss || request.sub !== sub) {
    throw new CountersignError('device_comparison', 'the request is for another person');
  }
  if (request.status === 'expired' || request.expires <= now) {
    throw new CountersignError('device_request_expired');
  }
  if (request.status !== 'pending') throw new CountersignError('device_request_state');
  return { iss, sub, pre: request.device_key, sig: request.device_sig };
}

function compareFingerprint(request: DeviceRequest, keys: DeviceKeys, shown: string): void {
  if (request.method !== 'fingerprint') {
    throw new CountersignError('device_request_state', 'the new device asks to compare a code');
  }
  const given = utf8(shown.replace(/\s+/g, ''));
  if (!equalBytes(given, utf8(deviceFingerprint(keys)))) {
    throw new CountersignError('device_comparison', 'the fingerprint is not the one that the device shows');
  }
}

/** Commit, challenge, reveal: the challenge is sent once the commitment is here, and the digits are computed here. */
async function compareCode(
  parts: ClientParts,
  request: DeviceRequest,
  keys: DeviceKeys,
  approver: Device,
  { confirmCode, signal }: Extract<DeviceComparison, { confirmCode: unknown }>,
): Promise<void> {
  const { commitment } = request;
  if (request.method !== 'code' || commitment === null) {
    throw new CountersignError('device_request_state', 'the new device asks to compare a fingerprint');
  }
  if (request.device_nonce !== null || request.approver_nonce !== null) {
    throw new CountersignError(
      'device_request_state',
      'a code is compared once; ask the device to begin again',
    );
  }
  const path = requestPath(request.id);
  const nonce = comparisonNonce();
  await parts.api.act('POST', `${path}/challenge`, { nonce });
  const revealed = await waitForReveal(parts, path, signal);
  try {
    assertCommitment(keys, revealed, commitment);
    const digits = comparisonCode({ keys, nonce: revealed }, { sig: approver.sig.publicKey, nonce });
    if (!(await confirmCode(digits))) throw new CountersignError('device_comparison', 'the digits differ');
  } catch (error) {
    // Whoever sits in between has had the one try.
    await refuseDevice(parts, request.id);
    throw error;
  }
}

function waitForReveal(parts: ClientParts, path: string, signal: AbortSignal | undefined): Promise<string> {
  const ask = async () => {
    const request = await parts.api.get(path, deviceRequestSchema);
    if (request.status === 'expired') throw new CountersignError('device_request_expired');
    if (request.status !== 'pending') throw new CountersignError('device_request_state');
    return request.device_nonce;
  };
  return waitFor(ask, parts.context.polling, signal === undefined ? {} : { signal });
}

async function approvalOf(
  parts: ClientParts,
  approver: Device,
  statement: KeyStatement,
  keys: DeviceKeys,
): Promise<DeviceApproval> {
  const { engine, now } = parts.context;
  const person = await openOwnVault(parts, approver, statement);
  try {
    const device = { id: thumbprint(keys.sig), pre: keys.pre, sig: keys.sig };
    const { endorsement, transformKey } = await admitDevice(engine, person, statement, device, now());
    return { endorsement, transform_key: encodeBase64url(transformKey) };
  } finally {
    dropPersonKeys(person);
  }
}
