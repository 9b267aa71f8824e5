import { VAULT_BYTES } from '../../protocol/api.ts';
import { decodeBase64url } from '../../protocol/base64url.ts';
import { equalBytes } from '../../protocol/bytes.ts';
import { canonicalJson } from '../../protocol/canonical-json.ts';
import { verifyDeviceEndorsement } from '../../protocol/device.ts';
import { importSignatureKey, verifyBytes } from '../../protocol/ed25519.ts';
import { CountersignError, isCountersignError } from '../../protocol/errors.ts';
import {
  type KeyStatement,
  type SignedStatement,
  statementHash,
  verifyStatement,
} from '../../protocol/key-statement.ts';
import { thumbprint } from '../../protocol/public-key.ts';
import { type RotationRequest, rotationTranscript } from '../../protocol/rotation.ts';
import { preFromJwk } from '../../recrypt/encoding.ts';
import type { PrePrivateKey, TransformEngine } from '../../recrypt/transform-engine.ts';
import type { Device } from '../directory/devices.ts';
import { ROTATION_SINCE_S } from '../lib/limits.ts';
import type { Access } from './access.ts';
import { checkEscrow, escrowKeyOf } from './escrow-checks.ts';
import { assertUntransformed } from './transform-keys.ts';

/** What a rotation is held against: the bridge's own records, and its share. */
export interface RotationRecord {
  readonly access: Access;
  readonly devices: readonly Device[];
  /** s. */
  readonly share: PrePrivateKey;
  /** Seconds. */
  readonly now: number;
  /** Fingerprint of the recovery key to which the rotation may begin to escrow; null for none. */
  readonly escrowKey: string | null;
}

/** A rotation of which every part was checked. */
export interface CheckedRotation {
  readonly signed: SignedStatement;
  readonly vault: Uint8Array;
  /** s + f. */
  readonly share: PrePrivateKey;
  readonly endorsed: readonly { readonly device: Device; readonly endorsement: string }[];
}

/**
 * Holds a rotation, all of which an attacker may have made, against the records. Throws `conflict` where they have changed
 * since it was prepared, `claims_invalid`, `key_invalid`, `statement_signature`, `rotation_factor`, `rotation_proof`,
 * `endorsement_mismatch`, `escrow_mismatch`, `recrypt_input_invalid`, `payload_too_large`.
 */
export async function checkRotation(
  engine: TransformEngine,
  record: RotationRecord,
  request: RotationRequest,
): Promise<CheckedRotation> {
  const { access } = record;
  const signed = { statement: request.statement, signatures: request.signatures };
  const vault = decodeBase64url(request.vault);
  if (vault.length > VAULT_BYTES) throw new CountersignError('payload_too_large', 'The vault is too large.');
  assertUntransformed(vault);
  await checkEscrow(engine, request.statement, request.escrow);
  assertContinues(request.statement, access.statement, record.now, escrowOf(request, record));
  await assertNewKey(request, record);
  await verifyStatement(signed, {
    previous: access.statement.keys[1],
    bridgeKey: () => {
      throw new CountersignError('statement_signature', 'a rotation is the person’s alone to sign');
    },
  });
  const share = adjustedShare(engine, record, request);
  await assertProofs(engine, record, request);
  const endorsed = await endorsements(request, record.devices);
  return { signed, vault, share, endorsed };
}

/** The next version, which differs in what a rotation changes and in nothing else. */
function assertContinues(
  next: KeyStatement,
  current: KeyStatement,
  now: number,
  escrow: KeyStatement['escrow'],
): void {
  const isNext =
    next.version === current.version + 1 &&
    next.key_version === current.key_version + 1 &&
    next.prev === statementHash(current);
  if (!isNext) throw new CountersignError('conflict', 'The keys were changed since this was prepared.');
  const [pre] = current.keys;
  const { reason: _none, ...before } = current;
  const expected = {
    ...before,
    ...{ version: next.version, key_version: next.key_version, prev: next.prev, since: next.since },
    keys: [pre, next.keys[1]],
    escrow,
  };
  const { reason, ...rest } = next;
  if (reason !== undefined || canonicalJson(rest) !== canonicalJson(expected)) {
    throw new CountersignError(
      'claims_invalid',
      'a rotation changes the signature key, and otherwise at most the escrow',
    );
  }
  if (next.since < current.since || Math.abs(next.since - now) > ROTATION_SINCE_S) {
    throw new CountersignError('claims_invalid', 'the statement does not begin now');
  }
}

