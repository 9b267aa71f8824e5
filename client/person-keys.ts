import { decodeBase64url, encodeBase64url } from '../protocol/base64url.ts';
import { concatBytes } from '../protocol/bytes.ts';
import { signDeviceEndorsement } from '../protocol/device.ts';
import { exportSigningKey, generateSigningKey, type SigningKey } from '../protocol/ed25519.ts';
import type { KeyStatement } from '../protocol/key-statement.ts';
import type { EncryptionKey, SignatureKey } from '../protocol/public-key.ts';
import type { VaultContent } from '../protocol/vault.ts';
import { encodeTransformKey, preFromJwk } from '../recrypt/encoding.ts';
import type { PrePrivateKey, TransformEngine } from '../recrypt/transform-engine.ts';

/** The person's private halves, held while an enrolment or approval needs them and dropped then. */
export interface PersonKeys {
  /** u. */
  readonly half: PrePrivateKey;
  readonly sig: SigningKey;
  /** The form that recrypt signs with: seed, then public key. */
  readonly recryptSig: Uint8Array;
  readonly vault: VaultContent;
}

export async function makePersonKeys(engine: TransformEngine): Promise<PersonKeys> {
  const half = engine.generateKeyPair().privateKey;
  const sig = await generateSigningKey(true);
  return personKeys(sig, { v: 1, pre: encodeBase64url(half), sig: await exportSigningKey(sig) });
}

export function personKeys(sig: SigningKey, vault: VaultContent): PersonKeys {
  const seed = decodeBase64url(vault.sig.d, 32);
  const recryptSig = concatBytes(seed, decodeBase64url(vault.sig.x, 32));
  seed.fill(0);
  return { half: decodeBase64url(vault.pre, 32), sig, recryptSig, vault };
}

/** Overwrites what can be overwritten; the rest goes with the last reference to it. */
export function dropPersonKeys(keys: PersonKeys): void {
  keys.half.fill(0);
  keys.recryptSig.fill(0);
}

/** What makes a device one of the person's: the endorsement, and the transform key u→D. */
export async function admitDevice(
  engine: TransformEngine,
  person: PersonKeys,
  statement: KeyStatement,
  device: { pre: EncryptionKey; sig: SignatureKey; id: string },
  now: number,
): Promise<{ endorsement: string; transformKey: Uint8Array<ArrayBuffer> }> {
  const endorsement = await signDeviceEndorsement(person.sig, {
    iss: statement.iss,
    sub: statement.sub,
    device_id: device.id,
    keys: [device.pre, device.sig],
    key_version: statement.key_version,
    iat: now,
  });
  const to = preFromJwk(engine, device.pre);
  const transformKey = encodeTransformKey(engine.generateTransformKey(person.half, to, person.recryptSig));
  return { endorsement, transformKey };
}
