import { type DeviceRequest, deviceRequestSchema } from '../protocol/api.ts';
import {
  codeCommitment,
  comparisonCode,
  comparisonNonce,
  type DeviceKeys,
  deviceFingerprint,
} from '../protocol/device-comparison.ts';
import { CountersignError } from '../protocol/errors.ts';
import type { SignatureKey } from '../protocol/public-key.ts';
import type { DeviceAddition, Enrolment } from './client.ts';
import type { Device } from './context.ts';
import {
  askWhoIAm,
  type ClientParts,
  currentDevice,
  verifyOwnCredential,
  verifyOwnDevice,
} from './own-account.ts';
import { withOwnKey } from './own-keys.ts';
import { randomId } from './random-id.ts';
import { type WaitOptions, waitFor } from './waiting.ts';

/** The side of the new device (PROTOCOL §9). */
export async function requestDevice(
  parts: ClientParts,
  { label, method }: { label: string; method: 'fingerprint' | 'code' },
): Promise<DeviceAddition> {
  const who = await askWhoIAm(parts);
  const device = await currentDevice(parts.context);
  const keys = { iss: who.iss, sub: who.sub, pre: device.preJwk, sig: device.sig.publicKey };
  const nonce = comparisonNonce();
  const body = {
    request_id: randomId(),
    device_key: keys.pre,
    device_sig: keys.sig,
    label,
    comparison: method === 'code' ? { method, commitment: codeCommitment(keys, nonce) } : { method },
  };
  const { id } = await parts.api.post('/v1/device-requests', body, deviceRequestSchema);
  const path = requestPath(id);
  const showCode = codeOnce(parts, path, keys, nonce);

  return {
    id,
    method,
    fingerprint: deviceFingerprint(keys),
    showCode: async (options) => {
      if (method !== 'code')
        throw new CountersignError('device_request_state', 'this is compared by fingerprint');
      return showCode(options);
    },
    waitForApproval: async (options) => {
      await waitUntilApproved(parts, path, options);
      return believeApproval(parts, device, who.sub);
    },
  };
}

export function requestPath(id: string): string {
  return `/v1/device-requests/${encodeURIComponent(id)}`;
}

interface Challenge {
  readonly sig: SignatureKey;
  readonly nonce: string;
}

/**
 * Commit, then challenge, then reveal. The first challenge seen is the only one: the nonce is revealed once, and the
 * digits are over that challenge, so that nobody in between gets a second try.
 */
function codeOnce(parts: ClientParts, path: string, keys: DeviceKeys, nonce: string) {
  let challenge: Challenge | null = null;
  let revealed = false;
  return async (options: WaitOptions | undefined): Promise<string> => {
    challenge ??= await waitForChallenge(parts, path, options);
    if (!revealed) {
      await parts.api.act('POST', `${path}/reveal`, { nonce });
      revealed = true;
    }
    return comparisonCode({ keys, nonce }, challenge);
  };
}

function waitForChallenge(
  parts: ClientParts,
  path: string,
  options: WaitOptions | undefined,
): Promise<Challenge> {
  const ask = async (): Promise<Challenge | null> => {
    const { approver_sig: sig, approver_nonce } = assertOpen(await find(parts, path));
    return sig === null || approver_nonce === null ? null : { sig, nonce: approver_nonce };
  };
  return waitFor(ask, parts.context.polling, options);
}

async function waitUntilApproved(
  parts: ClientParts,
  path: string,
  options: WaitOptions | undefined,
): Promise<void> {
  const ask = async () => (assertOpen(await find(parts, path)).status === 'approved' ? true : null);
  await waitFor(ask, parts.context.polling, options);
}

function find(parts: ClientParts, path: string): Promise<DeviceRequest> {
  return parts.api.get(path, deviceRequestSchema);
}

function assertOpen(request: DeviceRequest): DeviceRequest {
  if (request.status === 'expired') throw new CountersignError('device_request_expired');
  if (request.status === 'refused') throw new CountersignError('forbidden', 'the request was refused');
  return request;
}

/** That the bridge says 'approved' counts for nothing: the person's key must have endorsed this device. */
async function believeApproval(parts: ClientParts, device: Device, sub: string): Promise<Enrolment> {
  const me = await askWhoIAm(parts);
  if (me.sub !== sub) throw new CountersignError('bridge_invalid', 'the person is another one now');
  if (me.credential === null) throw new CountersignError('not_enrolled');
  if (me.device_binding === null) throw new CountersignError('device_not_endorsed');
  const verified = await verifyOwnCredential(parts, me, me.credential);
  const endorsement = await verifyOwnDevice(parts.context, me.device_binding, verified, device);
  // The key that endorses this device is the person's, as far as it can be known here.
  const { address, keys } = verified.statement;
  await parts.context.pins.update(async (pins) => ({
    pins: withOwnKey(pins, { address, client_half: null, sig: keys[1] }),
    result: undefined,
  }));
  return { credential: me.credential, deviceBinding: me.device_binding, verified, device: endorsement };
}
