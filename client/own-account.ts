import { parseAddress } from '../protocol/address.ts';
import { type Me, meSchema } from '../protocol/api.ts';
import type { Credential, VerifiedCredential } from '../protocol/credential.ts';
import { type DeviceEndorsement, verifyDeviceBinding } from '../protocol/device.ts';
import { CountersignError } from '../protocol/errors.ts';
import { decodeClaims } from '../protocol/jws.ts';
import { keyBindingSchema } from '../protocol/key-binding.ts';
import { type EncryptionKey, thumbprint } from '../protocol/public-key.ts';
import { preToJwk } from '../recrypt/encoding.ts';
import type { BridgeApi } from './bridge-api.ts';
import type { OwnAccount } from './client.ts';
import { type ClientContext, type Device, deviceOf } from './context.ts';
import { exclusively, loadSecrets } from './device-secrets.ts';
import { judgeCredential } from './judge.ts';
import { keepingEvidence } from './log-pins.ts';
import type { OwnOnlineKeys } from './own-online-keys.ts';
import { createPinDraft, type PinDraft } from './pin-draft.ts';
import type { IssuerPin } from './pin-store.ts';

/** What the parts of a client share. */
export interface ClientParts {
  readonly context: ClientContext;
  readonly api: BridgeApi;
  readonly ownKeys: OwnOnlineKeys;
}

/** This device, after a sign-in. Throws `sign_in_required`. */
export async function currentDevice(context: ClientContext): Promise<Device> {
  const secrets = await loadSecrets(context);
  if (secrets === null) throw new CountersignError('sign_in_required');
  return deviceOf(context, secrets);
}

/** The bridge's claims about the holder of the token; what is signed in them is not yet verified. */
export async function askWhoIAm({ context, api }: ClientParts): Promise<Me> {
  const me = await api.get('/v1/me', meSchema);
  if (me.iss !== context.issuer)
    throw new CountersignError('bridge_invalid', 'the bridge names itself otherwise');
  return me;
}

/** Throws what does not verify, and `pin_changed` when the person's key is not the one pinned on this device. */
export async function describeAccount(parts: ClientParts): Promise<OwnAccount> {
  const me = await askWhoIAm(parts);
  const device = await currentDevice(parts.context);
  const { credential } = me;
  const verified = credential === null ? null : await verifyOwnCredential(parts, me, credential);
  const deviceBinding = verified === null ? null : me.device_binding;
  if (verified !== null && deviceBinding !== null) {
    await verifyOwnDevice(parts.context, deviceBinding, verified, device);
  }
  return {
    iss: me.iss,
    sub: me.sub,
    deviceId: device.id,
    organization: me.organization,
    name: me.name,
    addresses: me.addresses,
    assurance: me.assurance,
    credential,
    verified,
    deviceBinding,
    devices: me.devices,
    rotationDue: me.rotation_due ?? null,
    recoveryKey: me.recovery_key ?? null,
  };
}

/**
 * The person's own credential, held against the pin of this device. `replacing`: the person just made this key here,
 * so that it takes the place of whatever was pinned.
 */
export async function verifyOwnCredential(
  { context, ownKeys }: ClientParts,
  who: { readonly sub: string; readonly addresses: readonly string[] },
  credential: Credential,
  replacing?: { statementHash: string },
): Promise<VerifiedCredential> {
  await ownKeys.current();
  const address = addressOf(credential, who.addresses);
  return keepingEvidence(context, context.issuer, () =>
    context.pins.update(async (pins) => {
      const draft = createPinDraft(replacing === undefined ? pins : withoutAddress(pins, address));
      const issuer = ownIssuer(context, draft, address);
      const { answer, verified } = await judgeCredential(context, draft, {
        address,
        credential,
        issuer,
        audience: null,
        asOf: context.now(),
      });
      if (verified.statement.sub !== who.sub) {
        throw new CountersignError('bridge_invalid', 'the credential is another person’s');
      }
      if (replacing !== undefined && verified.statementHash !== replacing.statementHash) {
        throw new CountersignError(
          'enrolment_offer',
          'the credential is not over the statement that was signed',
        );
      }
      if (answer.status === 'changed_key') {
        throw new CountersignError('pin_changed', `your key for ${address} was replaced`);
      }
      return { pins: draft.pins(), result: verified };
    }),
  );
}

/** A device binding for this device and its keys, under a verified credential of the person. */
export async function verifyOwnDevice(
  context: ClientContext,
  deviceBinding: string,
  person: VerifiedCredential,
  device: Device,
): Promise<DeviceEndorsement> {
  const { onlineKeys, statement } = person;
  const endorsement = await verifyDeviceBinding(deviceBinding, onlineKeys, statement, context.now());
  const [pre] = endorsement.keys;
  const isOwn = thumbprint(pre) === thumbprint(device.preJwk) || (await tookNextKey(context, pre));
  if (endorsement.device_id !== device.id || !isOwn) {
    throw new CountersignError('endorsement_mismatch', 'the device binding is for another device');
  }
  return endorsement;
}

/** A rotation of this device's key that the bridge has: the person's endorsement of the next key shows it. */
function tookNextKey(context: ClientContext, pre: EncryptionKey): Promise<boolean> {
  return exclusively(context, async () => {
    const secrets = await loadSecrets(context);
    const next = secrets?.next;
    if (secrets === null || next === undefined) return false;
    if (thumbprint(preToJwk(context.engine.computePublicKey(next))) !== thumbprint(pre)) return false;
    const { next: _taken, pre: old, ...rest } = secrets;
    await context.keyStore.save({ ...rest, pre: Uint8Array.from(next) });
    old.fill(0);
    return true;
  });
}

/**
 * The own bridge as issuer of the person's own credential: believed about their address under its pinned root alone,
 * because it is the bridge that they signed in to. Its record, which comes with look-ups, may be older than the domain.
 */
export function ownIssuer(context: ClientContext, draft: PinDraft, address: string): IssuerPin {
  if (draft.own === null) throw new CountersignError('internal');
  const { root_thumbprint, serial } = draft.own;
  return {
    entity_id: context.issuer,
    root_thumbprint,
    domains: [parseAddress(address).domain],
    status: 'active',
    version: 0,
    expires: context.now(),
    serial: Math.max(serial, draft.issuer(context.issuer)?.serial ?? 0),
  };
}

/** Which of the person's addresses the credential says it is for; that is verified afterwards. */
function addressOf(credential: Credential, addresses: readonly string[]): string {
  const { statement } = decodeClaims(credential.binding, 'key-binding+jwt', keyBindingSchema);
  if (!addresses.includes(statement.address)) {
    throw new CountersignError('bridge_invalid', 'the credential is for none of the person’s addresses');
  }
  return statement.address;
}

function withoutAddress<Held extends { addresses: Readonly<Record<string, unknown>> }>(
  pins: Held,
  address: string,
): Held {
  const { [address]: _replaced, ...addresses } = pins.addresses;
  return { ...pins, addresses };
}
