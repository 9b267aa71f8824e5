import type { TransformEngine } from '../../recrypt/transform-engine.ts';
import type { Metrics } from './metrics.ts';

/** The same engine; how long each operation takes is observed, refused inputs among them. */
export function watchEngine(engine: TransformEngine, metrics: Metrics): TransformEngine {
  const timed =
    <Input extends unknown[], Output>(operation: string, work: (...input: Input) => Output) =>
    (...input: Input): Output => {
      const start = performance.now();
      try {
        return work(...input);
      } finally {
        const seconds = (performance.now() - start) / 1000;
        metrics.observe(
          'countersign_transform_duration_seconds',
          { operation, engine: engine.name },
          seconds,
        );
      }
    };
  return {
    name: engine.name,
    version: engine.version,
    generateKeyPair: timed('generate_key_pair', () => engine.generateKeyPair()),
    computePublicKey: timed('compute_public_key', (key) => engine.computePublicKey(key)),
    validatePublicKey: timed('validate_public_key', (key) => engine.validatePublicKey(key)),
    generateSigningKeyPair: timed('generate_signing_key_pair', () => engine.generateSigningKeyPair()),
    generatePlaintext: timed('generate_plaintext', () => engine.generatePlaintext()),
    deriveSymmetricKey: timed('derive_symmetric_key', (plaintext) => engine.deriveSymmetricKey(plaintext)),
    encrypt: timed('encrypt', (...input) => engine.encrypt(...input)),
    transform: timed('transform', (...input) => engine.transform(...input)),
    decrypt: timed('decrypt', (...input) => engine.decrypt(...input)),
    generateTransformKey: timed('generate_transform_key', (...input) =>
      engine.generateTransformKey(...input),
    ),
    augmentTransformKey: timed('augment_transform_key', (...input) => engine.augmentTransformKey(...input)),
    augmentPublicKey: timed('augment_public_key', (...input) => engine.augmentPublicKey(...input)),
    addPrivateKeys: timed('add_private_keys', (...input) => engine.addPrivateKeys(...input)),
    subtractPrivateKeys: timed('subtract_private_keys', (...input) => engine.subtractPrivateKeys(...input)),
    schnorrSign: timed('schnorr_sign', (...input) => engine.schnorrSign(...input)),
    schnorrVerify: timed('schnorr_verify', (...input) => engine.schnorrVerify(...input)),
  };
}
