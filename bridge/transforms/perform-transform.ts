import { CountersignError } from '../../protocol/errors.ts';
import { decodeEncryptedValue, decodeTransformKey, encodeEncryptedValue } from '../../recrypt/encoding.ts';
import { transformSealed } from '../../recrypt/sealed-box.ts';
import type { TransformEngine } from '../../recrypt/transform-engine.ts';
import type { TransformJob } from './transforms.ts';

/** What a thread is given of a job. */
export type TransformWork = Pick<TransformJob, 'encrypted' | 'box' | 'keys' | 'maxBlocks' | 'exactBlocks'>;

/** Transforms on this thread. Throws `recrypt_input_invalid`. */
export function performTransform(engine: TransformEngine, work: TransformWork): Uint8Array {
  const keys = work.keys.map(decodeTransformKey);
  if (work.box === true) {
    return keys.reduce(
      (box, key, hop) => transformSealed(engine, box, key, work.maxBlocks + hop),
      work.encrypted,
    );
  }
  const value = decodeEncryptedValue(work.encrypted, { maxBlocks: work.maxBlocks });
  const blocks = value.transformBlocks.length;
  if (work.exactBlocks !== undefined && blocks !== work.exactBlocks) {
    throw new CountersignError(
      'recrypt_input_invalid',
      `expected ${work.exactBlocks} transform blocks, got ${blocks}`,
    );
  }
  // recrypt signs every ciphertext; nobody relies on by whom, so the key is thrown away.
  const { privateKey } = engine.generateSigningKeyPair();
  return encodeEncryptedValue(
    keys.reduce((transformed, key) => engine.transform(transformed, key, privateKey), value),
  );
}
