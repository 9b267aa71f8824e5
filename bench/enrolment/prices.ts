import { newId } from '../../bridge/lib/ids.ts';
import { consumeOnce } from '../../bridge/storage/one-time.ts';
import {
  generateSigningKey,
  importSignatureKey,
  type SigningKey,
  signBytes,
  verifyBytes,
} from '../../protocol/ed25519.ts';
import { label, vrfInput } from '../../protocol/keytrans/label.ts';
import { vrfKeyPair, vrfProve } from '../../protocol/keytrans/vrf-prove.ts';
import type { TransformEngine } from '../../recrypt/transform-engine.ts';
import { cpuMs } from '../processes/cpu.ts';
import type { EnrolmentParts } from './parts.ts';

/** Few, so that machine and enrolments are priced in the same moment: there is a round of these for each round of those. */
const REPEATS = 6;

/** Milliseconds, by the clock and of CPU time. */
export interface Price {
  readonly ms: number;
  readonly cpuMs: number;
}

/**
 * `in turns`: one after the other and again, each behind other work as in an enrolment. `in a row`: each again and again
 * by itself, with the processor's caches and the disk to itself.
 */
export type PricingOrder = 'in turns' | 'in a row';

/** What each of these things takes by itself: the mean of some. Throws for one that has no price. */
export async function priceEach(
  parts: Pick<EnrolmentParts, 'engine' | 'database'>,
  names: readonly string[],
  order: PricingOrder,
): Promise<Map<string, Price>> {
  const actions = {
    ...engineActions(parts.engine),
    ...(await ed25519Actions()),
    'VRF proof': proofAction(),
    'durable commit': commitAction(parts),
  };
  const priced = names.map((name) => {
    const action = (actions as Partial<Record<string, () => unknown>>)[name];
    if (action === undefined) throw new Error(`there is no price for '${name}'`);
    return { name, action, ms: 0, cpuMs: 0 };
  });
  const repeats = Array.from({ length: REPEATS });
  const inOrder =
    order === 'in turns'
      ? repeats.flatMap(() => priced)
      : priced.flatMap((thing) => repeats.map(() => thing));
  for (const thing of inOrder) {
    const cpuBefore = cpuMs();
    const started = performance.now();
    await thing.action();
    thing.ms += (performance.now() - started) / REPEATS;
    thing.cpuMs += (cpuMs() - cpuBefore) / REPEATS;
  }
  return new Map(priced.map(({ name, ms, cpuMs }) => [name, { ms, cpuMs }]));
}

/** Each method of the engine that an enrolment uses, with inputs as an enrolment has them. */
function engineActions(engine: TransformEngine): Partial<Record<string, () => unknown>> {
  const message = crypto.getRandomValues(new Uint8Array(1_200));
  const user = engine.generateKeyPair();
  const share = engine.generateKeyPair();
  const device = engine.generateKeyPair();
  const signing = engine.generateSigningKeyPair().privateKey;
  const person = engine.augmentPublicKey(user.publicKey, share.publicKey);
  const transformKey = engine.generateTransformKey(user.privateKey, device.publicKey, signing);
  const augmented = engine.augmentTransformKey(transformKey, share.privateKey);
  const sealed = engine.encrypt(engine.generatePlaintext(), person, signing);
  const proof = engine.schnorrSign(user.privateKey, user.publicKey, message);
  return {
    generateKeyPair: () => engine.generateKeyPair(),
    generateSigningKeyPair: () => engine.generateSigningKeyPair(),
    validatePublicKey: () => engine.validatePublicKey(user.publicKey),
    augmentPublicKey: () => engine.augmentPublicKey(user.publicKey, share.publicKey),
    schnorrSign: () => engine.schnorrSign(share.privateKey, share.publicKey, message),
    schnorrVerify: () => engine.schnorrVerify(user.publicKey, message, proof),
    augmentTransformKey: () => engine.augmentTransformKey(transformKey, share.privateKey),
    transform: () => engine.transform(sealed, augmented, signing),
  };
}

async function ed25519Actions(): Promise<Partial<Record<string, () => unknown>>> {
  const message = crypto.getRandomValues(new Uint8Array(1_200));
  const key = await generateSigningKey(false);
  const signature = await signBytes(key, message);
  const unknown: SigningKey[] = [];
  for (let index = 0; index < REPEATS; index += 1) unknown.push(await generateSigningKey(false));
  return {
    'Ed25519 sign': () => signBytes(key, message),
    'Ed25519 verify': () => verifyBytes(key.publicKey, message, signature),
    'Ed25519 key check': () => importSignatureKey(unknown.pop()?.publicKey ?? key.publicKey),
  };
}

/** The least that a transaction can write. */
function commitAction({ database }: Pick<EnrolmentParts, 'database'>): () => Promise<void> {
  return () => database.transaction((tx) => consumeOnce(tx, 'bench', newId(), Date.now()));
}

/** Of an address's version, in this thread, as the enrolments of the bench have it. */
function proofAction(): () => unknown {
  const secret = vrfKeyPair(crypto.getRandomValues(new Uint8Array(32)));
  return () => vrfProve(secret, vrfInput(label('address', `${newId()}@bench.example`), 0));
}