/** The one before; or to the organization, where it is offered and the escrow is to the key that there is. */
function escrowOf({ statement, escrow }: RotationRequest, record: RotationRecord): KeyStatement['escrow'] {
  const before = record.access.statement.escrow;
  if (statement.escrow === before || record.escrowKey === null) return before;
  if (escrowKeyOf(statement, escrow) !== record.escrowKey) {
    throw new CountersignError('escrow_mismatch', 'it is sealed to other halves than ours');
  }
  return 'organization';
}

/** The old private key may be a thief's; and each key has one purpose. */
async function assertNewKey({ statement }: RotationRequest, record: RotationRecord): Promise<void> {
  const sig = statement.keys[1];
  await importSignatureKey(sig);
  const kid = thumbprint(sig);
  const inUse = [record.access.statement.keys[1], ...record.devices.map(({ keys }) => keys[1])];
  if (inUse.some((key) => thumbprint(key) === kid)) {
    throw new CountersignError('key_invalid', 'A rotation brings a signature key of its own.');
  }
}

/** U_new + (s + f)·G = U′, or nothing that was encrypted to U′ would open any more. */
function adjustedShare(
  engine: TransformEngine,
  record: RotationRecord,
  request: RotationRequest,
): PrePrivateKey {
  const half = preFromJwk(engine, request.client_half);
  const personKey = preFromJwk(engine, record.access.statement.keys[0]);
  try {
    const share = engine.addPrivateKeys(record.share, decodeBase64url(request.factor, 32));
    const sum = engine.augmentPublicKey(half, engine.computePublicKey(share));
    if (equalBytes(sum.x, personKey.x) && equalBytes(sum.y, personKey.y)) return share;
  } catch (cause) {
    // The factor or the new share is zero: what remained would be the old half, or no share at all.
    if (!isCountersignError(cause, 'recrypt_input_invalid')) throw cause;
  }
  throw new CountersignError('rotation_factor');
}

/** u_new and the new `sig` each sign all of it: neither can be exchanged by whoever knows the other. */
async function assertProofs(
  engine: TransformEngine,
  { access }: RotationRecord,
  request: RotationRequest,
): Promise<void> {
  const { statement, device } = access;
  const transcript = rotationTranscript(
    {
      ...{ iss: statement.iss, sub: statement.sub, deviceId: device.device_id },
      ...{ previous: statementHash(statement), personKey: statement.keys[0] },
    },
    request,
  );
  const half = preFromJwk(engine, request.client_half);
  if (!engine.schnorrVerify(half, transcript, decodeBase64url(request.client_half_proof, 64))) {
    throw new CountersignError('rotation_proof', 'the proof by the client’s new half does not verify');
  }
  if (!(await verifyBytes(request.statement.keys[1], transcript, request.sig_proof))) {
    throw new CountersignError('rotation_proof', 'the proof by the new signature key does not verify');
  }
}

/** One for each device that there is: one that was left out would stand there with nobody's word for it. */
async function endorsements(
  { statement, endorsements: tokens }: RotationRequest,
  devices: readonly Device[],
): Promise<CheckedRotation['endorsed']> {
  const left = new Map(devices.map((device) => [device.device_id, device]));
  const endorsed: { device: Device; endorsement: string }[] = [];
  for (const endorsement of tokens) {
    const claims = await verifyDeviceEndorsement(endorsement, statement);
    const device = left.get(claims.device_id);
    if (device === undefined) {
      throw new CountersignError('conflict', 'A device is endorsed that the person does not have.');
    }
    if (thumbprint(claims.keys[0]) !== thumbprint(device.keys[0])) {
      throw new CountersignError('endorsement_mismatch', 'the endorsement is for another device key');
    }
    left.delete(claims.device_id);
    endorsed.push({ device, endorsement });
  }
  if (left.size > 0) throw new CountersignError('conflict', 'The person has other devices by now.');
  return endorsed;
}
